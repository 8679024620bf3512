import { CodedError } from '../coded-error.ts';
import { Decimal, cumulativeShare } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { BurnAllocation, BurnResult, CreditLapse, Grant, UncoveredBurn } from './grant.ts';
import { WalletBook } from './wallet-book.ts';

/** What asks for credits: a BurnDemand, a reservation, a single event. */
export interface CreditDemand {
  /** Grants have to be effective then (SEMANTICS 7.3). */
  readonly at: Instant;
  readonly credits: Decimal;
}

/**
 * Burns demands from grants, in the order of the demands (SEMANTICS 7.2, 7.3, 7.5). Pure: the same grants and demands give the same allocations, in
 * whatever order the grants come. `lapses`: what demands at their instants or later find gone. Revenue is each part's difference of the cumulative price, so the burns of a grant add up to what was paid (1.6, 7.9).
 * @throws CodedError NEGATIVE_NUMBER for a demand below zero: what was burnt is given back by `reverseBurn`
 */
export function burnCredits(grants: readonly Grant[], demands: readonly CreditDemand[], lapses: readonly CreditLapse[] = []): BurnResult {
  const book = new WalletBook(grants, Decimal.ZERO, Decimal.ZERO, lapses);
  const allocations: BurnAllocation[] = [];
  const uncovered: UncoveredBurn[] = [];
  for (const [demandIndex, demand] of demands.entries()) {
    const { taken, left } = book.burn(demand.credits, demand.at);
    for (const part of taken) allocations.push({ demandIndex, ...part });
    if (left.isPositive()) uncovered.push({ demandIndex, credits: left });
  }
  return { allocations, uncovered, remaining: book.remaining(), grants: book.grants, lapses: book.lapses };
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
