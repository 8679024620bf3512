import { Decimal, type CostState, type EventOutcome, type TokenPools, type UsageDimensions } from '@tare/core';

/** Columns of usage_dimension as a query answers them. */
export interface DimensionRow {
  readonly type: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly service_tier: string | null;
  readonly region: string | null;
  readonly pool: string | null;
  readonly feature: string | null;
  readonly outcome: EventOutcome;
  readonly subscription_id: string | null;
  readonly cost_state: CostState;
  readonly cost_currency: string | null;
}

/** Columns of token pools, as text: exact. */
export interface TokenRow {
  readonly uncached_input: string;
  readonly cache_read: string;
  readonly cache_write_5m: string;
  readonly cache_write_1h: string;
  readonly input_audio: string;
  readonly plain_output: string;
  readonly reasoning: string;
  readonly output_audio: string;
}

export function dimensionsOfRow(row: DimensionRow): UsageDimensions {
  return {
    type: row.type,
    provider: row.provider,
    model: row.model,
    serviceTier: row.service_tier,
    region: row.region,
    pool: row.pool,
    feature: row.feature,
    outcome: row.outcome,
    subscription: row.subscription_id,
    costState: row.cost_state,
    costCurrency: row.cost_currency,
  };
}

export function tokensOfRow(row: TokenRow): TokenPools {
  return {
    uncachedInput: Decimal.parse(row.uncached_input),
    cacheRead: Decimal.parse(row.cache_read),
    cacheWrite5m: Decimal.parse(row.cache_write_5m),
    cacheWrite1h: Decimal.parse(row.cache_write_1h),
    inputAudio: Decimal.parse(row.input_audio),
    plainOutput: Decimal.parse(row.plain_output),
    reasoning: Decimal.parse(row.reasoning),
    outputAudio: Decimal.parse(row.output_audio),
  };
}
