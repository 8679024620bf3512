import { Injectable } from '@nestjs/common';
import { CostBook, PoolStore, poolRateAt, type CapacityPoolRate, type OpenCostBook } from '@tare/catalog';
import { costOfEvent, type CostFacts, type EventCost, type ReportedCost } from '@tare/core';
import type { TenantTransaction } from '@tare/database';

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

  /**
   * Opens the books for events of one tenant. Read with the tenant's clock locked they stand still for ingest: whoever adds a rate and then looks for
   * events to cost again finds those that this transaction writes (SEMANTICS 9.2).
   */
  async open(tx: TenantTransaction, usesPools: boolean): Promise<CostOf> {
    const books = await this.costBook.open(tx, [tx.tenantId]);
    const pools = usesPools ? await this.pools.rates(tx) : new Map<string, CapacityPoolRate[]>();
    return (event) => costIn(books.get(tx.tenantId), pools, event);
  }
}

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
