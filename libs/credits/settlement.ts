import { applyExhaustion, burnCredits, Decimal } from '@tare/core';
import type { BurnAgainst, BurnAllocation, CreditLapse, ExhaustionTerms, Grant, Instant } from '@tare/core';

/** A wallet at one moment: what its grants have left and what it owes. */
export interface WalletState {
  readonly grants: readonly Grant[];
  readonly debt: Decimal;
  /** What periods that are over, and not closed yet, do not carry on; none: nothing. */
  readonly lapses?: readonly CreditLapse[];
}

/** Credits that usage of a period wants. */
export interface Demand {
  readonly at: Instant;
  readonly key: string;
  readonly credits: Decimal;
}

/** A burn as it is decided; below zero where credits are given back. */
export interface SettledBurn {
  readonly at: Instant;
  readonly key: string;
  /** Null: nothing covered it. */
  readonly grantId: string | null;
  readonly credits: Decimal;
  readonly revenue: Decimal;
  /** Which account stands against it. */
  readonly against: BurnAgainst;
}

export interface Settlement {
  readonly burns: readonly SettledBurn[];
  /** Credits that neither a grant nor an overdraft covered. */
  readonly uncoveredCredits: Decimal;
  /** The wallet afterwards. */
  readonly wallet: WalletState;
}

/**
 * Burns demands from a wallet, in their order (SEMANTICS 7.2, 7.3, 7.5). Pure: usage is drawn with it as it arrives, and simulations and reports settle
 * whole periods of worlds in which nothing was drawn.
 */
export function settlePeriod(terms: ExhaustionTerms, wallet: WalletState, demands: readonly Demand[]): Settlement {
  const { allocations, uncovered, grants, lapses } = burnCredits(wallet.grants, demands, wallet.lapses);
  const exhaustion = applyExhaustion(terms, uncovered, wallet.debt);
  const burns = [
    ...allocations.map((allocation) => burnOf(demands, allocation)),
    ...uncovered.flatMap((burn, index) => uncoveredBurns(demands[burn.demandIndex], exhaustion[index])),
  ];
  const owed = Decimal.sum(exhaustion.map(({ debt }) => debt));
  const uncoveredCredits = Decimal.sum(exhaustion.map(({ overage, leakage }) => overage.plus(leakage)));
  const after = new Map(grants.map((grant) => [grant.id, grant]));
  // In the caller's order, with whatever else its grants carry.
  const settled = wallet.grants.map((grant) => ({ ...grant, ...after.get(grant.id) }));
  return {
    burns,
    uncoveredCredits,
    wallet: { grants: settled, debt: wallet.debt.plus(owed), ...(wallet.lapses === undefined ? {} : { lapses }) },
  };
}

function burnOf(demands: readonly Demand[], { demandIndex, grantId, credits, revenue }: BurnAllocation): SettledBurn {
  const { at, key } = demandAt(demands, demandIndex);
  return { at, key, grantId, credits, revenue, against: 'GRANT' };
}

function uncoveredBurns(
  demand: Demand | undefined,
  parts: { overage: Decimal; debt: Decimal; leakage: Decimal } | undefined,
): SettledBurn[] {
  if (demand === undefined || parts === undefined) return [];
  const burn = (against: 'UNCOVERED' | 'DEBT', credits: Decimal): SettledBurn[] =>
    credits.isZero() ? [] : [{ at: demand.at, key: demand.key, grantId: null, credits, revenue: Decimal.ZERO, against }];
  return [...burn('DEBT', parts.debt), ...burn('UNCOVERED', parts.overage.plus(parts.leakage))];
}

function demandAt(demands: readonly Demand[], index: number): Demand {
  const demand = demands[index];
  if (demand === undefined) throw new RangeError(`there is no demand ${index}`);
  return demand;
}
