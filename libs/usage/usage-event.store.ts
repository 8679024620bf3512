import { Injectable } from '@nestjs/common';
import { formatInstant, TOKEN_POOLS, type Decimal, type EventCost } from '@tare/core';
import type { Transaction } from '@tare/database';
import type { BucketRow } from './bucket-cells.ts';
import { plainArray, textArray } from './column-array.ts';
import type { IncomingEvent } from './incoming-event.ts';
import { ADVANCE_CLOCKS, INSERT_BUCKETS, INSERT_EVENTS, KEPT_CONTENTS, TAKE_KEYS } from './ingest.sql.ts';

/** A new event with everything that its row says. */
export interface EventToStore extends IncomingEvent {
  readonly customerNo: number;
  readonly dimensionNo: number;
  readonly seq: number;
  readonly cost: EventCost;
}

/** A tenant's commit number, and the version of its boundaries that holds until the commit. */
export interface ClockTick {
  readonly seq: number;
  readonly boundaryVersion: number;
}

/** Writes of the hot path. Arrays of one call are one statement; the caller sorts. */
@Injectable()
export class UsageEventStore {
  /** Takes the keys that are new and answers what is kept under the others: by position, its fingerprint. Events have different identities. */
  async takeKeys(tx: Transaction, events: readonly IncomingEvent[], customerNos: readonly number[]): Promise<Map<number, string>> {
    const repeated = await tx.queryPrepared<{ position: number }>('usage_take_keys', TAKE_KEYS, [
      plainArray(events.map(({ tenantId }) => tenantId)),
      plainArray(events.map(({ identity }) => identity)),
      plainArray(events.map(({ fingerprint }) => fingerprint)),
      plainArray(events.map(({ event }) => formatInstant(event.at))),
      plainArray(customerNos),
    ]);
    return this.keptContents(
      tx,
      events,
      repeated.map(({ position }) => position - 1),
    );
  }

  /** @throws Error when one of the tenants has no clock, as one that was removed */
  async advanceClocks(tx: Transaction, tenantIds: readonly string[]): Promise<Map<string, ClockTick>> {
    const rows = await tx.queryPrepared<{ tenant_id: string; seq: number; boundary_version: number }>(
      'usage_advance_clocks',
      ADVANCE_CLOCKS,
      [plainArray(tenantIds)],
    );
    const ticks = new Map(rows.map((row) => [row.tenant_id, { seq: row.seq, boundaryVersion: row.boundary_version }]));
    const missing = tenantIds.find((tenantId) => !ticks.has(tenantId));
    if (missing !== undefined) throw new Error(`tenant ${missing} has no usage clock`);
    return ticks;
  }

  async insertEvents(tx: Transaction, events: readonly EventToStore[]): Promise<void> {
    await tx.queryPrepared('usage_insert_events', INSERT_EVENTS, [
      plainArray(events.map(({ tenantId }) => tenantId)),
      plainArray(events.map(({ identity }) => identity)),
      plainArray(events.map(({ event }) => formatInstant(event.at))),
      textArray(events.map(({ event }) => event.key)),
      plainArray(events.map(({ customerNo }) => customerNo)),
      plainArray(events.map(({ dimensionNo }) => dimensionNo)),
      plainArray(events.map(({ seq }) => seq)),
      ...TOKEN_POOLS.map((pool) => plainArray(events.map(({ event }) => textOrNull(event.tokens[pool])))),
      plainArray(events.map(({ event }) => textOrNull(event.quantity))),
      plainArray(events.map(({ event }) => textOrNull(event.gpuSeconds))),
      plainArray(events.map(({ cost }) => cost.amount?.toString() ?? null)),
      plainArray(events.map(({ cost }) => cost.rateId)),
      plainArray(events.map(({ event }) => event.reportedCost?.amount.toString() ?? null)),
      plainArray(events.map(({ event }) => event.reportedCost?.currency ?? null)),
      textArray(events.map(({ event }) => event.user)),
      textArray(events.map(({ event }) => event.traceId)),
      plainArray(events.map(({ event }) => event.durationMs)),
      textArray(events.map(({ event }) => (event.properties === null ? null : JSON.stringify(event.properties)))),
    ]);
  }

  async insertBuckets(tx: Transaction, rows: readonly BucketRow[]): Promise<void> {
    await tx.queryPrepared('usage_insert_buckets', INSERT_BUCKETS, [
      plainArray(rows.map(({ tenantId }) => tenantId)),
      plainArray(rows.map(({ customerNo }) => customerNo)),
      plainArray(rows.map(({ from }) => formatInstant(from))),
      plainArray(rows.map(({ dimensionNo }) => dimensionNo)),
      plainArray(rows.map(({ seq }) => seq)),
      plainArray(rows.map(({ events }) => events)),
      ...TOKEN_POOLS.map((pool) => plainArray(rows.map(({ tokens }) => tokens[pool].toString()))),
      plainArray(rows.map(({ quantity }) => quantity.toString())),
      plainArray(rows.map(({ gpuSeconds }) => gpuSeconds.toString())),
      plainArray(rows.map(({ cost }) => cost.toString())),
      plainArray(rows.map(({ restatedCost }) => restatedCost.toString())),
    ]);
  }

  private async keptContents(
    tx: Transaction,
    events: readonly IncomingEvent[],
    positions: readonly number[],
  ): Promise<Map<number, string>> {
    if (positions.length === 0) return new Map();
    const repeated = positions.flatMap((position) => events[position] ?? []);
    const rows = await tx.queryPrepared<{ position: number; fingerprint: string }>('usage_kept_contents', KEPT_CONTENTS, [
      plainArray(repeated.map(({ tenantId }) => tenantId)),
      plainArray(repeated.map(({ identity }) => identity)),
    ]);
    return new Map(rows.map(({ position, fingerprint }) => [positions[position - 1] ?? -1, fingerprint]));
  }
}

/** Null is 0: what an event does not have takes no room. */
const textOrNull = (count: Decimal): string | null => (count.isZero() ? null : count.toString());
