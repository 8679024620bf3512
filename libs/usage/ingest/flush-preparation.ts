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
    const boundaries = await this.boundaries.atVersion(tx, tenantId, tick.boundaryVersion, customersOf(events));
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
  const cell = new Map<number, GrowingRow>();
  let [customer, from, cuts]: [number, Instant, readonly Instant[]] = [NaN, NaN, NO_BOUNDARIES];
  for (const { tenantId, customerNo, dimensionNo, seq, event, cost } of events) {
    if (customerNo !== customer) cuts = boundaries.get(customerNo) ?? NO_BOUNDARIES;
    const start = cellStart(event.at, cuts);
    if (customerNo !== customer || start !== from) {
      closeCell(cell, rows);
      [customer, from] = [customerNo, start];
    }
    let row = cell.get(dimensionNo);
    if (row === undefined) cell.set(dimensionNo, (row = emptyRow(tenantId, customerNo, from, dimensionNo, seq)));
    row.events += 1;
    addTokens(row, event.tokens);
    row.quantity = row.quantity.plus(event.quantity);
    row.gpuSeconds = row.gpuSeconds.plus(event.gpuSeconds);
    if (cost.amount !== null) row.cost = row.restatedCost = row.cost.plus(cost.amount);
  }
  closeCell(cell, rows);
  return rows;
}

function closeCell(cell: Map<number, GrowingRow>, rows: BucketRow[]): void {
  const own = cell.size > 1 ? [...cell.values()].sort((a, b) => a.dimensionNo - b.dimensionNo) : cell.values();
  for (const row of own) rows.push(row);
  cell.clear();
}

/** Each once, of events in their order. */
function customersOf(events: readonly EventToStore[]): number[] {
  const customers: number[] = [];
  let last = NaN;
  for (const { customerNo } of events) {
    if (customerNo !== last) customers.push(customerNo);
    last = customerNo;
  }
  return customers;
}
