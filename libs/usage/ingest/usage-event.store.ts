import { Injectable } from '@nestjs/common';
import type { Transaction } from '@tare/database';
import type { BucketRow } from '../buckets/bucket-cells.ts';
import { arrayOf, BUCKET_COLUMNS, columnsInUse, EVENT_COLUMNS, KEY_COLUMNS, type Column } from './event-columns.ts';
import type { EventToStore, KeyToTake } from './event-to-store.ts';
import { createHash } from 'node:crypto';
import { ADVANCE_CLOCKS, insertColumns, KEPT_CONTENTS, takeKeys } from './ingest.sql.ts';

/** A tenant's commit number, and the version of its boundaries that holds until the commit. */
export interface ClockTick {
  readonly seq: number;
  readonly boundaryVersion: number;
}

/** A key of a flush was taken already: the transaction is given up, and the next one looks first. */
export class KeyTaken extends Error {}

const UNIQUE_VIOLATION = '23505';
const isTaken = (error: unknown): boolean => (error as { code?: unknown }).code === UNIQUE_VIOLATION;

/** Choices of columns that get a statement of their own at most; what is beyond them is sent with every column. */
const MOST_CHOICES = 64;

/** Writes of the hot path. Rows of one call are one statement; the caller sorts. */
@Injectable()
export class UsageEventStore {
  private readonly choices = new Set<string>();

  /**
   * Takes the keys, which must be different ones in the order of the primary key.
   * @throws KeyTaken where at least one was taken already. The transaction is at its end then: which keys are this flush's own and which were there is told
   * by `keptContents` in another one.
   */
  async takeKeys(tx: Transaction, keys: readonly KeyToTake[]): Promise<void> {
    const { name, constants } = formOf('usage_take_keys', KEY_COLUMNS, keys);
    try {
      await tx.execute(name, takeKeys(KEY_COLUMNS, constants), valuesOf(KEY_COLUMNS, constants, keys));
    } catch (error) {
      throw isTaken(error) ? new KeyTaken('a key of the flush was taken already') : error;
    }
  }

  /** What is kept under the keys that are taken: by position, the fingerprint. */
  async keptContents(tx: Transaction, keys: readonly KeyToTake[]): Promise<Map<number, string>> {
    const columns = KEY_COLUMNS.filter(({ name }) => name === 'tenant_id' || name === 'key_hash');
    const rows = await tx.queryPrepared<{ position: number; fingerprint: string }>(
      'usage_kept_contents',
      KEPT_CONTENTS,
      valuesOf(columns, 0, keys),
    );
    return new Map(rows.map(({ position, fingerprint }) => [position - 1, fingerprint.replaceAll('-', '')]));
  }

  /** @throws Error when one of the tenants has no clock, as one that was removed */
  async advanceClocks(tx: Transaction, tenantIds: readonly string[]): Promise<Map<string, ClockTick>> {
    const rows = await tx.queryPrepared<{ tenant_id: string; seq: number; boundary_version: number }>(
      'usage_advance_clocks',
      ADVANCE_CLOCKS,
      [tenantIds],
    );
    const ticks = new Map(rows.map((row) => [row.tenant_id, { seq: row.seq, boundaryVersion: row.boundary_version }]));
    const missing = tenantIds.find((tenantId) => !ticks.has(tenantId));
    if (missing !== undefined) throw new Error(`tenant ${missing} has no usage clock`);
    return ticks;
  }

  async insertEvents(tx: Transaction, events: readonly EventToStore[]): Promise<void> {
    await insert(tx, 'usage_event', this.chosen('usage_event', EVENT_COLUMNS, events), events);
  }

  async insertBuckets(tx: Transaction, rows: readonly BucketRow[]): Promise<void> {
    await insert(tx, 'usage_bucket', this.chosen('usage_bucket', BUCKET_COLUMNS, rows), rows);
  }

  private chosen<Row>(table: string, all: readonly Column<Row>[], rows: readonly Row[]): readonly Column<Row>[] {
    const columns = columnsInUse(all, rows);
    const choice = `${table} ${columns.map(({ name }) => name).join()}`;
    if (this.choices.size >= MOST_CHOICES && !this.choices.has(choice)) return all;
    this.choices.add(choice);
    return columns;
  }
}

async function insert<Row>(tx: Transaction, table: string, columns: readonly Column<Row>[], rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const { name, constants } = formOf(table, columns, rows);
  await tx.execute(name, insertColumns(table, columns, constants), valuesOf(columns, constants, rows));
}

/** How many leading columns are one value for all rows, and a name for the statement: one for each choice of columns and constants. */
function formOf<Row>(what: string, columns: readonly Column<Row>[], rows: readonly Row[]): { name: string; constants: number } {
  const tenant = columns[0]?.ofTenant;
  const first = tenant?.(rows[0] as Row);
  const isOneTenant = tenant !== undefined && rows.every((row) => tenant(row) === first);
  const constants = isOneTenant ? columns.filter(({ ofTenant }) => ofTenant !== undefined).length : 0;
  const choice = createHash('sha256')
    .update(`${constants} ${columns.map(({ name }) => name).join()}`)
    .digest('hex')
    .slice(0, 12);
  return { name: `${what}_${choice}`, constants };
}

function valuesOf<Row>(columns: readonly Column<Row>[], constants: number, rows: readonly Row[]): unknown[] {
  return columns.map((column, i) => (i < constants ? column.ofTenant?.(rows[0] as Row) : arrayOf(column, rows)));
}
