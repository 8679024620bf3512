import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { MarginState, ScenarioCustomer, ScenarioTotals } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import type { SimulationInput } from './scenario.ts';
import type { ScenarioResult } from './simulation-run.ts';

/** A simulation as it is kept, with its result. */
export interface StoredSimulation {
  readonly id: string;
  readonly status: 'RUNNING' | 'DONE' | 'FAILED';
  readonly scenarios: readonly ScenarioResult[];
}

/** In JSON a Decimal is its text. */
type Json<Type> = {
  readonly [Key in keyof Type]: Type[Key] extends Decimal ? string : Type[Key] extends Decimal | null ? string | null : Type[Key];
};
interface ResultJson {
  readonly name: string;
  readonly totals: Json<ScenarioTotals>;
  readonly low: Json<ScenarioTotals> | null;
  readonly high: Json<ScenarioTotals> | null;
  readonly customers: readonly (Json<ScenarioCustomer> & { readonly state: MarginState })[];
}

/** SQL of simulations that were run. */
@Injectable()
export class SimulationStore {
  async insertDone(tx: TenantTransaction, input: SimulationInput, scenarios: readonly ScenarioResult[]): Promise<StoredSimulation> {
    const id = randomUUID();
    await tx.query(`INSERT INTO simulation (tenant_id, id, status, input, result, finished_at) VALUES ($1, $2, 'DONE', $3, $4, now())`, [
      tx.tenantId,
      id,
      JSON.stringify(input),
      JSON.stringify(scenarios),
    ]);
    return { id, status: 'DONE', scenarios };
  }

  async byId(tx: TenantTransaction, id: string): Promise<StoredSimulation | null> {
    const [row] = await tx.query<{ status: StoredSimulation['status']; result: ResultJson[] | null }>(
      'SELECT status, result FROM simulation WHERE tenant_id = $1 AND id = $2',
      [tx.tenantId, id],
    );
    return row ? { id, status: row.status, scenarios: (row.result ?? []).map(resultOfJson) } : null;
  }
}

function resultOfJson({ name, totals, low, high, customers }: ResultJson): ScenarioResult {
  return {
    name,
    totals: totalsOfJson(totals),
    low: low && totalsOfJson(low),
    high: high && totalsOfJson(high),
    customers: customers.map(customerOfJson),
  };
}

function totalsOfJson({ billed, revenue, cost, margin, marginRate, lossMakingCustomers }: Json<ScenarioTotals>): ScenarioTotals {
  return {
    billed: Decimal.parse(billed),
    revenue: Decimal.parse(revenue),
    cost: decimalOrNull(cost),
    margin: decimalOrNull(margin),
    marginRate: decimalOrNull(marginRate),
    lossMakingCustomers,
  };
}

function customerOfJson({ customerKey, billed, revenue, cost, margin, billedChange, state }: Json<ScenarioCustomer>): ScenarioCustomer {
  return {
    customerKey,
    billed: Decimal.parse(billed),
    revenue: Decimal.parse(revenue),
    cost: decimalOrNull(cost),
    margin: decimalOrNull(margin),
    billedChange: Decimal.parse(billedChange),
    state,
  };
}

const decimalOrNull = (text: string | null): Decimal | null => (text === null ? null : Decimal.parse(text));
