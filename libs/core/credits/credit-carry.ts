import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { isLapsing, nextRevenue } from './grant-rules.ts';
import type { CreditLapse, Grant } from './grant.ts';
import type { TakenCredits } from './wallet-book.ts';

/** A billing period of a subscription whose plan credits roll over is over: how much of what is left lives on (SEMANTICS 7.2, 7.9). */
export interface CreditCarry {
  readonly subscriptionId: string;
  /** The end of the period, where the next one begins. */
  readonly at: Instant;
  /** The most credits that are carried on; null: all that are left; zero where no period follows. */
  readonly maximum: Decimal | null;
}

/** A grant with what was burnt of it at an instant or later (`CreditCarry.at`); none: nothing. */
export interface CarriedGrant extends Grant {
  readonly burntSince?: Decimal;
}

/** What carries of one subscription will take, in order of time: each finds what those before it leave. */
export function lapsesOf(waiting: readonly { readonly carry: CreditCarry; readonly grants: readonly CarriedGrant[] }[]): CreditLapse[] {
  const lapses: CreditLapse[] = [];
  let lost = Decimal.ZERO;
  for (const { carry, grants } of waiting) {
    if (carry.maximum === null) continue;
    const { subscriptionId, at } = carry;
    const credits = excessOf(livingBeyond(grants, carry), carry.maximum).minus(lost);
    lapses.push({ subscriptionId, at, credits });
    lost = lost.plus(Decimal.max(Decimal.ZERO, credits));
  }
  return lapses;
}

/**
 * What is not carried on: above the maximum the oldest credits go first, with the price that was paid for them. What reservations hold counts as left and
 * is never taken; what was burnt since counts as left at the instant. Grants that end at the instant anyway are not meant, nor those that somebody bought.
 */
export function notCarried(grants: readonly CarriedGrant[], carry: CreditCarry): TakenCredits[] {
  if (carry.maximum === null) return [];
  const living = livingBeyond(grants, carry);
  return oldestFirst(living, excessOf(living, carry.maximum));
}

/** The grants without what has lapsed of them: the oldest credits first, as they will be taken off. */
export function withoutLapses<Kept extends Grant>(grants: readonly Kept[], lapses: readonly CreditLapse[]): Kept[] {
  return lapses.reduce<Kept[]>(
    (left, lapse) =>
      withoutLost(
        left,
        oldestFirst(
          left.filter((grant) => isLapsing(grant, lapse)),
          lapse.credits,
        ),
      ),
    [...grants],
  );
}

/** As many of the credits that the grants have left, of the oldest grants first. */
function oldestFirst(grants: readonly Grant[], credits: Decimal): TakenCredits[] {
  const ordered = [...grants].sort((a, b) => a.effectiveAt - b.effectiveAt || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  let excess = credits;
  return ordered.flatMap((grant) => {
    const own = Decimal.min(excess, grant.remaining);
    if (!own.isPositive()) return [];
    excess = excess.minus(own);
    return [{ grantId: grant.id, credits: own, revenue: nextRevenue(grant, own) }];
  });
}

const livingBeyond = (grants: readonly CarriedGrant[], carry: CreditCarry): CarriedGrant[] =>
  grants.filter((grant) => isLapsing(grant, carry));

/** How much more there was at the instant than may be carried on. */
function excessOf(living: readonly CarriedGrant[], maximum: Decimal): Decimal {
  const left = living.map(({ remaining, reserved = Decimal.ZERO, burntSince = Decimal.ZERO }) => remaining.plus(reserved).plus(burntSince));
  return Decimal.sum(left).minus(maximum);
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
