import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { CostState, TokenPool, TokenPools } from '../usage/index.ts';

/** Token kinds that can have a price of their own. */
export const COST_KINDS = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'reasoning',
  'inputAudio',
  'outputAudio',
] as const;
export type CostKind = (typeof COST_KINDS)[number];

/** Prices per MILLION tokens. A kind that is not there has no price of its own. */
export type KindPrices = Readonly<Partial<Record<CostKind, Decimal>>>;

/** The pool of tokens that a kind's price is for: `input` pays for what is in no other part of the input, `output` likewise. */
export const POOL_OF_KIND: Readonly<Record<CostKind, TokenPool>> = {
  input: 'uncachedInput',
  output: 'plainOutput',
  cacheRead: 'cacheRead',
  cacheWrite5m: 'cacheWrite5m',
  cacheWrite1h: 'cacheWrite1h',
  reasoning: 'reasoning',
  inputAudio: 'inputAudio',
  outputAudio: 'outputAudio',
};

/** The whole request is at these prices when its inclusive input is above the threshold (SEMANTICS 9.3). */
export interface CostRateTier {
  readonly inputAbove: Decimal;
  readonly prices: KindPrices;
}

/** A time of day in UTC, in microseconds since midnight: `[start, end)`, over midnight where the end is before the start. */
export interface DailyWindow {
  readonly start: number;
  readonly end: number;
}

/** What a provider asks: the part of a row of the cost book that says for what and how much. */
export interface CostRateTerms {
  readonly provider: string;
  readonly model: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly validFrom: Instant;
  /** Exclusive; null: until a later rate. */
  readonly validTo: Instant | null;
  /** Null: for every service tier that has no rate of its own; so for region. */
  readonly serviceTier: string | null;
  readonly region: string | null;
  readonly prices: KindPrices;
  readonly perRequest: Decimal | null;
  /** Per unit of an event's `quantity`. */
  readonly perUnit: Decimal | null;
  /** By rising threshold. */
  readonly tiers: readonly CostRateTier[];
  readonly dailyWindow: DailyWindow | null;
}

/** A row of the cost book. Rows are only ever added (SEMANTICS 9.2, 9.5). */
export interface CostRate extends CostRateTerms {
  readonly id: string;
  /** When we learned it. */
  readonly recordedAt: Instant;
  readonly source: string;
  /** It waits for a person and prices nothing until then (SEMANTICS 9.5). */
  readonly disputed: boolean;
}

/** What an event says that its cost depends on. An event of usage has all of it. */
export interface CostFacts {
  readonly at: Instant;
  readonly provider: string | null;
  readonly model: string | null;
  readonly serviceTier: string | null;
  readonly region: string | null;
  readonly tokens: TokenPools;
  readonly hasTokens: boolean;
  readonly quantity: Decimal;
  readonly gpuSeconds: Decimal;
  readonly pool: string | null;
}

export type CostSource = 'REPORTED' | 'OWN_RATE' | 'CATALOGUE' | 'POOL';

/** Where an event's cost stands. The amount is null unless it is known: unknown is never 0 (SEMANTICS 9.1). */
export interface EventCost {
  readonly state: CostState;
  readonly amount: Decimal | null;
  readonly currency: string | null;
  /** The row of the cost book that priced it, or null. */
  readonly rateId: string | null;
  readonly source: CostSource | null;
}
