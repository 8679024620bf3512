import { Decimal } from '../money/index.ts';
import type { MarginRow, MarginState } from '../margin/index.ts';

/** What a scenario comes to for one customer, in the report's currency. */
export interface ScenarioOutcome {
  readonly customerKey: string;
  /** For service periods that begin in the span, without tax; what prepaid credits pay is not taken off. */
  readonly billed: Decimal;
  /** What was really billed for them. */
  readonly reallyBilled: Decimal;
  readonly row: MarginRow | null;
}

/** ScenarioTotals of the contract. */
export interface ScenarioTotals {
  readonly billed: Decimal;
  readonly revenue: Decimal;
  readonly cost: Decimal | null;
  readonly margin: Decimal | null;
  readonly marginRate: Decimal | null;
  readonly lossMakingCustomers: number;
}

/** ScenarioCustomer of the contract. */
export interface ScenarioCustomer {
  readonly customerKey: string;
  readonly billed: Decimal;
  readonly revenue: Decimal;
  readonly cost: Decimal | null;
  readonly margin: Decimal | null;
  /** Against what was really billed for the span. */
  readonly billedChange: Decimal;
  readonly state: MarginState;
}

/** `total`: of the margin report over the scenario's customers. */
export function scenarioTotals(outcomes: readonly ScenarioOutcome[], total: MarginRow): ScenarioTotals {
  return {
    billed: Decimal.sum(outcomes.map(({ billed }) => billed)),
    revenue: total.revenue,
    cost: total.cost,
    margin: total.margin,
    marginRate: total.marginRate,
    lossMakingCustomers: outcomes.filter(({ row }) => row?.flags.includes('LOSS_MAKING') === true).length,
  };
}

/** The customers, largest loss of what is billed first, then largest gain last: winners and losers stand at the two ends. */
export function scenarioCustomers(outcomes: readonly ScenarioOutcome[]): ScenarioCustomer[] {
  const customers = outcomes.map(({ customerKey, billed, reallyBilled, row }) => ({
    customerKey,
    billed,
    revenue: row?.revenue ?? Decimal.ZERO,
    cost: row === null ? Decimal.ZERO : row.cost,
    margin: row === null ? Decimal.ZERO : row.margin,
    billedChange: billed.minus(reallyBilled),
    state: row?.state ?? 'NO_REVENUE',
  }));
  return customers.sort((a, b) => a.billedChange.compare(b.billedChange) || (a.customerKey < b.customerKey ? -1 : 1));
}
