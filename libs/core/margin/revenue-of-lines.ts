import { CUMULATIVE_DECIMALS, Decimal, cumulativeShare } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { servicePeriodAt } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { AssembledLine, LineKind } from '../invoicing/index.ts';
import { usagePartOf } from './billed-quantity.ts';
import { lastInstantOf } from './recognise-revenue.ts';
import type { RevenueItem, RevenueKind, RevenueSpread } from './revenue-item.ts';

/** A line as margin reads it: of an issued invoice, or of the invoice that an open period would get now. */
export type RevenueLine = Pick<
  AssembledLine,
  'kind' | 'priceKey' | 'group' | 'amount' | 'exactAmount' | 'discount' | 'period' | 'subscriptionId' | 'credits'
> & {
  /** Of a DELTA, what it corrects; null elsewhere. */
  readonly adjustsKind: LineKind | null;
  readonly currency: string;
  /** A line of an open period is not rounded yet: it counts exactly, at 12 decimals. */
  readonly isBilled: boolean;
  /** When its invoice was finalized; null: not yet. */
  readonly finalizedAt: Instant | null;
  /** When its invoice was voided; null: it stands. */
  readonly voidedAt: Instant | null;
};

/** Credits that no grant covered, as they were recorded or planned. */
export interface UncoveredUse {
  readonly at: Instant;
  readonly dimensionKey: string;
  readonly credits: Decimal;
}

/** Revenue that burnt or expired credits recognise: a posting of the credit ledger (SEMANTICS 7.9). */
export interface CreditRevenue {
  readonly kind: 'CREDIT_BURN' | 'BREAKAGE';
  readonly at: Instant;
  readonly amount: Decimal;
  readonly currency: string;
  readonly subscriptionId: string | null;
  /** `burnKey` of the usage; null where no usage is named: credits that expired, a debt that a grant paid. */
  readonly dimensionKey: string | null;
}

/**
 * How a line is earned (SEMANTICS 10.1). What buys credits is earned when they are burnt, so it is nothing here. A voided invoice keeps what was earned of
 * it and takes it back on the day it was voided. `segment`: the line's; `uncovered`: of an OVERAGE line's period.
 */
export function revenueOfLine(line: RevenueLine, segment: Segment | null, uncovered: readonly UncoveredUse[] = []): RevenueItem[] {
  if (buysCredits(line) || (line.voidedAt !== null && line.finalizedAt === null)) return [];
  const items = itemsOf(line, segment, uncovered);
  const { voidedAt } = line;
  if (voidedAt === null) return items;
  const back = Decimal.sum(items.map(({ amount }) => amount)).negated();
  return [...items, item(line, segment, 'DELTA', { kind: 'AT', at: voidedAt }, { amount: back, discount: Decimal.ZERO })];
}

/** Credits that were burnt are earned with the usage that burnt them; what expired is breakage, at the expiry (SEMANTICS 7.9, 10.1). */
export function revenueOfCredits(credits: CreditRevenue, segment: Segment | null): RevenueItem {
  const { kind, at, amount, currency, subscriptionId, dimensionKey } = credits;
  const spread: RevenueSpread = dimensionKey === null ? { kind: 'AT', at } : { kind: 'BURN', at, dimensionKey };
  return { kind, subscriptionId, segment, amount, discount: Decimal.ZERO, currency, spread };
}

function itemsOf(line: RevenueLine, segment: Segment | null, uncovered: readonly UncoveredUse[]): RevenueItem[] {
  const atEnd: RevenueSpread = { kind: 'AT', at: lastInstantOf(line.period) };
  const straight: RevenueSpread = { kind: 'STRAIGHT_LINE', period: line.period };
  switch (line.kind) {
    case 'FEE':
      return [item(line, segment, 'FEE', straight)];
    case 'PRORATION_CREDIT':
    case 'PRORATION_CHARGE':
      return [item(line, segment, 'PRORATION', straight)];
    case 'USAGE':
      return [item(line, segment, 'USAGE', usageSpread(line, segment) ?? atEnd)];
    case 'OVERAGE':
      return overageItems(line, segment, uncovered);
    case 'COMMITMENT':
      return [item(line, segment, 'COMMITMENT', atEnd)];
    case 'DELTA':
      return line.finalizedAt === null ? [] : [item(line, segment, 'DELTA', { kind: 'AT', at: line.finalizedAt })];
    case 'CREDITS':
      return [];
    default:
      return line.kind satisfies never;
  }
}

function buysCredits(line: RevenueLine): boolean {
  return line.kind === 'CREDITS' || line.adjustsKind === 'CREDITS' || !line.credits.isZero();
}

function usageSpread({ period, priceKey, group }: RevenueLine, segment: Segment | null): RevenueSpread | null {
  if (segment === null || priceKey === null || usagePartOf(segment, priceKey, group) === null) return null;
  return { kind: 'BY_USAGE', segment, period: periodOf(period, segment), priceKey, group };
}

/** The service period that a line names; where the segment has been cut since, the line's own bounds stand. */
function periodOf(period: RevenueLine['period'], segment: Segment): ServicePeriod {
  const service = servicePeriodAt({ ...segment, end: null }, period.start);
  const full = service ?? { index: 0, fullStart: period.start, fullEnd: period.end };
  return { index: full.index, fullStart: full.fullStart, fullEnd: full.fullEnd, start: period.start, end: period.end, trial: false };
}

/** Overage is earned by the usage that no credits covered, at its time; where that is not recorded, at the period's end. */
function overageItems(line: RevenueLine, segment: Segment | null, uncovered: readonly UncoveredUse[]): RevenueItem[] {
  const whole = Decimal.sum(uncovered.map(({ credits }) => credits));
  if (!whole.isPositive()) return [item(line, segment, 'OVERAGE', { kind: 'AT', at: lastInstantOf(line.period) })];
  const share = (total: Decimal, before: Decimal, credits: Decimal): Decimal =>
    cumulativeShare(total, before.plus(credits), whole).minus(cumulativeShare(total, before, whole));
  let before = Decimal.ZERO;
  return uncovered.map(({ at, dimensionKey, credits }) => {
    const amounts = { amount: share(netOf(line), before, credits), discount: share(line.discount, before, credits) };
    before = before.plus(credits);
    return item(line, segment, 'OVERAGE', { kind: 'BURN', at, dimensionKey }, amounts);
  });
}

function item(
  line: RevenueLine,
  segment: Segment | null,
  kind: RevenueKind,
  spread: RevenueSpread,
  amounts: Pick<RevenueItem, 'amount' | 'discount'> = { amount: netOf(line), discount: line.discount },
): RevenueItem {
  return { kind, subscriptionId: line.subscriptionId, segment, currency: line.currency, spread, ...amounts };
}

function netOf({ isBilled, amount, exactAmount, discount }: RevenueLine): Decimal {
  return (isBilled ? amount : exactAmount.roundedTo(CUMULATIVE_DECIMALS)).minus(discount);
}
