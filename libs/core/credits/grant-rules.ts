import { Decimal, cumulativeShare } from '../money/index.ts';
import { formatInstant } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import type { CreditLapse, Grant } from './grant.ts';

const HUNDRED = Decimal.of(100);

/** Which grant burns first: lower priority, soonest expiry, promotional, lower price per credit, oldest, id (SEMANTICS 7.2). */
export function compareGrants(a: Grant, b: Grant): number {
  return (
    a.priority - b.priority ||
    compareExpiry(a.expiresAt, b.expiresAt) ||
    Number(b.promotional) - Number(a.promotional) ||
    comparePricePerCredit(a, b) ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** Whether an event at `at` may burn the grant; at `expiresAt` it is gone (SEMANTICS 7.2). */
export function isEffective({ effectiveAt, expiresAt }: Pick<Grant, 'effectiveAt' | 'expiresAt'>, at: Instant): boolean {
  return effectiveAt <= at && (expiresAt === null || at < expiresAt);
}

/** Whether a grant loses something where credits lapse: it was there before, and does not end by then. */
export function isLapsing(
  grant: Pick<Grant, 'subscriptionId' | 'effectiveAt' | 'expiresAt'>,
  { subscriptionId, at }: Pick<CreditLapse, 'subscriptionId' | 'at'>,
): boolean {
  return grant.subscriptionId === subscriptionId && grant.effectiveAt < at && (grant.expiresAt === null || grant.expiresAt > at);
}

/** The price paid for the credits of a grant from `burntBefore` on: the difference of the cumulative amounts at 12 decimals (SEMANTICS 1.6). */
export function revenueOf(grant: Pick<Grant, 'credits' | 'costBasis'>, burntBefore: Decimal, credits: Decimal): Decimal {
  if (grant.costBasis === null || credits.isZero()) return Decimal.ZERO;
  const paid = grant.costBasis.amount;
  return cumulativeShare(paid, burntBefore.plus(credits), grant.credits).minus(cumulativeShare(paid, burntBefore, grant.credits));
}

/** The price of the next `credits` of a grant; the last of them take what is left of it, whatever was given back before (SEMANTICS 7.8, 7.9). */
export function nextRevenue(grant: Grant, credits: Decimal): Decimal {
  if (grant.costBasis === null || credits.isZero()) return Decimal.ZERO;
  const left = grant.remaining.plus(grant.reserved ?? Decimal.ZERO);
  if (grant.priceUsed !== undefined && credits.equals(left)) return grant.costBasis.amount.minus(grant.priceUsed);
  return revenueOf(grant, grant.credits.minus(left), credits);
}

/** The price paid for what a grant has left: its revenue when it expires (SEMANTICS 7.9). */
export function breakage(grant: Grant): Decimal {
  return nextRevenue(grant, grant.remaining);
}

function compareExpiry(a: Instant | null, b: Instant | null): number {
  return a === b ? 0 : a === null ? 1 : b === null ? -1 : a - b;
}

/** By cross multiplication: a price per credit need not end. */
function comparePricePerCredit(a: Grant, b: Grant): number {
  const paid = (grant: Grant): Decimal => grant.costBasis?.amount ?? Decimal.ZERO;
  return paid(a).times(b.credits).compare(paid(b).times(a.credits));
}

/** Under which key a plan grants the credits of a service period: the same whenever it is assembled again. */
export function planGrantKey(segmentId: string, periodStart: Instant): string {
  return `plan:${segmentId}:${formatInstant(periodStart)}`;
}

/**
 * How much of what a wallet was filled to is gone, in whole percent, never rounded up: 80 is told when 80 of 100 are gone and not a millionth before. From 0 to
 * 100; null where it never held anything.
 */
export function usedPercent(filled: Decimal, available: Decimal): Decimal | null {
  if (!filled.isPositive()) return null;
  const left = Decimal.min(filled, Decimal.max(Decimal.ZERO, available));
  return HUNDRED.minus(left.times(HUNDRED).ceilDividedBy(filled));
}
