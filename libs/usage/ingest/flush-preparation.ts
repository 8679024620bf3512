import { Injectable } from '@nestjs/common';
import type { EventCost, Instant } from '@tare/core';
import type { TenantTransaction, Transaction } from '@tare/database';
import { addTokens, cellStart, emptyRow, type BucketRow, type GrowingRow } from '../buckets/bucket-cells.ts';
import { DimensionStore, type FoundDimensions } from './dimension.store.ts';
import { DistinctDimensions } from './distinct-dimensions.ts';
import { EventCosting, type CostOf } from '../costing/event-costing.ts';
import { UsageBoundaries, type Boundaries } from '../buckets/usage-boundaries.ts';
import type { EventToStore, KeyToTake } from './event-to-store.ts';
import type { ClockTick } from './usage-event.store.ts';

const NO_BOUNDARIES: readonly Instant[] = [];

/** One tenant's part of a flush, ready to be stored. */
export interface PreparedEvents {
  readonly tenantId: string;
  readonly events: readonly EventToStore[];
  readonly buckets: readonly BucketRow[];
  /** Numbers to remember once they are committed. */
  readonly found: FoundDimensions;
}

/** Costs new events, gives them their numbers and adds them up into cells. */
@Injectable()
export class FlushPreparation {
  constructor(
    private readonly dimensions: DimensionStore,
    private readonly costing: EventCosting,
    private readonly boundaries: UsageBoundaries,
  ) {}

  /** What events cost, by tenant. Needs the tenants' clock rows locked, as `prepare` does. */
  openBooks(tx: Transaction, tenantIds: readonly string[], keys: readonly KeyToTake[]): Promise<ReadonlyMap<string, CostOf>> {
    const usesPools = keys.some(({ event }) => event.event.pool !== null);
    return this.costing.openAll(tx, tenantIds, usesPools);
  }

  /**
   * Needs the tenant's clock row locked: what rates, dictionaries and boundaries say now holds until the commit.
   * @param book the tenant's open book; none: it is opened now
   */
  async prepare(tx: TenantTransaction, keys: readonly KeyToTake[], tick: ClockTick, book?: CostOf): Promise<PreparedEvents> {
    const { tenantId } = tx;
    const costOf = book ?? (await this.openBooks(tx, [tenantId], keys)).get(tenantId);
    if (costOf === undefined) throw new Error(`the cost book of tenant ${tenantId} was not opened`);
    const costs = keys.map(({ event }) => costOf(event.event));
    const distinct = new DistinctDimensions();
    const positions = keys.map(({ event }, i) => distinct.positionOf(event.event, costs[i] as EventCost));
    const dimensions = await this.dimensions.numbersOf(tx, tenantId, distinct.sets);
    const events = keys.map(({ event: { event, identity, fingerprint }, customerNo }, i) => ({
      tenantId,
      event,
      identity,
      fingerprint,
      customerNo,
      dimensionNo: dimensions.numbers[positions[i] as number] as number,
      seq: tick.seq,
      cost: costs[i] as EventCost,
    }));
    // Rows that lie together in the index and in every cell are written together.
    events.sort((a, b) => a.customerNo - b.customerNo || a.event.at - b.event.at);
    const customers = new Set(events.map(({ customerNo }) => customerNo));
    const boundaries = await this.boundaries.atVersion(tx, tenantId, tick.boundaryVersion, customers);
    return { tenantId, events, buckets: sumsOf(events, boundaries), found: dimensions.found };
  }

  /** After the commit. */
  remember({ tenantId, found }: PreparedEvents): void {
    this.dimensions.remember(tenantId, found);
  }
}

/** Buckets of events in the order of customer and time: a cell's events follow each other, so that its rows are found by dimensions alone. */
function sumsOf(events: readonly EventToStore[], boundaries: Boundaries): BucketRow[] {
  const rows: BucketRow[] = [];
  let cell = new Map<number, GrowingRow>();
  let customer: { no: number; from: Instant; boundaries: readonly Instant[] } = { no: NaN, from: NaN, boundaries: NO_BOUNDARIES };
  const closeCell = (): void => {
    rows.push(...[...cell.values()].sort((a, b) => a.dimensionNo - b.dimensionNo));
    cell = new Map();
  };
  for (const { tenantId, customerNo, dimensionNo, seq, event, cost } of events) {
    const cuts = customerNo === customer.no ? customer.boundaries : (boundaries.get(customerNo) ?? NO_BOUNDARIES);
    const from = cellStart(event.at, cuts);
    if (customerNo !== customer.no || from !== customer.from) closeCell();
    customer = { no: customerNo, from, boundaries: cuts };
    let row = cell.get(dimensionNo);
    if (row === undefined) cell.set(dimensionNo, (row = emptyRow(tenantId, customerNo, from, dimensionNo, seq)));
    row.events += 1;
    addTokens(row, event.tokens);
    row.quantity = row.quantity.plus(event.quantity);
    row.gpuSeconds = row.gpuSeconds.plus(event.gpuSeconds);
    if (cost.amount !== null) row.cost = row.restatedCost = row.cost.plus(cost.amount);
  }
  closeCell();
  return rows;
}
