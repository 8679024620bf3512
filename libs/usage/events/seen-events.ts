import { Injectable } from '@nestjs/common';
import { Decimal, type Instant, type UsageDimensions, type UsageRecord } from '@tare/core';
import { plainArray, sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { dimensionsOfRow, tokensOfRow, type DimensionRow, type TokenRow } from '../buckets/usage-rows.ts';
import { retentionHorizons } from '../retention/retention-horizon.ts';
import { keyOfIdentity } from './event-key.ts';
import { DIMENSIONS_OF_TYPE, SEEN_EVENTS } from './seen-events.sql.ts';

/** The place of an event in the order of time; events at one instant are ordered by their identity. */
export interface EventPlace {
  readonly at: Instant;
  readonly id: string;
}

export interface SeenEventsQuery {
  readonly customerNo: number;
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
  /** The last commit that was seen. */
  readonly upToSeq: number;
  /** Also events that counted after this earlier commit and were cancelled since. */
  readonly countedAtSeq?: number | null;
  /** Numbers of sets of dimensions (`dimensionsThat`); null: any. */
  readonly dimensionNos?: readonly number[] | null;
  /** Only events behind this one. */
  readonly after?: EventPlace | null;
  readonly limit: number;
}

/** An event as it stood; `from` is its time. */
export interface SeenEvent extends UsageRecord {
  /** Names the row: an amended event and what took its place have one key. */
  readonly id: string;
  readonly key: string;
  /** The commit it came with. */
  readonly seq: number;
  /** It was cancelled by the commit that was seen: listed, and not counted. */
  readonly isCancelled: boolean;
}

interface SeenRow extends DimensionRow, TokenRow {
  readonly key_hash: string;
  readonly key: string | null;
  readonly at: Instant;
  readonly quantity: string;
  readonly gpu_seconds: string;
  readonly cost: string;
  readonly end_user: string | null;
  readonly trace_id: string | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
  readonly seq: number;
  readonly voided_seq: number | null;
}

/** Single events as they were seen, page by page: for whoever shows what a sum was made of. Dropped events (docs/retention.md) are not there. */
@Injectable()
export class SeenEvents {
  async page(tx: TenantTransaction, query: SeenEventsQuery): Promise<SeenEvent[]> {
    const { dimensionNos = null, after = null, upToSeq } = query;
    const rows = await tx.query<SeenRow>(SEEN_EVENTS, [
      tx.tenantId,
      query.customerNo,
      sqlInstant(query.from),
      sqlInstant(query.to),
      upToSeq,
      sqlInstantOrNull(after?.at ?? null),
      after?.id ?? null,
      dimensionNos === null ? null : plainArray(dimensionNos),
      query.limit,
      query.countedAtSeq ?? null,
    ]);
    return rows.map((row) => seenEvent(row, upToSeq));
  }

  /** Numbers of the tenant's sets of dimensions that are kept. `type`: only those of this event type; null: any. */
  async dimensionsThat(tx: TenantTransaction, type: string | null, isKept: (dimensions: UsageDimensions) => boolean): Promise<number[]> {
    const rows = await tx.query<DimensionRow & { no: number }>(DIMENSIONS_OF_TYPE, [tx.tenantId, type]);
    return rows.filter((row) => isKept(dimensionsOfRow(row))).map(({ no }) => no);
  }

  /** Events before it are no longer kept; null: none was dropped. */
  async droppedBefore(tx: TenantTransaction): Promise<Instant | null> {
    return (await retentionHorizons(tx)).dropped;
  }
}

function seenEvent(row: SeenRow, upToSeq: number): SeenEvent {
  const cost = Decimal.parse(row.cost);
  return {
    ...dimensionsOfRow(row),
    id: row.key_hash,
    key: row.key ?? keyOfIdentity(row.key_hash),
    from: row.at,
    events: Decimal.ONE,
    tokens: tokensOfRow(row),
    quantity: Decimal.parse(row.quantity),
    gpuSeconds: Decimal.parse(row.gpu_seconds),
    cost,
    restatedCost: cost,
    user: row.end_user,
    traceId: row.trace_id,
    properties: row.properties,
    seq: row.seq,
    isCancelled: row.voided_seq !== null && row.voided_seq <= upToSeq,
  };
}
