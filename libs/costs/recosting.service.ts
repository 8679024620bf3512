import { Injectable } from '@nestjs/common';
import type { EventCost } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { EventCosting, UsageCosting, UsageRetention, type CostChanges, type CostOf, type CostedEvent, type EventToCost } from '@tare/usage';
import { CostingTaskStore, type CostingTask } from './costing-task.store.ts';

/** Events of one transaction: ingest of the tenant waits for it. */
const CHUNK = 1_000;

export interface RecostingResult {
  /** Events whose cost became known: frozen from now on. */
  readonly costed: number;
  /** Events whose frozen cost stays and whose restated cost moved. */
  readonly restated: number;
}

interface Chunk extends RecostingResult {
  readonly last: EventToCost | null;
}

/**
 * Brings stored events up to what the cost book knows now (SEMANTICS 9.2): the first known cost is frozen, a later one only restates. May be run by
 * several at once and cut short anywhere: a task stays until its last chunk is committed, and what is done already is not done again.
 */
@Injectable()
export class RecostingService {
  constructor(
    private readonly database: Database,
    private readonly tasks: CostingTaskStore,
    private readonly costing: EventCosting,
    private readonly usage: UsageCosting,
    private readonly retention: UsageRetention,
  ) {}

  /** Works off everything that waits for the tenant. */
  async run(tenantId: string): Promise<RecostingResult> {
    const tasks = await this.database.withTenant(tenantId, (tx) => this.tasks.all(tx));
    let [costed, restated] = [0, 0];
    for (const task of tasks) {
      let last: EventToCost | null = null;
      do {
        const after: EventToCost | null = last;
        const chunk: Chunk = await this.database.withTenant(tenantId, (tx) => this.runChunk(tx, task, after));
        costed += chunk.costed;
        restated += chunk.restated;
        last = chunk.last;
      } while (last !== null);
    }
    return { costed, restated };
  }

  /** The clock is taken first: an event that was costed before the rate was known is visible then, and every later one is costed with it. */
  private async runChunk(tx: TenantTransaction, task: CostingTask, after: EventToCost | null): Promise<Chunk> {
    await this.usage.lock(tx);
    const { provider, model, pool, validTo: to } = task;
    // What retention has dropped keeps the cost that its buckets have.
    const from = Math.max(task.validFrom, (await this.retention.horizon(tx)) ?? -Infinity);
    const events = await this.usage.eventsToCost(tx, { match: { provider, model, pool }, from, to, after, limit: CHUNK });
    const usesPools = events.some((event) => event.pool !== null);
    const changes = changesOf(events, await this.costing.open(tx, usesPools));
    await this.usage.applyCosts(tx, changes);
    const isLast = events.length < CHUNK;
    if (isLast) await this.tasks.remove(tx, task.id);
    return { costed: changes.costed.length, restated: changes.restated.length, last: isLast ? null : (events.at(-1) ?? null) };
  }
}

/** What differs from what is stored. A cost that is unknown now takes nothing away: what was known stays the last that is known. */
function changesOf(events: readonly EventToCost[], costOf: CostOf): CostChanges {
  const costed: CostedEvent[] = [];
  const restated: CostedEvent[] = [];
  for (const event of events) {
    const change = knownCost(event, costOf(event));
    if (change === null) continue;
    if (event.cost === null) costed.push(change);
    else if (isNew(change)) restated.push(change);
  }
  return { costed, restated };
}

function knownCost(event: EventToCost, { amount, currency, rateId }: EventCost): CostedEvent | null {
  return amount === null || currency === null || rateId === null ? null : { event, amount, currency, rateId };
}

function isNew({ event, amount, currency }: CostedEvent): boolean {
  return currency !== event.restatedCurrency || event.restatedCost === null || !amount.equals(event.restatedCost);
}
