import { CodedError } from '../coded-error.ts';
import { Decimal, cumulativeShare } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { BurnAllocation, BurnResult, Grant, UncoveredBurn } from './grant.ts';

/** What asks for credits: a BurnDemand, a reservation, a single event. */
export interface CreditDemand {
  /** Grants have to be effective then (SEMANTICS 7.3). */
  readonly at: Instant;
  readonly credits: Decimal;
}

/**
 * Burns demands from grants, in the order of the demands (SEMANTICS 7.2, 7.3, 7.5). Pure: the same grants and demands give the same allocations, in
 * whatever order the grants come. Revenue is each part's difference of the cumulative price, so the burns of a grant add up to what was paid (1.6, 7.9).
 * @throws CodedError NEGATIVE_NUMBER for a demand below zero: what was burnt is given back by `reverseBurn`
 */
export function burnCredits(grants: readonly Grant[], demands: readonly CreditDemand[]): BurnResult {
  const ordered = [...grants].sort(compareGrants);
  const remaining = new Map(ordered.map((grant) => [grant.id, grant.remaining]));
  const allocations: BurnAllocation[] = [];
  const uncovered: UncoveredBurn[] = [];
  for (const [demandIndex, demand] of demands.entries()) {
    const left = burnOne(ordered, remaining, demand, demandIndex, allocations);
    if (left.isPositive()) uncovered.push({ demandIndex, credits: left });
  }
  return { allocations, uncovered, remaining };
}

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

/** What can be used at an instant. */
export function availableAt(grants: readonly Grant[], at: Instant): Decimal {
  return Decimal.sum(grants.filter((grant) => isEffective(grant, at)).map((grant) => grant.remaining));
}

/** The price paid for the credits of a grant from `burntBefore` on: the difference of the cumulative amounts at 12 decimals (SEMANTICS 1.6). */
export function revenueOf(grant: Pick<Grant, 'credits' | 'costBasis'>, burntBefore: Decimal, credits: Decimal): Decimal {
  if (grant.costBasis === null || credits.isZero()) return Decimal.ZERO;
  const paid = grant.costBasis.amount;
  return cumulativeShare(paid, burntBefore.plus(credits), grant.credits).minus(cumulativeShare(paid, burntBefore, grant.credits));
}

/** The price paid for what a grant has left: its revenue when it expires (SEMANTICS 7.9). */
export function breakage(grant: Grant): Decimal {
  return revenueOf(grant, grant.credits.minus(grant.remaining), grant.remaining);
}

/**
 * Gives back `credits` of recorded allocations, the last one first; the recorded split is the truth and is never computed again (SEMANTICS 7.8).
 * `allocations`: of one debit, as recorded. All of it when `credits` is not given.
 * @returns allocations below zero, credits and revenue.
 * @throws CodedError REVERSAL_EXCEEDS_BURN
 */
export function reverseBurn(allocations: readonly BurnAllocation[], credits?: Decimal): BurnAllocation[] {
  let left = credits ?? Decimal.sum(allocations.map((allocation) => allocation.credits));
  const reversed: BurnAllocation[] = [];
  for (const allocation of [...allocations].reverse()) {
    if (!left.isPositive()) break;
    const back = Decimal.min(left, allocation.credits);
    const revenue = cumulativeShare(allocation.revenue, back, allocation.credits);
    reversed.push({ ...allocation, credits: back.negated(), revenue: revenue.negated() });
    left = left.minus(back);
  }
  if (left.isPositive()) throw new CodedError('REVERSAL_EXCEEDS_BURN', 'More credits are to be given back than were burnt.');
  return reversed;
}

/** Burns one demand as far as grants reach; answers what is left of it. */
function burnOne(
  ordered: readonly Grant[],
  remaining: Map<string, Decimal>,
  demand: CreditDemand,
  demandIndex: number,
  allocations: BurnAllocation[],
): Decimal {
  if (demand.credits.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'A demand for credits cannot be below zero.');
  let left = demand.credits;
  for (const grant of ordered) {
    if (!left.isPositive()) break;
    const available = remaining.get(grant.id) ?? Decimal.ZERO;
    if (!available.isPositive() || !isEffective(grant, demand.at)) continue;
    const credits = Decimal.min(left, available);
    const revenue = revenueOf(grant, grant.credits.minus(available), credits);
    allocations.push({ demandIndex, grantId: grant.id, credits, revenue });
    remaining.set(grant.id, available.minus(credits));
    left = left.minus(credits);
  }
  return left;
}

function compareExpiry(a: Instant | null, b: Instant | null): number {
  return a === b ? 0 : a === null ? 1 : b === null ? -1 : a - b;
}

/** By cross multiplication: a price per credit need not end. */
function comparePricePerCredit(a: Grant, b: Grant): number {
  const paid = (grant: Grant): Decimal => grant.costBasis?.amount ?? Decimal.ZERO;
  return paid(a).times(b.credits).compare(paid(b).times(a.credits));
}
