import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { nextRevenue } from './grant-rules.ts';
import type { Grant } from './grant.ts';
import type { TakenCredits } from './wallet-book.ts';

/** A billing period of a subscription whose plan credits roll over is over: how much of what is left lives on (SEMANTICS 7.2, 7.9). */
export interface CreditCarry {
  readonly subscriptionId: string;
  /** The end of the period, where the next one begins. */
  readonly at: Instant;
  /** The most credits that are carried on; null: all that are left; zero where no period follows. */
  readonly maximum: Decimal | null;
}

/**
 * What is not carried on: above the maximum the oldest credits go first, with the price that was paid for them. What reservations hold counts as left and
 * is never taken. Grants that end at the instant anyway are not meant, nor those that somebody bought.
 */
export function notCarried(grants: readonly Grant[], { subscriptionId, at, maximum }: CreditCarry): TakenCredits[] {
  if (maximum === null) return [];
  const living = grants
    .filter((grant) => grant.subscriptionId === subscriptionId && grant.effectiveAt < at)
    .filter(({ expiresAt }) => expiresAt === null || expiresAt > at)
    .sort((a, b) => a.effectiveAt - b.effectiveAt || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  let excess = Decimal.sum(living.map(({ remaining, reserved = Decimal.ZERO }) => remaining.plus(reserved))).minus(maximum);
  return living.flatMap((grant) => {
    const credits = Decimal.min(excess, grant.remaining);
    if (!credits.isPositive()) return [];
    excess = excess.minus(credits);
    return [{ grantId: grant.id, credits, revenue: nextRevenue(grant, credits) }];
  });
}

/** The grants without what was lost of them. */
export function withoutLost<Kept extends Grant>(grants: readonly Kept[], lost: readonly TakenCredits[]): Kept[] {
  return grants.map((grant) => {
    const own = lost.find(({ grantId }) => grantId === grant.id);
    if (own === undefined) return grant;
    const priceUsed = grant.priceUsed?.plus(own.revenue);
    return { ...grant, remaining: grant.remaining.minus(own.credits), ...(priceUsed === undefined ? {} : { priceUsed }) };
  });
}
