import { isTokenProperty, poolsOfProperty, TOKEN_POOLS } from '../usage/index.ts';
import type { Meter } from '../usage/index.ts';
import type { PlanTerms } from '../pricing/index.ts';

/** What a sum of usage may be read without, where nothing asks for it. The number of events is always there. */
export const USAGE_COUNTS = [...TOKEN_POOLS, 'quantity', 'gpuSeconds', 'cost', 'restatedCost'] as const;
export type UsageCount = (typeof USAGE_COUNTS)[number];

/** Every bill asks it of its terms: answered once for as long as terms and meters are in use. */
const answers = new WeakMap<ReadonlyMap<string, Meter>, WeakMap<PlanTerms, ReadonlySet<UsageCount>>>();

/** The counts of usage that charges and burns by these terms depend on: what is not among them may be zero in every record, and the bill is the same. */
export function countsRead(terms: PlanTerms, meters: ReadonlyMap<string, Meter>): ReadonlySet<UsageCount> {
  let ofMeters = answers.get(meters);
  if (ofMeters === undefined) answers.set(meters, (ofMeters = new WeakMap()));
  let answer = ofMeters.get(terms);
  if (answer === undefined) ofMeters.set(terms, (answer = new Set(countsOf(terms, meters))));
  return answer;
}

function countsOf({ prices, burnRates, fairUse }: PlanTerms, meters: ReadonlyMap<string, Meter>): UsageCount[] {
  const keys = [...prices, ...burnRates, ...fairUse].flatMap(({ meter }) => meter ?? []);
  const properties = [
    ...keys.map((key) => meters.get(key)?.valueProperty ?? null),
    ...prices.map((price) => (price.model === 'PERCENTAGE' ? price.valueProperty : null)),
  ];
  const cost: UsageCount[] = prices.some(({ model }) => model === 'COST_PLUS') ? ['cost'] : [];
  return [...properties.flatMap(countsOfProperty), ...cost];
}

function countsOfProperty(property: string | null): readonly UsageCount[] {
  if (property === null) return [];
  if (property === 'quantity' || property === 'gpuSeconds') return [property];
  return isTokenProperty(property) ? poolsOfProperty(property) : [];
}
