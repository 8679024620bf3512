import { Decimal } from '../money/index.ts';
import { inclusiveInput } from '../usage/index.ts';
import { COST_KINDS, POOL_OF_KIND } from './cost-rate.ts';
import type { CostFacts, CostKind, CostRateTerms, CostRateTier } from './cost-rate.ts';

/** The exact cost, or the first thing that the rate has no price for. `usage`: the event names nothing that could be priced. */
export type PricedTokens = { readonly cost: Decimal } | { readonly missing: CostKind | 'perUnit' | 'usage' };

/** What a rate is applied to. */
export type PricedFacts = Pick<CostFacts, 'tokens' | 'hasTokens' | 'quantity'>;

const PER_MILLION = Decimal.parse('0.000001');

/** Whose price a kind takes that has none of its own. Cache writes are not here: they never fall back. */
const TOTAL_OF_KIND: ReadonlyMap<CostKind, CostKind> = new Map([
  ['cacheRead', 'input'],
  ['inputAudio', 'input'],
  ['reasoning', 'output'],
  ['outputAudio', 'output'],
]);

/**
 * What one request costs at a rate, exactly: tokens of each kind at their price per million, plus `perRequest`, plus `perUnit` x quantity.
 *
 * A kind's price is sought in this order (SEMANTICS 9.3): the tier's own, the price of its total in the tier, then the same two in the base rate, for
 * what the tier does not mention. Cache writes never fall back, neither on another kind nor from a tier on the base rate. Kinds with 0 tokens need no
 * price. A quantity that the rate has no price for makes the cost unknown only when nothing else of the event was priced: token events may carry a
 * quantity of outcomes.
 */
export function priceTokens(rate: Pick<CostRateTerms, 'prices' | 'perRequest' | 'perUnit' | 'tiers'>, facts: PricedFacts): PricedTokens {
  const tier = tierOf(rate.tiers, facts);
  let perMillion = Decimal.ZERO;
  for (const kind of COST_KINDS) {
    const tokens = facts.tokens[POOL_OF_KIND[kind]];
    if (tokens.isZero()) continue;
    const price = priceOf(kind, rate.prices, tier);
    if (price === null) return { missing: kind };
    perMillion = perMillion.plus(tokens.times(price));
  }
  const cost = perMillion.times(PER_MILLION).plus(rate.perRequest ?? Decimal.ZERO);
  if (rate.perUnit !== null) return { cost: cost.plus(facts.quantity.times(rate.perUnit)) };
  if (facts.hasTokens || rate.perRequest !== null) return { cost };
  return { missing: facts.quantity.isZero() ? 'usage' : 'perUnit' };
}

/** The highest tier whose threshold the inclusive input is above, or none. */
function tierOf(tiers: readonly CostRateTier[], { tokens }: PricedFacts): CostRateTier | null {
  if (tiers.length === 0) return null;
  const input = inclusiveInput(tokens);
  let reached: CostRateTier | null = null;
  for (const tier of tiers) {
    const isHigher = reached === null || tier.inputAbove.compare(reached.inputAbove) > 0;
    if (isHigher && input.compare(tier.inputAbove) > 0) reached = tier;
  }
  return reached;
}

function priceOf(kind: CostKind, base: CostRateTerms['prices'], tier: CostRateTier | null): Decimal | null {
  if (kind === 'cacheWrite5m' || kind === 'cacheWrite1h') return (tier ?? { prices: base }).prices[kind] ?? null;
  return (tier === null ? undefined : ownOrTotal(kind, tier.prices)) ?? ownOrTotal(kind, base) ?? null;
}

function ownOrTotal(kind: CostKind, prices: CostRateTerms['prices']): Decimal | undefined {
  const total = TOTAL_OF_KIND.get(kind);
  return prices[kind] ?? (total === undefined ? undefined : prices[total]);
}
