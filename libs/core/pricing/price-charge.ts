import type { Decimal } from '../money/index.ts';

/**
 * One step of the way from a quantity to an amount, as a person would write it down (SEMANTICS 8.4).
 * The amounts of a walk add up to the charge exactly. JSON-safe: a Decimal serialises as a string.
 */
export interface WalkStep {
  readonly description: string;
  readonly quantity: Decimal;
  /** Null where the step has no price per unit: a flat fee, a minimum, a cap. */
  readonly unitPrice: Decimal | null;
  readonly amount: Decimal;
}

/** What one price charges for some usage: exact, before the one rounding of its invoice line (SEMANTICS 1.3). */
export interface PriceCharge {
  readonly amount: Decimal;
  readonly walk: readonly WalkStep[];
}

/** What a price is applied to. */
export interface PriceUsage {
  /** In the meter's unit; for PERCENTAGE the sum of the property. */
  readonly quantity: Decimal;
  /** Number of events, for the fixed fee of PERCENTAGE. None: zero. */
  readonly events?: Decimal;
  /** Frozen cost in the plan's currency, for COST_PLUS. None: zero. */
  readonly cost?: Decimal;
  /** Seats of the subscription, for prices per seat. None: one. */
  readonly seats?: Decimal;
  /** What earlier periods left of the allowance: used before the period's own. None: zero. */
  readonly carried?: Decimal;
}

/** The part of a whole period that a shortened one is (SEMANTICS 6.2), as a fraction of real time. */
export interface PeriodShare {
  /** How much of the whole lies before it. None: it is the first part, or the only one. */
  readonly from?: bigint;
  readonly numerator: bigint;
  readonly denominator: bigint;
}
