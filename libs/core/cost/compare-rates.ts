import { Decimal } from '../money/index.ts';
import { COST_KINDS } from './cost-rate.ts';
import type { CostRateTerms } from './cost-rate.ts';

/** A catalogue price that moves by this factor or more, up or down, waits for a person (SEMANTICS 9.5). */
export const DISPUTED_FACTOR = Decimal.of(9);

/** Names of the prices that moved by a factor of 9 or more between two rates; from or to 0 is such a move. A price that only one has did not move. */
export function suspiciousMoves(previous: CostRateTerms, next: CostRateTerms): string[] {
  const after = pricesByName(next);
  return [...pricesByName(previous)].filter(([name, before]) => isSuspicious(before, after.get(name) ?? before)).map(([name]) => name);
}

/** Names of the prices that two sources give differently, or that only one of them gives. */
export function disagreements(a: CostRateTerms, b: CostRateTerms): string[] {
  const left = pricesByName(a);
  const right = pricesByName(b);
  const differs = (name: string) => {
    const [one, other] = [left.get(name), right.get(name)];
    return one === undefined || other === undefined || !one.equals(other);
  };
  return [...new Set([...left.keys(), ...right.keys()])].filter(differs).sort();
}

function isSuspicious(before: Decimal, after: Decimal): boolean {
  if (before.equals(after)) return false;
  const [low, high] = before.compare(after) < 0 ? [before, after] : [after, before];
  return high.compare(low.times(DISPUTED_FACTOR)) >= 0;
}

function pricesByName(rate: CostRateTerms): Map<string, Decimal> {
  const prices = new Map<string, Decimal>();
  for (const kind of COST_KINDS) {
    const price = rate.prices[kind];
    if (price !== undefined) prices.set(kind, price);
  }
  if (rate.perRequest !== null) prices.set('perRequest', rate.perRequest);
  if (rate.perUnit !== null) prices.set('perUnit', rate.perUnit);
  for (const tier of rate.tiers) {
    for (const kind of COST_KINDS) {
      const price = tier.prices[kind];
      if (price !== undefined) prices.set(`above ${tier.inputAbove.toString()} ${kind}`, price);
    }
  }
  return prices;
}
