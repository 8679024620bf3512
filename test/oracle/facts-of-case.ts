import { Decimal } from '@tare/core';
import type { AllowanceRecord, Discount, EndedPart, InvoiceFacts, Segment, ServicePeriod, UsageRecord } from '@tare/core';
import { sampleFacts } from '../../libs/core/invoicing/facts.fixture.ts';
import { sampleSegment } from '../../libs/core/subscriptions/segment.fixture.ts';
import { sampleUsage } from '../../libs/core/subscriptions/usage.fixture.ts';
import type { BillCase, CaseDiscount, CasePeriod, CasePrice, CaseUsage } from './bill-case.ts';

const decimal = (text: string): Decimal => Decimal.parse(text);

/** The case as the product is given it. */
export function factsOfCase(bill: BillCase): InvoiceFacts {
  const segment = segmentOfCase(bill);
  return sampleFacts({
    currency: bill.currency,
    ended: [partOfCase(bill, segment, bill.usage)],
    next: [{ segment, period: periodOf(bill.next) }],
    discounts: bill.discounts.map(discountOf),
    allowances: bill.carried.map(recordOfCarried),
  });
}

export function segmentOfCase(
  bill: Pick<BillCase, 'currency' | 'prices' | 'minimumCommitment' | 'seats'>,
  more: Partial<Segment> = {},
): Segment {
  const { currency, minimumCommitment, seats } = bill;
  return sampleSegment(
    { kind: 'SUBSCRIPTION', currency, minimumCommitment, allowOverlap: true, prices: bill.prices.map(priceInput) },
    { seats, ...more },
  );
}

/** The period with some of its usage. */
export function partOfCase(bill: BillCase, segment: Segment, usage: readonly CaseUsage[], more: Partial<EndedPart> = {}): EndedPart {
  return {
    segment,
    period: periodOf(bill.period),
    records: usage.map(recordOf),
    feesNet: decimal(bill.feesNet),
    uncoveredCredits: Decimal.ZERO,
    billed: [],
    closing: true,
    ...more,
  };
}

export function periodOf({ start, end, fullStart, fullEnd }: CasePeriod): ServicePeriod {
  return { index: 0, start, end, fullStart, fullEnd, trial: false };
}

export function discountOf({ key, percentOff, amountOff, prices, appliesTo, from, until }: CaseDiscount): Discount {
  return {
    key,
    percentOff: percentOff === null ? null : decimal(percentOff),
    amountOff: amountOff === null ? null : decimal(amountOff),
    prices,
    appliesTo,
    from,
    until,
    used: [],
  };
}

function priceInput({
  model,
  timing,
  amount,
  perSeat,
  groups,
  rollover,
  prorateIncluded,
  ...amounts
}: CasePrice): Parameters<typeof sampleSegment>[0]['prices'] extends readonly (infer Input)[] | undefined ? Input : never {
  if (model === 'FLAT') return { key: amounts.key, model, amount: amount ?? null, timing: timing ?? null, perSeat };
  const grouped = groups.length === 0 ? {} : { groupBy: 'region', groups };
  return {
    ...amounts,
    model,
    meter: 'units',
    match: [{ property: 'feature', in: [amounts.key] }],
    perSeat,
    rollover,
    prorateIncluded,
    ...grouped,
  };
}

/** As the period before left it. */
function recordOfCarried({ price, group, quantity }: BillCase['carried'][number]): AllowanceRecord {
  const lots = quantity === '0' ? [] : [{ quantity: decimal(quantity), expiresAt: null }];
  const name = { segmentId: 'before', periodStart: 0, priceKey: price, group, meter: 'units' };
  return { ...name, opening: [], included: Decimal.ZERO, used: Decimal.ZERO, left: lots, carried: lots };
}

function recordOf({ price, at, region, events, quantity, cost }: CaseUsage): UsageRecord {
  const sums = { events: Decimal.of(events), quantity: decimal(quantity), cost: decimal(cost), costCurrency: null };
  return { ...SAMPLE, feature: price, region, from: at, ...sums };
}

const SAMPLE = sampleUsage('2026-01-01T00:00:00Z');
