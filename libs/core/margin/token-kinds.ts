import { Decimal, splitByLargestRemainder } from '../money/index.ts';
import { COST_KINDS, POOL_OF_KIND, priceTokens } from '../cost/index.ts';
import type { CostKind, CostRateTerms } from '../cost/index.ts';
import { NO_TOKENS } from '../usage/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import type { AttributedUsage } from './attribute-usage.ts';
import { NONE } from './margin-dimension.ts';
import { SMALLEST_PART } from './recognise-revenue.ts';

/** Usage of one kind of token; of usage without tokens the kind is `(none)`. */
export interface KindOfUsage extends AttributedUsage {
  readonly tokenKind: string;
}

/**
 * A record by kind of token. Cost is split by what each kind costs at the rate of the cost book, tokens times price; where there is no rate, or the cost
 * was reported by somebody who does not say, in proportion to tokens. Events, quantity and GPU-seconds go by tokens. The kinds add up to the record.
 */
export function byTokenKind(usage: AttributedUsage, rate: CostRateTerms | null): KindOfUsage[] {
  const { record } = usage;
  const kinds = COST_KINDS.filter((kind) => !record.tokens[POOL_OF_KIND[kind]].isZero());
  if (kinds.length === 0) return [{ ...usage, tokenKind: NONE }];
  const tokens = kinds.map((kind) => record.tokens[POOL_OF_KIND[kind]].abs());
  const costWeights = weightsByPrice(kinds, record, rate) ?? tokens;
  const events = splitByLargestRemainder(record.events, tokens, Decimal.ONE);
  const [quantity, gpuSeconds] = [record.quantity, record.gpuSeconds].map((value) => splitByLargestRemainder(value, tokens, SMALLEST_PART));
  const [cost, restated] = [usage.cost, usage.restatedCost].map((value) => splitByLargestRemainder(value, costWeights, SMALLEST_PART));
  return kinds.map((kind, index) => ({
    ...usage,
    tokenKind: kind,
    cost: cost?.[index] ?? Decimal.ZERO,
    restatedCost: restated?.[index] ?? Decimal.ZERO,
    record: {
      ...record,
      tokens: { ...NO_TOKENS, [POOL_OF_KIND[kind]]: record.tokens[POOL_OF_KIND[kind]] },
      events: events[index] ?? Decimal.ZERO,
      quantity: quantity?.[index] ?? Decimal.ZERO,
      gpuSeconds: gpuSeconds?.[index] ?? Decimal.ZERO,
    },
  }));
}

/** What the tokens of one kind cost at the base prices of a rate, or null where it has no price for them (SEMANTICS 9.3). */
export function costOfKind(kind: CostKind, tokens: Decimal, rate: Pick<CostRateTerms, 'prices'>): Decimal | null {
  const facts = { tokens: { ...NO_TOKENS, [POOL_OF_KIND[kind]]: tokens }, hasTokens: true, quantity: Decimal.ZERO };
  const priced = priceTokens({ prices: rate.prices, perRequest: null, perUnit: null, tiers: [] }, facts);
  return 'cost' in priced ? priced.cost : null;
}

function weightsByPrice(kinds: readonly CostKind[], record: UsageRecord, rate: CostRateTerms | null): Decimal[] | null {
  if (rate === null || record.costState === 'REPORTED') return null;
  const weights = kinds.map((kind) => costOfKind(kind, record.tokens[POOL_OF_KIND[kind]].abs(), rate));
  const known = weights.flatMap((weight) => (weight === null ? [] : [weight]));
  return known.length === weights.length && known.some((weight) => weight.isPositive()) ? known : null;
}
