import { Injectable } from '@nestjs/common';
import { instantOfDate, type Instant } from '@tare/core';
import { Database, sqlInstant, type TenantTransaction } from '@tare/database';
import {
  ADVANCE,
  BY_KEY,
  CHUNK_END,
  ENSURE_STATE,
  IN_ORDER_OF_KEY,
  MERGE_CELLS,
  RAISE_FLOOR,
  STATE,
  TRY_CELLS,
} from './compact-buckets.sql.ts';

export interface CompactionResult {
  readonly chunks: number;
  /** Rows that are gone: others hold their sums. */
  readonly absorbed: number;
  /** Another turn would find more to merge. */
  readonly hasMore: boolean;
}

interface State {
  readonly floor: number;
  readonly nextSeq: number;
  readonly nextAt: Instant;
  readonly compacted: number;
  readonly current: number;
}

const HOUR = 3_600_000_000;
/** Rows that the commits of a chunk brought, about: half a second. In smaller ones the same cells would be merged more often. */
const CHUNK_ROWS = 20_000;
/** Chunks of one run: then the next tenant has its turn. */
const MOST_CHUNKS = 50;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Merges the deltas of cells in the background, so that no reader notices (compact-buckets.sql.ts says why): rows of commits that are at least an hour old,
 * never across a pinned commit (`UsagePins`). Goes through commits in their order, a chunk in a transaction: it may be cut short anywhere and goes on there.
 */
@Injectable()
export class UsageCompaction {
  constructor(private readonly database: Database) {}

  /** One turn of a tenant; costs one look at two rows when there is nothing to do. @param now the server's clock */
  async run(tenantId: string, now: Instant = instantOfDate(new Date())): Promise<CompactionResult> {
    const within = <Result>(work: (tx: TenantTransaction) => Promise<Result>): Promise<Result> => this.database.withTenant(tenantId, work);
    let state = await within(readState);
    if (state === null || (state.nextAt + HOUR <= now && (state.nextSeq > state.floor || state.current > state.nextSeq))) {
      state = await within((tx) => raisedFloor(tx, now)).catch(unlessLocked);
    }
    let absorbed = 0;
    let chunks = 0;
    while (state !== null && state.compacted < state.floor && chunks < MOST_CHUNKS) {
      const from: State = state;
      const chunk = await within((tx) => compactChunk(tx, from));
      if (chunk === null) break;
      absorbed += chunk.absorbed;
      chunks += 1;
      state = { ...from, compacted: chunk.end };
    }
    return { chunks, absorbed, hasMore: chunks === MOST_CHUNKS };
  }
}

interface StateRow {
  readonly floor_seq: number | null;
  readonly next_seq: number;
  readonly next_at: Instant;
  readonly compacted_seq: number;
  readonly current_seq: number;
}

/** Null: nothing of the tenant was ever compacted. */
async function readState(tx: TenantTransaction): Promise<State | null> {
  const [row] = await tx.query<StateRow>(STATE, [tx.tenantId]);
  if (row === undefined || row.floor_seq === null) return null;
  return { floor: row.floor_seq, nextSeq: row.next_seq, nextAt: row.next_at, compacted: row.compacted_seq, current: row.current_seq };
}

/** Who pins a commit holds the floor for as long as its transaction lasts: it is waited for a moment only, the next run asks again. */
async function raisedFloor(tx: TenantTransaction, now: Instant): Promise<State | null> {
  await tx.query(`SET LOCAL lock_timeout = '1s'`);
  await tx.query(ENSURE_STATE, [tx.tenantId, sqlInstant(now)]);
  await tx.query(RAISE_FLOOR, [tx.tenantId, sqlInstant(now), sqlInstant(now - HOUR)]);
  return readState(tx);
}

function unlessLocked(error: unknown): null {
  if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error;
  return null;
}

/** Null: a slot is being recounted, or another worker compacts. Where it stands is read again under the lock, so that none goes back. */
async function compactChunk(tx: TenantTransaction, { floor }: State): Promise<{ end: number; absorbed: number } | null> {
  const [lock] = await tx.query<{ held: boolean }>(TRY_CELLS, [tx.tenantId]);
  if (lock?.held !== true) return null;
  const compacted = (await readState(tx))?.compacted ?? floor;
  if (compacted >= floor) return { end: compacted, absorbed: 0 };
  const [last] = await tx.query<{ seq: number }>(CHUNK_END, [tx.tenantId, compacted, floor, CHUNK_ROWS]);
  const end = last?.seq ?? floor;
  await tx.query(BY_KEY);
  await tx.query(IN_ORDER_OF_KEY);
  const [merged] = await tx.query<{ absorbed: number; kept: number }>(MERGE_CELLS, [tx.tenantId, compacted, end]);
  await tx.query(ADVANCE, [tx.tenantId, end]);
  return { end, absorbed: (merged?.absorbed ?? 0) - (merged?.kept ?? 0) };
}
