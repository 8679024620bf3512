import { Decimal, cumulativeShare } from '../money/index.ts';
import type { Instant, Period } from '../time/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { AssembledLine } from './assembled-invoice.ts';
import type { BilledFee, BilledLine } from './invoice-facts.ts';

/** What a saved line has to keep for the invoices after it. */
export type SavedLine = Pick<
  AssembledLine,
  | 'scopeKey'
  | 'kind'
  | 'priceKey'
  | 'description'
  | 'quantity'
  | 'amount'
  | 'discounts'
  | 'period'
  | 'segmentId'
  | 'credits'
  | 'adjustsKind'
  | 'committed'
  | 'rounding'
  | 'adjusts'
>;

/** Saved lines as what is billed: for `EndedPart.billed` and `LateInvoice.billed`. */
export function billedLinesOf(lines: readonly SavedLine[]): BilledLine[] {
  return lines.map(({ scopeKey, amount, discounts, committed, quantity, rounding, adjusts }) => ({
    ...{ scopeKey, amount, discounts, quantity, exactAmount: rounding.exactAmount, adjusts },
    ...(committed && { committed }),
  }));
}

/**
 * The fees of a segment that were billed for a time after `at`: `PlanChange.billed`. A change that adds no credits leaves those of before as they were billed:
 * then they are of an earlier segment.
 * @param lines standing lines of the subscription
 */
export function billedFeesOf(lines: readonly SavedLine[], segment: Segment, at: Instant): BilledFee[] {
  const own = lines.filter((line) => isAdvanceFee(line, segment) && line.period.end > at);
  const credits = own.some(grantsCredits) ? [] : lastCredits(lines, at);
  return [...own, ...credits].flatMap(({ kind, priceKey, description, quantity, amount, discounts, credits, period }) =>
    kind === 'FEE' || kind === 'CREDITS' || kind === 'PRORATION_CHARGE'
      ? [{ kind, priceKey, description, quantity, amount, discounts, credits, period }]
      : [],
  );
}

/** Credits of a plan that run at `at`: as they were billed last. */
function lastCredits(lines: readonly SavedLine[], at: Instant): SavedLine[] {
  const running = lines.filter((line) => grantsCredits(line) && line.period.start < at && line.period.end > at);
  const last = Math.max(...running.map(({ period }) => period.start));
  return running.filter(({ period }) => period.start === last);
}

function grantsCredits({ kind, priceKey, credits }: SavedLine): boolean {
  return priceKey === null && (kind === 'CREDITS' || kind === 'PRORATION_CHARGE') && credits.isPositive();
}

/**
 * Fees billed in advance for a segment's time in a billing period, prorations included, net of line discounts: `EndedPart.feesNet` (SEMANTICS 8.5). Of a fee
 * for several billing periods, its part by real time; the parts add up to it.
 */
export function feesNetOf(lines: readonly SavedLine[], segment: Segment, { fullStart, fullEnd }: FullPeriod): Decimal {
  const own = lines.filter((line) => isAdvanceFee(line, segment) && line.period.start < fullEnd && line.period.end > fullStart);
  return Decimal.sum(own.map((line) => earnedBetween(netOfLineDiscounts(line), line.period, fullStart, fullEnd)));
}

type FullPeriod = Pick<ServicePeriod, 'fullStart' | 'fullEnd'>;

function earnedBetween(amount: Decimal, { start, end }: Period, from: Instant, until: Instant): Decimal {
  const length = BigInt(end - start);
  const earnedAt = (at: Instant): Decimal => cumulativeShare(amount, BigInt(Math.min(Math.max(at, start), end) - start), length);
  return earnedAt(until).minus(earnedAt(from));
}

const ADVANCE_KINDS: ReadonlySet<string> = new Set(['FEE', 'CREDITS', 'PRORATION_CHARGE', 'PRORATION_CREDIT']);

/** A fixed fee in arrears stands on the same invoice as the usage and is counted there. */
export function isAdvanceFee(line: SavedLine, segment: Segment): boolean {
  if (line.segmentId !== segment.id || !ADVANCE_KINDS.has(line.kind)) return false;
  const price = segment.terms.prices.find(({ key }) => key === line.priceKey);
  return price?.model !== 'FLAT' || price.timing === 'IN_ADVANCE';
}

/** What a line comes to for a commitment. */
export function netOfLineDiscounts({ amount, discounts, committed }: Pick<SavedLine, 'amount' | 'discounts' | 'committed'>): Decimal {
  return committed ?? amount.minus(Decimal.sum(discounts.filter((share) => share.ofLine).map((share) => share.amount)));
}
