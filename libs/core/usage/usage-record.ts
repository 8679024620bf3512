import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';

/** Exclusive token pools: no token is in two of them (SEMANTICS 3.4). */
export const TOKEN_POOLS = [
  'uncachedInput',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'inputAudio',
  'plainOutput',
  'reasoning',
  'outputAudio',
] as const;
export type TokenPool = (typeof TOKEN_POOLS)[number];
export type TokenPools = Readonly<Record<TokenPool, Decimal>>;

export type EventOutcome = 'SUCCEEDED' | 'FAILED';
export type CostState = 'REPORTED' | 'PRICED' | 'PENDING' | 'UNPRICED' | 'NOT_COST_BEARING';

/** What usage is told apart by. Everything a bucket cell keeps apart; absent values are null. */
export interface UsageDimensions {
  readonly type: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly serviceTier: string | null;
  readonly region: string | null;
  /** Key of the self-hosted capacity pool that served it. */
  readonly pool: string | null;
  readonly feature: string | null;
  readonly outcome: EventOutcome;
  /** Id of the subscription that the event names, else null (SEMANTICS 3.6). */
  readonly subscription: string | null;
  readonly costState: CostState;
  /** ISO 4217; null where no cost is known. */
  readonly costCurrency: string | null;
}

/**
 * An event, or a sum of events that share dimensions and lie in one piece of time that no billing boundary cuts.
 * Rating, cost and margin read this one shape, so buckets and events give the same bill (SEMANTICS 12).
 */
export interface UsageRecord extends UsageDimensions {
  /** Of an event its time; of a sum the start of the piece of time it covers. */
  readonly from: Instant;
  /** Number of events; negative in a correction. */
  readonly events: Decimal;
  readonly tokens: TokenPools;
  readonly quantity: Decimal;
  readonly gpuSeconds: Decimal;
  /** Sum of the known frozen costs, in `costCurrency`; zero where none is known (costState tells which). */
  readonly cost: Decimal;
  /** The same events at what is known today (SEMANTICS 9.2). */
  readonly restatedCost: Decimal;
  /** Only on single events; absent on sums. */
  readonly user?: string | null;
  readonly traceId?: string | null;
  readonly properties?: Readonly<Record<string, unknown>> | null;
}

export type Aggregation = 'SUM' | 'COUNT' | 'MAX' | 'UNIQUE_COUNT' | 'LATEST';

/** Keeps records whose property has one of the values. `property`: type, provider, model, serviceTier, region, pool, feature, outcome, user, traceId or `properties.<path>`. */
export interface MeterFilter {
  readonly property: string;
  readonly in: readonly string[];
}

export interface Meter {
  readonly key: string;
  /** Exact event type, or `*`. */
  readonly eventType: string;
  readonly aggregation: Aggregation;
  /** As MeterInput.valueProperty of the contract; null only for COUNT. */
  readonly valueProperty: string | null;
  readonly filters: readonly MeterFilter[];
  readonly groupBy: readonly string[];
}
