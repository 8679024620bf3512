import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { CustomerStore, type Customer } from '@tare/customers';
import { Database } from '@tare/database';
import { requireSimulation, type SimulationInput } from './scenario.ts';
import { SimulationRun } from './simulation-run.ts';
import { SimulationStore, type StoredSimulation } from './simulation.store.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What if (SEMANTICS 11). */
@Injectable()
export class SimulationsService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly run: SimulationRun,
    private readonly store: SimulationStore,
  ) {}

  /**
   * Runs the scenarios over stored usage and keeps the result. Nothing of what really is billed changes.
   * @throws CodedError INVALID_SPAN | INVALID_SCENARIO | OUT_OF_RANGE | NOT_FOUND | UNKNOWN_PLAN | SIMULATION_TOO_LARGE | NO_EXCHANGE_RATE, and those of
   *   parsePlan for a draft
   */
  async simulate(tenantId: string, input: SimulationInput, now: Instant = Date.now() * 1_000): Promise<StoredSimulation> {
    requireSimulation(input);
    return this.database.withTenant(tenantId, async (tx) => this.store.insertDone(tx, input, await this.run.run(tx, input, now)));
  }

  /** Null for an id of nothing or of another tenant. */
  async byId(tenantId: string, id: string): Promise<StoredSimulation | null> {
    return UUID.test(id) ? this.database.withTenant(tenantId, (tx) => this.store.byId(tx, id)) : null;
  }

  /** The customers of a result, by key. */
  async customersByKey(tenantId: string, keys: readonly string[]): Promise<Map<string, Customer>> {
    const wanted = new Set(keys);
    const all = await this.database.withTenant(tenantId, (tx) => this.customers.all(tx));
    return new Map(all.filter(({ key }) => wanted.has(key)).map((customer) => [customer.key, customer]));
  }
}
