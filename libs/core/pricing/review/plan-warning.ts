/** Something of a plan that a bill can be made from and that will probably surprise somebody. `path` names the field: `prices[1].tiers[0].upTo`. */
export interface PlanWarning {
  /** Stable; see PLAN_WARNINGS. */
  readonly code: PlanWarningCode;
  readonly path: string;
  /** What happens, with the amounts, and what to do about it. */
  readonly message: string;
}

/** What each warning is about. */
export const PLAN_WARNINGS = {
  VOLUME_CLIFF: 'One unit more changes the amount by more than its price.',
  TIER_NOT_REACHABLE: 'The maximum is reached before the tier begins.',
  INCLUDED_BEYOND_TIERS: 'The included quantity is larger than every bound of the tiers; it is taken off before them.',
  MAXIMUM_BELOW_FEE: 'The maximum is below the flat fee that is charged without usage.',
  MINIMUM_WITHOUT_EFFECT: 'The flat fee of the first tier is never below the minimum.',
  COMMITMENT_WITHOUT_EFFECT: 'Fees and minimums reach the commitment without any usage.',
  UNIT_BOUNDS_EQUAL: 'Floor and ceiling per unit are the same: cost decides nothing.',
  RATE_ABOVE_ONE: 'The rate is above 1, which is 100 %.',
  MARKUP_ABOVE_TEN: 'The markup is above 10, which is 1000 %.',
  FREE_OUTSIDE_VALIDITY: 'Usage before or after the time of the price is rated by none.',
  GROUP_NOT_REACHABLE: 'The price does not match the values of the group.',
  FEATURE_WITHOUT_LIMIT: 'Use of the feature is counted and never limited.',
  FEATURE_WITHOUT_CREDITS: 'The feature names no meter that burns credits: it stays allowed when they are used up.',
  FEATURE_ALWAYS_BLOCKED: 'The limit of the feature is 0: it is never allowed.',
  CREDITS_NOT_BURNT: 'The plan grants credits, and nothing burns them.',
  BURN_RATE_ZERO: 'The rate burns no credits.',
  OVERDRAFT_ZERO: 'The overdraft is 0 credits: it is as BLOCK.',
  OVERAGE_BELOW_CREDIT_PRICE: 'A credit over the balance costs less than one that is paid in advance.',
  ROLLOVER_ZERO: 'Nothing is carried over.',
  PRICE_BELOW_COST: 'The price of a unit is below what it cost on average in the last month.',
  BURN_RATE_BELOW_COST: 'The credits that a unit burns are worth less than what it cost on average in the last month.',
} as const;
export type PlanWarningCode = keyof typeof PLAN_WARNINGS;
