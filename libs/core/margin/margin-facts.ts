import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { Meter, UsageRecord } from '../usage/index.ts';
import type { CostRateTerms } from '../cost/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import type { ExchangeRate } from '../rating/index.ts';
import type { MarginDimension } from './margin-dimension.ts';
import type { RevenueItem } from './revenue-item.ts';

export type CostBasis = 'FROZEN' | 'RESTATED';
export type FeeAllocation = 'NONE' | 'BY_COST';

/** What a margin report is asked for. */
export interface MarginQuery {
  /** `[from, to)`. */
  readonly from: Instant;
  readonly to: Instant;
  /** What lies behind it has happened; projections start here. Not after `to`. */
  readonly asOf: Instant;
  /** Of the report. */
  readonly currency: string;
  readonly groupBy: readonly MarginDimension[];
  /** Which cost the margin is computed from. */
  readonly costBasis: CostBasis;
  readonly feeAllocation: FeeAllocation;
  /** By key. */
  readonly meters: ReadonlyMap<string, Meter>;
  readonly exchangeRates: readonly ExchangeRate[];
  /** Deployment of a capacity pool by its key, for DEPLOYMENT. */
  readonly deployments: ReadonlyMap<string, string>;
  /** The rate of the cost book that prices usage like this; null where there is none. For TOKEN_KIND and reasons. */
  readonly rateOf: (record: UsageRecord) => CostRateTerms | null;
}

/** Idle and shared cost that a policy gives to a customer (SEMANTICS 9.4). */
export interface SharedCost {
  readonly at: Instant;
  /** Key of the capacity pool; null where it is none's. */
  readonly pool: string | null;
  readonly amount: Decimal;
  readonly currency: string;
}

/** One customer's side of a report. */
export interface MarginCustomer {
  readonly key: string;
  readonly name: string;
  /** IANA zone of its days. */
  readonly timeZone: string;
  /** All of its subscriptions. */
  readonly segments: readonly Segment[];
  /**
   * Usage from the start of the first service period that the span meets to the end of the last one, so that tiers stand where they stood. Sums are cut at
   * the customer's days, at the ends of the span, and wherever bills are cut; single events where a meter or dimension needs them.
   */
  readonly records: readonly UsageRecord[];
  readonly revenue: readonly RevenueItem[];
  readonly sharedCosts: readonly SharedCost[];
}
