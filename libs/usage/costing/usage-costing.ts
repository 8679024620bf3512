import { Injectable } from '@nestjs/common';
import { Decimal, hasAnyTokens, type Instant, type UsageDimensions } from '@tare/core';
import { plainArray, sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { NO_SUMS, cellStart, negatedSums, sumBucketRows, type BucketRow, type BucketSums } from '../buckets/bucket-cells.ts';
import { ADD_ADJUSTMENTS, EVENTS_TO_COST, IN_ANY_ORDER, IN_ORDER_OF_KEY, SET_COSTS } from './cost-events.sql.ts';
import { DimensionStore } from '../ingest/dimension.store.ts';
import type { CostableEvent } from './event-costing.ts';
import { UsageBoundaries } from '../buckets/usage-boundaries.ts';
import { UsageEventStore } from '../ingest/usage-event.store.ts';
import { dimensionsOfRow, tokensOfRow, type DimensionRow, type TokenRow } from '../buckets/usage-rows.ts';

/** An event whose cost is looked at again. */
export interface EventToCost extends CostableEvent {
  /** 16 bytes as the text of a UUID. */
  readonly identity: string;
  readonly customerNo: number;
  readonly dimensionNo: number;
  readonly dimensions: UsageDimensions;
  /** Frozen; null where none is known. */
  readonly cost: Decimal | null;
  /** What is known today, its currency, and the row of the book that says so; as the frozen cost while nothing was restated. */
  readonly restatedCost: Decimal | null;
  readonly restatedCurrency: string | null;
}

/** A cost that became known: frozen from now on (SEMANTICS 9.2). */
export interface CostedEvent {
  readonly event: EventToCost;
  readonly amount: Decimal;
  readonly currency: string;
  readonly rateId: string;
}

/** The same for an event whose frozen cost stays. */
export type RestatedEvent = CostedEvent;

export interface EventsToCostQuery {
  /** Events of these providers and models, or on these pools. */
  readonly match: { readonly provider: string | null; readonly model: string | null; readonly pool: string | null };
  readonly from: Instant;
  /** Exclusive; null: no end. */
  readonly to: Instant | null;
  /** The last event of the page before. */
  readonly after: Pick<EventToCost, 'customerNo' | 'at' | 'identity'> | null;
  readonly limit: number;
}

export interface CostChanges {
  readonly costed: readonly CostedEvent[];
  readonly restated: readonly RestatedEvent[];
}

interface EventRow extends DimensionRow, TokenRow {
  readonly identity: string;
  readonly at: Instant;
  readonly customer_no: number;
  readonly dimension_no: number;
  readonly quantity: string;
  readonly gpu_seconds: string;
  readonly cost: string | null;
  readonly restated_cost: string | null;
  readonly restated_currency: string | null;
}

/** What costs may do to stored usage: give unknown costs, and restate known ones (SEMANTICS 9.2). */
@Injectable()
export class UsageCosting {
  constructor(
    private readonly dimensions: DimensionStore,
    private readonly boundaries: UsageBoundaries,
    private readonly store: UsageEventStore,
  ) {}

  /**
   * Holds the tenant's clock: no event is being written from here to the end of the transaction, and those written later see every rate that is
   * committed now. Take it before reading `eventsToCost`.
   */
  async lock(tx: TenantTransaction): Promise<void> {
    await tx.query('SELECT 1 FROM usage_clock WHERE tenant_id = $1 FOR UPDATE', [tx.tenantId]);
  }

  /** A page of the events that a change of the book may concern, by customer and time. */
  async eventsToCost(tx: TenantTransaction, { match, from, to, after, limit }: EventsToCostQuery): Promise<EventToCost[]> {
    await tx.query(IN_ORDER_OF_KEY);
    const rows = await tx.query<EventRow>(EVENTS_TO_COST, [
      tx.tenantId,
      match.provider,
      match.model,
      match.pool,
      sqlInstant(from),
      sqlInstantOrNull(to),
      sqlInstantOrNull(after?.at ?? null),
      after?.identity ?? null,
      limit,
      after?.customerNo ?? null,
    ]);
    await tx.query(IN_ANY_ORDER);
    return rows.map(eventOfRow).sort(byKey);
  }

  /**
   * Freezes costs that became known and moves their events to the cells of known cost; restates the others. Needs the clock (`lock`). All of it is one
   * commit with a number of its own, so that what an invoice has seen stays as it was.
   */
  async applyCosts(tx: TenantTransaction, { costed, restated }: CostChanges): Promise<void> {
    if (costed.length + restated.length === 0) return;
    const ticks = await this.store.advanceClocks(tx, [tx.tenantId]);
    const tick = ticks.get(tx.tenantId) ?? { seq: NaN, boundaryVersion: NaN };
    const changes = [...costed, ...restated];
    const sets = changes.map(({ event, currency }): UsageDimensions => ({
      ...event.dimensions,
      costState: 'PRICED',
      costCurrency: currency,
    }));
    const previous = restated.map(({ event }): UsageDimensions => ({ ...event.dimensions, costCurrency: event.restatedCurrency }));
    const { numbers } = await this.dimensions.numbersOf(tx, tx.tenantId, [...sets, ...previous]);
    const columns = columnsOf(changes, numbers);
    await tx.query(SET_COSTS, [tx.tenantId, tick.seq, ...columns(0, costed.length), costed.map(({ event }) => event.customerNo)]);
    await tx.query(ADD_ADJUSTMENTS, [tx.tenantId, tick.seq, ...columns(costed.length, changes.length)]);
    const boundaries = await this.boundaries.read(tx, tx.tenantId, [...new Set(changes.map(({ event }) => event.customerNo))]);
    const rowOf = ({ event }: CostedEvent, dimensionNo: number, sums: BucketSums): BucketRow => {
      const from = cellStart(event.at, boundaries.get(event.customerNo) ?? []);
      return { tenantId: tx.tenantId, customerNo: event.customerNo, from, dimensionNo, seq: tick.seq, ...sums };
    };
    const numberAt = (position: number): number => numbers[position] as number;
    const moved = costed.flatMap((change, i) => [
      rowOf(change, change.event.dimensionNo, negatedSums(sumsOf(change.event))),
      rowOf(change, numberAt(i), { ...sumsOf(change.event), cost: change.amount, restatedCost: change.amount }),
    ]);
    const corrected = restated.flatMap((change, i) => [
      rowOf(change, numberAt(changes.length + i), { ...NO_SUMS, restatedCost: change.event.restatedCost?.negated() ?? Decimal.ZERO }),
      rowOf(change, numberAt(costed.length + i), { ...NO_SUMS, restatedCost: change.amount }),
    ]);
    await this.store.insertBuckets(tx, sumBucketRows([...moved, ...corrected]));
  }
}

function columnsOf(changes: readonly CostedEvent[], numbers: readonly number[]): (from: number, to: number) => string[] {
  return (from, to) => {
    const part = changes.slice(from, to);
    return [
      plainArray(part.map(({ event }) => sqlInstant(event.at))),
      plainArray(part.map(({ event }) => event.identity)),
      plainArray(numbers.slice(from, to)),
      plainArray(part.map(({ amount }) => amount.toString())),
      plainArray(part.map(({ rateId }) => rateId)),
    ];
  };
}

function sumsOf(event: EventToCost): BucketSums {
  const { tokens, quantity, gpuSeconds } = event;
  return { ...NO_SUMS, events: 1, tokens, quantity, gpuSeconds };
}

/** As Postgres orders the primary key: identities are texts of one form. */
function byKey(a: EventToCost, b: EventToCost): number {
  if (a.customerNo !== b.customerNo) return a.customerNo - b.customerNo;
  if (a.at !== b.at) return a.at - b.at;
  return a.identity < b.identity ? -1 : 1;
}

function eventOfRow(row: EventRow): EventToCost {
  const dimensions = dimensionsOfRow(row);
  const tokens = tokensOfRow(row);
  return {
    ...dimensions,
    dimensions,
    identity: row.identity,
    at: row.at,
    customerNo: row.customer_no,
    dimensionNo: row.dimension_no,
    tokens,
    hasTokens: hasAnyTokens(tokens),
    quantity: Decimal.parse(row.quantity),
    gpuSeconds: Decimal.parse(row.gpu_seconds),
    reportedCost: null,
    cost: row.cost === null ? null : Decimal.parse(row.cost),
    restatedCost: row.restated_cost === null ? null : Decimal.parse(row.restated_cost),
    restatedCurrency: row.restated_currency,
  };
}
