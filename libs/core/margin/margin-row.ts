import { Decimal } from '../money/index.ts';
import type { CostBasis } from './margin-facts.ts';

/** In the order of the contract: the state of a row is the first that holds. */
export const MARGIN_STATES = ['LOSS_MAKING', 'NO_REVENUE', 'COST_UNKNOWN', 'AT_RISK', 'PROFITABLE'] as const;
export type MarginState = (typeof MARGIN_STATES)[number];

/** Why a row lost money, in money of the report; a row's reasons add up to its loss. */
export interface MarginReason {
  readonly code: string;
  readonly label: string;
  readonly amount: Decimal;
}

/** MarginRow of the contract. */
export interface MarginRow {
  readonly key: readonly string[];
  readonly label: string;
  readonly currency: string;
  readonly events: Decimal;
  readonly revenue: Decimal;
  /** Frozen; null when there are cost-bearing events and none has a known cost. */
  readonly cost: Decimal | null;
  readonly restatedCost: Decimal | null;
  readonly sharedCost: Decimal;
  readonly margin: Decimal | null;
  readonly marginRate: Decimal | null;
  readonly coverage: Decimal | null;
  readonly tokenCoverage: Decimal | null;
  readonly unpricedEvents: Decimal;
  readonly state: MarginState;
  readonly flags: readonly MarginState[];
  readonly reasons: readonly MarginReason[];
}

/** What adds up in a row, in the report's currency. */
export interface MarginSums {
  readonly events: Decimal;
  readonly revenue: Decimal;
  readonly cost: Decimal;
  readonly restatedCost: Decimal;
  readonly sharedCost: Decimal;
  readonly bearingEvents: Decimal;
  readonly knownEvents: Decimal;
  readonly bearingTokens: Decimal;
  readonly knownTokens: Decimal;
  /** Cost without an exchange rate: it is not in the sums. */
  readonly unknownSharedCosts: Decimal;
  /** What the rest of the running service periods adds at the present rate. */
  readonly projectedRevenue: Decimal;
  readonly projectedCost: Decimal;
}

export const NO_SUMS: MarginSums = {
  events: Decimal.ZERO,
  revenue: Decimal.ZERO,
  cost: Decimal.ZERO,
  restatedCost: Decimal.ZERO,
  sharedCost: Decimal.ZERO,
  bearingEvents: Decimal.ZERO,
  knownEvents: Decimal.ZERO,
  bearingTokens: Decimal.ZERO,
  knownTokens: Decimal.ZERO,
  unknownSharedCosts: Decimal.ZERO,
  projectedRevenue: Decimal.ZERO,
  projectedCost: Decimal.ZERO,
};

export function addSums(sums: MarginSums, more: Partial<MarginSums>): MarginSums {
  const added = Object.entries(more).map(([name, value]) => [name, sums[name as keyof MarginSums].plus(value)] as const);
  return { ...sums, ...Object.fromEntries(added) };
}

/** Decimals of shares and rates. */
const RATE_DECIMALS = 6;
const ALMOST_ONE = Decimal.ONE.minus(Decimal.fromUnits(1n, RATE_DECIMALS));

/** A row from its sums (SEMANTICS 10.1 - 10.3, 10.6). */
export function marginRow(key: readonly string[], label: string, currency: string, sums: MarginSums, basis: CostBasis): MarginRow {
  const isKnown = sums.bearingEvents.isZero() || sums.knownEvents.isPositive();
  const chosen = basis === 'RESTATED' ? sums.restatedCost : sums.cost;
  const margin = isKnown ? sums.revenue.minus(chosen).minus(sums.sharedCost) : null;
  const flags = flagsOf(sums, isKnown ? chosen : null);
  return {
    key,
    label,
    currency,
    events: sums.events,
    revenue: sums.revenue,
    cost: isKnown ? sums.cost : null,
    restatedCost: isKnown ? sums.restatedCost : null,
    sharedCost: sums.sharedCost,
    margin,
    marginRate: margin === null || sums.revenue.isZero() ? null : margin.dividedBy(sums.revenue, RATE_DECIMALS),
    coverage: shareOfKnown(sums.knownEvents, sums.bearingEvents),
    tokenCoverage: shareOfKnown(sums.knownTokens, sums.bearingTokens),
    unpricedEvents: sums.bearingEvents.minus(sums.knownEvents),
    state: flags[0] ?? 'PROFITABLE',
    flags,
    reasons: [],
  };
}

/** What is missing is never rounded away: a share below 1 stays below 1. */
function shareOfKnown(known: Decimal, whole: Decimal): Decimal | null {
  if (whole.isZero()) return null;
  const share = known.dividedBy(whole, RATE_DECIMALS);
  return known.compare(whole) < 0 ? Decimal.min(share, ALMOST_ONE) : share;
}

/**
 * Every state that holds, in order. COST_UNKNOWN says that nothing is known, as `cost: null` does: were it to hold from the first unpriced event on, one
 * stray model would hide who is profitable. What is known in part shows in the coverage beside each margin, an upper bound then (SEMANTICS 10.3).
 */
function flagsOf(sums: MarginSums, cost: Decimal | null): MarginState[] {
  const spent = (cost ?? Decimal.ZERO).plus(sums.sharedCost);
  const isLoss = spent.compare(sums.revenue) > 0;
  const isLater = spent.plus(sums.projectedCost).compare(sums.revenue.plus(sums.projectedRevenue)) > 0;
  const isUnknown = cost === null || !sums.unknownSharedCosts.isZero();
  const holds: Record<Exclude<MarginState, 'PROFITABLE'>, boolean> = {
    LOSS_MAKING: isLoss,
    NO_REVENUE: sums.revenue.isZero(),
    COST_UNKNOWN: isUnknown,
    AT_RISK: isLater && !isLoss,
  };
  const flags = MARGIN_STATES.filter((state) => state !== 'PROFITABLE' && holds[state]);
  return flags.length === 0 ? ['PROFITABLE'] : flags;
}
