import { CodedError } from '../coded-error.ts';
import { Decimal, cumulativeShare } from '../money/index.ts';

/** Which account stood against a burn: a grant, what nothing covered, or what the wallet owes. */
export type BurnAgainst = 'GRANT' | 'UNCOVERED' | 'DEBT';

/** A burn as it was recorded; below zero: what was given back of burns before it. */
export interface LedgerBurn {
  /** Null where no grant covered it. */
  readonly grantId: string | null;
  readonly against: BurnAgainst;
  readonly credits: Decimal;
  readonly revenue: Decimal;
}

/**
 * What still stands of recorded burns, in their order: what was given back is taken off the last burns of the same grant, or of the same account where no
 * grant covered them. `recorded`: in the order of recording.
 */
export function standingBurns<Burn extends LedgerBurn>(recorded: readonly Burn[]): Burn[] {
  const stack: Burn[] = [];
  for (const burn of recorded) {
    if (burn.credits.isPositive()) stack.push(burn);
    else takeOff(stack, burn);
  }
  return stack;
}

/**
 * Gives `credits` of recorded burns back, the last recorded first (SEMANTICS 7.8); all of them when `credits` is not given.
 * @returns burns below zero. @throws CodedError REVERSAL_EXCEEDS_BURN
 */
export function returnedBurns<Burn extends LedgerBurn>(recorded: readonly Burn[], credits?: Decimal): Burn[] {
  const standing = standingBurns(recorded);
  let left = credits ?? Decimal.sum(standing.map((burn) => burn.credits));
  const returned: Burn[] = [];
  for (const burn of standing.reverse()) {
    if (!left.isPositive()) break;
    const back = Decimal.min(left, burn.credits);
    returned.push({ ...burn, credits: back.negated(), revenue: cumulativeShare(burn.revenue, back, burn.credits).negated() });
    left = left.minus(back);
  }
  if (left.isPositive()) throw new CodedError('REVERSAL_EXCEEDS_BURN', 'More credits are to be given back than were burnt.');
  return returned;
}

function takeOff<Burn extends LedgerBurn>(stack: Burn[], { grantId, against, credits, revenue }: Burn): void {
  let left = credits.negated();
  let leftRevenue = revenue.negated();
  for (let i = stack.length - 1; i >= 0 && left.isPositive(); i -= 1) {
    const burn = stack[i];
    if (burn === undefined || burn.grantId !== grantId || burn.against !== against) continue;
    const back = Decimal.min(left, burn.credits);
    const isWhole = back.equals(burn.credits);
    const backRevenue = isWhole ? Decimal.min(burn.revenue, leftRevenue) : leftRevenue;
    if (isWhole) stack.splice(i, 1);
    else stack[i] = { ...burn, credits: burn.credits.minus(back), revenue: burn.revenue.minus(backRevenue) };
    left = left.minus(back);
    leftRevenue = leftRevenue.minus(backRevenue);
  }
}
