import { Decimal } from '../money/index.ts';
import type { PlanTerms } from '../pricing/index.ts';
import type { UncoveredBurn } from './grant.ts';

/** What becomes of credits that no grant covered; the three add up to them. */
export interface Exhaustion {
  /** Billed in arrears at the plan's price per credit. */
  readonly overage: Decimal;
  /** Owed by the wallet, taken from the next grant. */
  readonly debt: Decimal;
  /** Not charged: shows as leakage with its cost. */
  readonly leakage: Decimal;
}

/** What a plan does with usage that no grant covers. */
export type ExhaustionTerms = Pick<PlanTerms, 'creditExhaustion' | 'overdraftLimit'>;

/**
 * Settles uncovered burns, in their order, as the plan says (SEMANTICS 7.5): one answer for each. `debtBefore`: what the wallet owes already; beyond
 * the overdraft limit the rest is leakage.
 */
export function applyExhaustion(terms: ExhaustionTerms, uncovered: readonly UncoveredBurn[], debtBefore = Decimal.ZERO): Exhaustion[] {
  let debt = debtBefore;
  return uncovered.map(({ credits }) => {
    const settled = settle(terms, credits, debt);
    debt = debt.plus(settled.debt);
    return settled;
  });
}

function settle(terms: ExhaustionTerms, credits: Decimal, debtBefore: Decimal): Exhaustion {
  const none = { overage: Decimal.ZERO, debt: Decimal.ZERO, leakage: Decimal.ZERO };
  switch (terms.creditExhaustion) {
    case 'BLOCK':
      return { ...none, leakage: credits };
    case 'OVERAGE':
      return { ...none, overage: credits };
    case 'OVERDRAFT': {
      const room = Decimal.max(Decimal.ZERO, (terms.overdraftLimit ?? Decimal.ZERO).minus(debtBefore));
      const debt = Decimal.min(credits, room);
      return { ...none, debt, leakage: credits.minus(debt) };
    }
    default:
      return terms.creditExhaustion satisfies never;
  }
}
