import { Injectable } from '@nestjs/common';
import { Decimal, type EventCost, type UsageDimensions } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { cellStart, sumBucketRows, type BucketRow } from './bucket-cells.ts';
import { DimensionStore, type FoundDimensions } from './dimension.store.ts';
import { EventCosting } from './event-costing.ts';
import type { IncomingEvent } from './incoming-event.ts';
import { UsageBoundaries, type Boundaries } from './usage-boundaries.ts';
import type { ClockTick, EventToStore } from './usage-event.store.ts';

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

  /** Needs the tenant's clock row locked: what rates, dictionaries and boundaries say now holds until the commit. */
  async prepare(
    tx: TenantTransaction,
    incoming: readonly IncomingEvent[],
    numbers: ReadonlyMap<string, number>,
    tick: ClockTick,
  ): Promise<PreparedEvents> {
    const { tenantId } = tx;
    const usesPools = incoming.some(({ event }) => event.pool !== null);
    const costs = incoming.map(costWith(await this.costing.open(tx, usesPools)));
    const sets = incoming.map((one, i) => dimensionsOf(one, costs[i] as EventCost));
    const dimensions = await this.dimensions.numbersOf(tx, tenantId, sets);
    const events = incoming.map((one, i) => ({
      ...one,
      cost: costs[i] as EventCost,
      customerNo: numbers.get(one.event.customer) as number,
      dimensionNo: dimensions.numbers[i] as number,
      seq: tick.seq,
    }));
    const customers = new Set(events.map(({ customerNo }) => customerNo));
    const boundaries = await this.boundaries.atVersion(tx, tenantId, tick.boundaryVersion, customers);
    return { tenantId, events, buckets: sumBucketRows(events.map((event) => bucketRowOf(event, boundaries))), found: dimensions.found };
  }

  /** After the commit. */
  remember({ tenantId, found }: PreparedEvents): void {
    this.dimensions.remember(tenantId, found);
  }
}

const costWith =
  (costOf: (event: IncomingEvent['event']) => EventCost) =>
  ({ event }: IncomingEvent): EventCost =>
    costOf(event);

function dimensionsOf({ event }: IncomingEvent, cost: EventCost): UsageDimensions {
  return { ...event, costState: cost.state, costCurrency: cost.currency };
}

function bucketRowOf(stored: EventToStore, boundaries: Boundaries): BucketRow {
  const { tenantId, customerNo, dimensionNo, seq, event, cost } = stored;
  const { tokens, quantity, gpuSeconds } = event;
  const amount = cost.amount ?? Decimal.ZERO;
  const from = cellStart(event.at, boundaries.get(customerNo) ?? []);
  return { tenantId, customerNo, from, dimensionNo, seq, events: 1, tokens, quantity, gpuSeconds, cost: amount, restatedCost: amount };
}
