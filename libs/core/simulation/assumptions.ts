import { Decimal } from '../money/index.ts';

/** A share of one model's traffic that goes to another. */
export interface ModelRoute {
  readonly provider: string;
  readonly model: string;
  readonly toProvider: string;
  readonly toModel: string;
  /** 0..1 */
  readonly share: Decimal;
}

/** What a scenario changes of usage and its cost, beside plans (SEMANTICS 11.3). */
export interface Assumptions {
  /** "0.10": costs fall by 90 %. */
  readonly costMultiplier: Decimal;
  readonly usageMultiplier: Decimal;
  readonly modelRoutes: readonly ModelRoute[];
  /** Share of input that is read from cache; null: as it was. */
  readonly cacheRate: Decimal | null;
  /** Share of traffic that goes to the batch tier; null: as it was. */
  readonly batchShare: Decimal | null;
}

export const NO_ASSUMPTIONS: Assumptions = {
  costMultiplier: Decimal.ONE,
  usageMultiplier: Decimal.ONE,
  modelRoutes: [],
  cacheRate: null,
  batchShare: null,
};

export function changesNothing(assumptions: Assumptions): boolean {
  const { costMultiplier, usageMultiplier, modelRoutes, cacheRate, batchShare } = assumptions;
  const isSame = costMultiplier.equals(Decimal.ONE) && usageMultiplier.equals(Decimal.ONE);
  return isSame && modelRoutes.length === 0 && cacheRate === null && batchShare === null;
}

/**
 * How much of its usage a customer keeps when what it is billed changes: `1 + elasticity x relative change`, never below 0. 1 for a customer that was billed
 * nothing before, since no relative change is known.
 */
export function usageAfter(elasticity: Decimal, billedBefore: Decimal, billedAfter: Decimal): Decimal {
  if (!billedBefore.isPositive()) return Decimal.ONE;
  const change = billedAfter.minus(billedBefore).dividedBy(billedBefore, 12);
  return Decimal.max(Decimal.ZERO, Decimal.ONE.plus(elasticity.times(change)));
}
