import type { Instant } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { refreshDueWork, UNDER_WAY } from './due-work.store.ts';
import type { StoredRequest } from './remote-call.ts';

export type SyncState = 'NOT_SYNCED' | 'SYNCING' | 'SYNCED' | 'FAILED';

/** How far something has come on its way to Stripe. */
export interface SyncProgress<Step extends string> {
  readonly step: Step;
  readonly state: SyncState;
  readonly generation: number;
  readonly request: StoredRequest | null;
  /** Failed attempts at the step; of TRACK: looks at it. */
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
  readonly lastError: string | null;
}

/** The same as its columns. */
export interface ProgressColumns<Step extends string> {
  readonly step: Step;
  readonly state: SyncState;
  readonly generation: number;
  readonly request: StoredRequest | null;
  readonly attempts: number;
  readonly next_attempt_at: Instant;
  readonly last_error: string | null;
}

/** Who works on a row and until when it is believed to be alive. */
export interface Lease {
  readonly owner: string;
  /** Null gives the row back. */
  readonly until: Instant | null;
}

/** What Stripe tells of something that we sync. */
export interface SyncEvent {
  readonly id: string;
  readonly type: string;
  /** Stripe's id of it. */
  readonly objectId: string;
  /** Ours. */
  readonly about: string;
}

const PROGRESS = 'step, state, generation, request, attempts, next_attempt_at, last_error';

/** A table with a row for each thing that is brought to Stripe, which one worker at a time has under a lease. Every text of it is ours, not a caller's. */
export class SyncRows<Row extends ProgressColumns<string>> {
  private readonly columns: string;

  /** `id`: the column of our id of it; `own`: columns beside the id and the progress. */
  constructor(private readonly table: { readonly name: string; readonly id: string; readonly own: readonly string[] }) {
    this.columns = [table.id, PROGRESS, ...table.own].join(', ');
  }

  byIds(tx: TenantTransaction, ids: readonly string[]): Promise<Row[]> {
    const { name, id } = this.table;
    return tx.query<Row>(`SELECT ${this.columns} FROM ${name} WHERE tenant_id = $1 AND ${id} = ANY ($2::uuid[])`, [tx.tenantId, ids]);
  }

  /** Those whose turn it is and that nobody works on. */
  due(tx: TenantTransaction, now: Instant, limit: number): Promise<Row[]> {
    const { name, id } = this.table;
    return tx.query<Row>(
      `SELECT ${this.columns} FROM ${name}
       WHERE tenant_id = $1 AND ${UNDER_WAY} AND next_attempt_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
       ORDER BY next_attempt_at, ${id} LIMIT $3`,
      [tx.tenantId, sqlInstant(now), limit],
    );
  }

  /** Takes the row, if it is due and free (or its worker's lease has run out): compare-and-set in one statement. */
  async lease(tx: TenantTransaction, wanted: string, lease: Lease, now: Instant): Promise<Row | null> {
    const { name, id } = this.table;
    const [row] = await tx.query<Row>(
      `UPDATE ${name} SET lease_owner = $3, lease_until = $4, updated_at = $5
       WHERE tenant_id = $1 AND ${id} = $2 AND ${UNDER_WAY} AND next_attempt_at <= $5 AND (lease_until IS NULL OR lease_until <= $5)
       RETURNING ${this.columns}`,
      [tx.tenantId, wanted, lease.owner, sqlInstantOrNull(lease.until), sqlInstant(now)],
    );
    return row ?? null;
  }

  /** Saves for the owner of the lease only, and prolongs it. `own`: columns of the table's own that change. Null: it has lost the row. */
  async save(
    tx: TenantTransaction,
    saved: { readonly id: string; readonly progress: SyncProgress<string>; readonly own: Readonly<Record<string, string | null>> },
    lease: Lease,
    now: Instant,
  ): Promise<Row | null> {
    const { name, id } = this.table;
    const { step, state, generation, request, attempts, nextAttemptAt, lastError } = saved.progress;
    const own = Object.entries(saved.own);
    const [row] = await tx.query<Row>(
      `UPDATE ${name} SET step = $4, state = $5, generation = $6, request = $7, attempts = $8, next_attempt_at = $9, last_error = $10,
         lease_until = $11, lease_owner = CASE WHEN $11::timestamptz IS NULL THEN NULL ELSE $3 END, updated_at = $12
         ${own.map(([column], index) => `, ${column} = $${13 + index}`).join('')}
       WHERE tenant_id = $1 AND ${id} = $2 AND lease_owner = $3 RETURNING ${this.columns}`,
      [
        ...[tx.tenantId, saved.id, lease.owner, step, state, generation, request && JSON.stringify(request), attempts],
        ...[sqlInstant(nextAttemptAt), lastError, sqlInstantOrNull(lease.until), sqlInstant(now)],
        ...own.map(([, value]) => value),
      ],
    );
    return row ?? null;
  }

  /** What has failed starts again at the step where it stopped. False when it has not failed. */
  async restart(tx: TenantTransaction, wanted: string, now: Instant): Promise<boolean> {
    const { name, id } = this.table;
    const rows = await tx.query(
      `UPDATE ${name} SET state = 'SYNCING', attempts = 0, next_attempt_at = $3 WHERE tenant_id = $1 AND ${id} = $2 AND state = 'FAILED' RETURNING 1`,
      [tx.tenantId, wanted, sqlInstant(now)],
    );
    if (rows.length > 0) await refreshDueWork(tx);
    return rows.length > 0;
  }

  /** Keeps a webhook's event, once; answers whether it is new. Events of what we do not sync are not kept. */
  async keepEvent(tx: TenantTransaction, event: SyncEvent, now: Instant): Promise<boolean> {
    const { name, id } = this.table;
    const rows = await tx.query(
      `INSERT INTO stripe_event (tenant_id, event_id, type, object_id, received_at)
       SELECT $1, $2, $3, $4, $6 WHERE EXISTS (SELECT 1 FROM ${name} WHERE tenant_id = $1 AND ${id} = $5)
       ON CONFLICT DO NOTHING RETURNING 1`,
      [tx.tenantId, event.id, event.type, event.objectId, event.about, sqlInstant(now)],
    );
    return rows.length > 0;
  }
}

export function progressOf<Step extends string>(row: ProgressColumns<Step>): SyncProgress<Step> {
  const { step, state, generation, request, attempts, next_attempt_at: nextAttemptAt, last_error: lastError } = row;
  return { step, state, generation, request, attempts, nextAttemptAt, lastError };
}
