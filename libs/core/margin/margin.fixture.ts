import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import { SAMPLE_METERS, sampleSegment } from '../subscriptions/segment.fixture.ts';
import { servicePeriodAt } from '../subscriptions/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import type { MarginCustomer, MarginQuery } from './margin-facts.ts';
import type { RevenueItem } from './revenue-item.ts';

export const decimal = (text: string): Decimal => Decimal.parse(text);

/** January 2026 of a report in USD, asked for when it is over. */
export function sampleQuery(more: Partial<MarginQuery> = {}): MarginQuery {
  const to = more.to ?? parseInstant('2026-02-01T00:00:00Z');
  return {
    from: parseInstant('2026-01-01T00:00:00Z'),
    asOf: to,
    currency: 'USD',
    groupBy: ['CUSTOMER'],
    costBasis: 'FROZEN',
    feeAllocation: 'NONE',
    meters: SAMPLE_METERS,
    exchangeRates: [],
    deployments: new Map(),
    rateOf: () => null,
    ...more,
    to,
  };
}

export function sampleCustomer(more: Partial<MarginCustomer> = {}): MarginCustomer {
  return { key: 'acme', name: 'Acme', timeZone: 'UTC', segments: [sampleSegment({})], records: [], revenue: [], sharedCosts: [], ...more };
}

/** A fee for January. */
export function sampleFee(amount: string, segment: Segment, more: Partial<RevenueItem> = {}): RevenueItem {
  const period = { start: parseInstant('2026-01-01T00:00:00Z'), end: parseInstant('2026-02-01T00:00:00Z') };
  return {
    kind: 'FEE',
    subscriptionId: segment.subscriptionId,
    segment,
    amount: decimal(amount),
    discount: Decimal.ZERO,
    currency: segment.terms.currency,
    spread: { kind: 'STRAIGHT_LINE', period },
    ...more,
  };
}

/** January's usage line of a price. */
export function sampleUsageItem(amount: string, segment: Segment, priceKey: string): RevenueItem {
  const period = servicePeriodAt(segment, parseInstant('2026-01-15T00:00:00Z'));
  if (period === null) throw new Error('the segment does not cover January');
  return { ...sampleFee(amount, segment), kind: 'USAGE', spread: { kind: 'BY_USAGE', segment, period, priceKey, group: null } };
}
