import { Injectable } from '@nestjs/common';
import { CostBook, PoolStore, poolRateAt, type CapacityPoolRate, type OpenCostBook } from '@tare/catalog';
import { costOfEvent, type CostFacts, type EventCost, type ReportedCost } from '@tare/core';
import type { TenantTransaction, Transaction } from '@tare/database';
import { heldTo } from '../tenant-of-several.ts';

/** An event, as far as its cost depends on it. */
export interface CostableEvent extends CostFacts {
  readonly reportedCost: ReportedCost | null;
}

/** What a tenant knows about cost, read once for many events. */
export type CostOf = (event: CostableEvent) => EventCost;

/** Costs events at what is known now, in the order of SEMANTICS 9.1. */
@Injectable()
export class EventCosting {
  constructor(
    private readonly costBook: CostBook,
    private readonly pools: PoolStore,
  ) {}

  /** Opens the books for events of one tenant: see `openAll`. */
  async open(tx: TenantTransaction, usesPools: boolean): Promise<CostOf> {
    const books = await this.openAll(tx, [tx.tenantId], usesPools);
    return books.get(tx.tenantId) as CostOf;
  }

  /**
   * Opens the books for events of several tenants. Read with their clocks locked they stand still for ingest: whoever adds a rate and then looks for
   * events to cost again finds those that this transaction writes (SEMANTICS 9.2).
   */
  async openAll(tx: Transaction, tenantIds: readonly string[], usesPools: boolean): Promise<Map<string, CostOf>> {
    const books = await this.costBook.open(tx, tenantIds);
    const costs = new Map<string, CostOf>();
    for (const tenantId of tenantIds) {
      const pools = usesPools ? await this.pools.rates(heldTo(tx, tenantId)) : NO_POOLS;
      costs.set(tenantId, (event) => costIn(books.get(tenantId), pools, event));
    }
    return costs;
  }
}

const NO_POOLS: ReadonlyMap<string, readonly CapacityPoolRate[]> = new Map();

function costIn(book: OpenCostBook | undefined, pools: ReadonlyMap<string, readonly CapacityPoolRate[]>, event: CostableEvent): EventCost {
  const rates = book?.ratesFor(event.provider, event.model);
  return costOfEvent(
    {
      reportedCost: event.reportedCost,
      ownRates: rates?.own ?? [],
      catalogueRates: rates?.catalogue ?? [],
      pool: event.pool === null ? null : poolRateAt(pools.get(event.pool), event.at),
    },
    event,
  );
}
