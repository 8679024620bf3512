import type { ReportedCost } from '../usage/index.ts';
import { poolDirectCost } from './capacity-pool.ts';
import type { PoolRate } from './capacity-pool.ts';
import type { CostFacts, CostRate, CostSource, EventCost } from './cost-rate.ts';
import { priceTokens } from './price-tokens.ts';
import { selectRate } from './select-rate.ts';

/** Everything that could price an event. */
export interface CostSources {
  readonly reportedCost: ReportedCost | null;
  readonly ownRates: Iterable<CostRate>;
  readonly catalogueRates: Iterable<CostRate>;
  /** The pool that the event names, at what it costs at the event's time; null where it names none or one that is not known. */
  readonly pool: PoolRate | null;
}

const NOT_COST_BEARING: EventCost = { state: 'NOT_COST_BEARING', amount: null, currency: null, rateId: null, source: null };
const UNPRICED: EventCost = { state: 'UNPRICED', amount: null, currency: null, rateId: null, source: null };

/** Whether using it cost us anything at all: it names a provider, a model, a pool, tokens or GPU-seconds (SEMANTICS 9.1). */
export function isCostBearing(facts: CostFacts): boolean {
  return facts.provider !== null || facts.model !== null || facts.pool !== null || facts.hasTokens || !facts.gpuSeconds.isZero();
}

/**
 * An event's cost by the order of SEMANTICS 9.1: reported with the event, then the tenant's own (the pool that it names before a rate for its model),
 * then the catalogue, else unpriced. An event that names a pool ran on the tenant's own machines: the catalogue never prices it.
 */
export function costOfEvent(sources: CostSources, facts: CostFacts): EventCost {
  if (sources.reportedCost !== null) {
    return { state: 'REPORTED', ...sources.reportedCost, rateId: null, source: 'REPORTED' };
  }
  if (!isCostBearing(facts)) return NOT_COST_BEARING;
  if (sources.pool !== null) return costOnPool(sources.pool, facts);
  const own = costAtRate(sources.ownRates, 'OWN_RATE', facts);
  if (own !== null) return own;
  return (facts.pool === null ? costAtRate(sources.catalogueRates, 'CATALOGUE', facts) : null) ?? UNPRICED;
}

/**
 * Null where no rate applies. One that applies but has no price for a part of the event leaves it unpriced: another source's rate is not what was
 * agreed on (SEMANTICS 9.3).
 */
function costAtRate(rates: Iterable<CostRate>, source: CostSource, facts: CostFacts): EventCost | null {
  const rate = selectRate(rates, facts);
  if (rate === null) return null;
  const priced = priceTokens(rate, facts);
  return 'cost' in priced ? { state: 'PRICED', amount: priced.cost, currency: rate.currency, rateId: rate.id, source } : UNPRICED;
}

/** Measured GPU-seconds are priced at once; tokens wait for the hour to close; an event with neither cannot be priced (SEMANTICS 9.4). */
function costOnPool(pool: PoolRate, facts: CostFacts): EventCost {
  if (facts.gpuSeconds.isPositive()) {
    const amount = poolDirectCost(facts.gpuSeconds, pool.hourlyCost);
    return { state: 'PRICED', amount, currency: pool.currency, rateId: pool.id, source: 'POOL' };
  }
  const isWeighed = facts.hasTokens && pool.tokensPerSecond !== null;
  return isWeighed ? { state: 'PENDING', amount: null, currency: null, rateId: pool.id, source: 'POOL' } : UNPRICED;
}
