import { Injectable } from '@nestjs/common';
import type { Announcement } from '@tare/billing';
import type { Instant } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction, type Transaction } from '@tare/database';
import { refreshDueWork, UNDER_WAY, wakeWaitingCreditNotes } from './due-work.store.ts';
import type { StoredRequest } from './remote-call.ts';

export type SyncStep = 'CUSTOMER' | 'DRAFT' | 'LINES' | 'VERIFY' | 'FINALIZE' | 'TRACK' | 'PAY' | 'WRITE_OFF' | 'VOID' | 'DONE';
export type SyncState = 'NOT_SYNCED' | 'SYNCING' | 'SYNCED' | 'FAILED';

/** How far an invoice has come on its way to Stripe. */
export interface SyncRow {
  readonly invoiceId: string;
  readonly step: SyncStep;
  readonly state: SyncState;
  readonly generation: number;
  readonly stripeInvoiceId: string | null;
  readonly request: StoredRequest | null;
  /** Failed attempts at the step; of TRACK: looks at an invoice that is still open. */
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
  readonly lastError: string | null;
  /** draft, open, uncollectible, paid or void: as Stripe said last. */
  readonly remoteStatus: string | null;
  readonly voidRequested: boolean;
  /** It was paid past Stripe, or written off, here. */
  readonly payRequested: boolean;
  readonly writeOffRequested: boolean;
  readonly createdAt: Instant;
}

/** What a step changes; what is not named stays. */
export type SyncPatch = Partial<Omit<SyncRow, 'invoiceId' | 'createdAt' | 'voidRequested' | 'payRequested' | 'writeOffRequested'>>;

/** Who works on a row and until when it is believed to be alive. */
export interface Lease {
  readonly owner: string;
  /** Null gives the row back. */
  readonly until: Instant | null;
}

interface Row {
  readonly invoice_id: string;
  readonly step: SyncStep;
  readonly state: SyncState;
  readonly generation: number;
  readonly stripe_invoice_id: string | null;
  readonly request: StoredRequest | null;
  readonly attempts: number;
  readonly next_attempt_at: Instant;
  readonly last_error: string | null;
  readonly remote_status: string | null;
  readonly void_requested: boolean;
  readonly pay_requested: boolean;
  readonly write_off_requested: boolean;
  readonly created_at: Instant;
}

const COLUMNS = `invoice_id, step, state, generation, stripe_invoice_id, request, attempts, next_attempt_at, last_error, remote_status, void_requested, pay_requested, write_off_requested,
  created_at`;
/** SQL of the sync's state. Every change of a row's next attempt also moves the tenant's row in due_work, last in its transaction. */
@Injectable()
export class StripeSyncStore {
  /** Makes sync rows of what billing announced, in its order, each announcement once. Answers how many there were. */
  async takeOutbox(tx: TenantTransaction, now: Instant): Promise<number> {
    const rows = await tx.query<{ invoice_id: string; kind: Announcement }>(
      `UPDATE invoice_outbox SET taken_at = $2
       WHERE tenant_id = $1 AND (invoice_id, kind) IN (
         SELECT invoice_id, kind FROM invoice_outbox WHERE tenant_id = $1 AND taken_at IS NULL ORDER BY created_at, invoice_id FOR UPDATE SKIP LOCKED)
       RETURNING invoice_id, kind`,
      [tx.tenantId, sqlInstant(now)],
    );
    if (rows.length === 0) return 0;
    await this.insertRows(tx, [...new Set(rows.map((row) => row.invoice_id))].sort(), now);
    const announced = (wanted: Announcement): string[] => rows.filter(({ kind }) => kind === wanted).map((row) => row.invoice_id);
    const voided = announced('VOIDED');
    if (voided.length > 0) await this.requestVoid(tx, voided, now);
    await this.requestSettling(tx, announced('PAID'), announced('WRITTEN_OFF'), now);
    await refreshDueWork(tx);
    return rows.length;
  }

  private async insertRows(tx: TenantTransaction, invoiceIds: readonly string[], now: Instant): Promise<void> {
    await tx.query(
      `INSERT INTO stripe_sync (tenant_id, invoice_id, step, state, next_attempt_at)
       SELECT $1, invoice_id, 'CUSTOMER', 'SYNCING', $3 FROM unnest($2::uuid[]) AS invoice_id ON CONFLICT DO NOTHING`,
      [tx.tenantId, invoiceIds, sqlInstant(now)],
    );
  }

  /** A row that failed, or is only tracked, moves again. */
  private async requestVoid(tx: TenantTransaction, invoiceIds: readonly string[], now: Instant): Promise<void> {
    await tx.query(
      `UPDATE stripe_sync SET void_requested = true, next_attempt_at = $3, attempts = 0, state = CASE state WHEN 'FAILED' THEN 'SYNCING' ELSE state END
       WHERE tenant_id = $1 AND invoice_id = ANY ($2::uuid[]) AND step <> 'DONE'`,
      [tx.tenantId, invoiceIds, sqlInstant(now)],
    );
  }

  /** One that is only tracked moves at once, others when they get there. */
  private async requestSettling(
    tx: TenantTransaction,
    paid: readonly string[],
    writtenOff: readonly string[],
    now: Instant,
  ): Promise<void> {
    if (paid.length + writtenOff.length === 0) return;
    await tx.query(
      `UPDATE stripe_sync SET pay_requested = pay_requested OR invoice_id = ANY ($2::uuid[]),
         write_off_requested = write_off_requested OR invoice_id = ANY ($3::uuid[])
       WHERE tenant_id = $1 AND invoice_id = ANY ($2::uuid[] || $3::uuid[]) AND step <> 'DONE'`,
      [tx.tenantId, paid, writtenOff],
    );
    for (const id of [...paid, ...writtenOff]) await this.wakeForSettling(tx, id, now);
  }

  async byInvoices(tx: TenantTransaction, invoiceIds: readonly string[]): Promise<SyncRow[]> {
    const rows = await tx.query<Row>(`SELECT ${COLUMNS} FROM stripe_sync WHERE tenant_id = $1 AND invoice_id = ANY ($2::uuid[])`, [
      tx.tenantId,
      invoiceIds,
    ]);
    return rows.map(syncOfRow);
  }

  /** Invoices whose turn it is and that nobody works on. */
  async due(tx: TenantTransaction, now: Instant, limit: number): Promise<string[]> {
    const rows = await tx.query<{ invoice_id: string }>(
      `SELECT invoice_id FROM stripe_sync
       WHERE tenant_id = $1 AND ${UNDER_WAY} AND next_attempt_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
       ORDER BY next_attempt_at, invoice_id LIMIT $3`,
      [tx.tenantId, sqlInstant(now), limit],
    );
    return rows.map((row) => row.invoice_id);
  }

  /** Takes the row, if it is due and free (or its worker's lease has run out): compare-and-set in one statement. */
  async lease(tx: TenantTransaction, invoiceId: string, lease: Lease, now: Instant): Promise<SyncRow | null> {
    const [row] = await tx.query<Row>(
      `UPDATE stripe_sync SET lease_owner = $3, lease_until = $4, updated_at = $5
       WHERE tenant_id = $1 AND invoice_id = $2 AND ${UNDER_WAY} AND next_attempt_at <= $5 AND (lease_until IS NULL OR lease_until <= $5)
       RETURNING ${COLUMNS}`,
      [tx.tenantId, invoiceId, lease.owner, sqlInstantOrNull(lease.until), sqlInstant(now)],
    );
    return row ? syncOfRow(row) : null;
  }

  /** Saves for the owner of the lease only, and prolongs it. Null: it has lost the row. */
  async save(tx: TenantTransaction, row: SyncRow, lease: Lease, now: Instant): Promise<SyncRow | null> {
    const [saved] = await tx.query<Row>(
      `UPDATE stripe_sync SET step = $4, state = $5, generation = $6, stripe_invoice_id = $7, request = $8, attempts = $9, next_attempt_at = $10,
         last_error = $11, remote_status = $12, lease_until = $13, lease_owner = CASE WHEN $13::timestamptz IS NULL THEN NULL ELSE $3 END, updated_at = $14
       WHERE tenant_id = $1 AND invoice_id = $2 AND lease_owner = $3
       RETURNING ${COLUMNS}`,
      [
        tx.tenantId,
        row.invoiceId,
        lease.owner,
        row.step,
        row.state,
        row.generation,
        row.stripeInvoiceId,
        row.request && JSON.stringify(row.request),
        row.attempts,
        sqlInstant(row.nextAttemptAt),
        row.lastError,
        row.remoteStatus,
        sqlInstantOrNull(lease.until),
        sqlInstant(now),
      ],
    );
    return saved ? syncOfRow(saved) : null;
  }

  /** A failed sync starts again at the step where it stopped. False when it has not failed. */
  async retry(tx: TenantTransaction, invoiceId: string, now: Instant): Promise<boolean> {
    const rows = await tx.query(
      `UPDATE stripe_sync SET state = 'SYNCING', attempts = 0, next_attempt_at = $3 WHERE tenant_id = $1 AND invoice_id = $2 AND state = 'FAILED' RETURNING 1`,
      [tx.tenantId, invoiceId, sqlInstant(now)],
    );
    if (rows.length > 0) await refreshDueWork(tx);
    return rows.length > 0;
  }

  /** Keeps a webhook's event, once; answers whether it is new. Events of invoices that we do not sync are not kept. */
  async insertEvent(
    tx: TenantTransaction,
    event: { id: string; type: string; objectId: string; invoiceId: string },
    now: Instant,
  ): Promise<boolean> {
    const rows = await tx.query(
      `INSERT INTO stripe_event (tenant_id, event_id, type, object_id, received_at)
       SELECT $1, $2, $3, $4, $6 WHERE EXISTS (SELECT 1 FROM stripe_sync WHERE tenant_id = $1 AND invoice_id = $5)
       ON CONFLICT DO NOTHING RETURNING 1`,
      [tx.tenantId, event.id, event.type, event.objectId, event.invoiceId, sqlInstant(now)],
    );
    return rows.length > 0;
  }

  /** A tracked invoice is looked at now. */
  async wake(tx: TenantTransaction, invoiceId: string, now: Instant): Promise<void> {
    await tx.query(`UPDATE stripe_sync SET next_attempt_at = $3 WHERE tenant_id = $1 AND invoice_id = $2 AND step = 'TRACK'`, [
      tx.tenantId,
      invoiceId,
      sqlInstant(now),
    ]);
    await refreshDueWork(tx);
  }

  /** Events received before an invoice was looked at are done with it. */
  async markEventsApplied(tx: TenantTransaction, stripeInvoiceId: string, lookedAt: Instant, now: Instant): Promise<void> {
    await tx.query(
      `UPDATE stripe_event SET applied_at = $4 WHERE tenant_id = $1 AND object_id = $2 AND applied_at IS NULL AND received_at <= $3`,
      [tx.tenantId, stripeInvoiceId, sqlInstant(lookedAt), sqlInstant(now)],
    );
  }

  /**
   * An event that came while its invoice was being looked at asks for another look. Called after the row was saved, in the same transaction:
   * whichever of the two transactions has the row first, the event is not slept over.
   */
  async wakeForLateEvents(tx: TenantTransaction, invoiceId: string, now: Instant): Promise<void> {
    await tx.query(
      `UPDATE stripe_sync s SET next_attempt_at = $3
       WHERE tenant_id = $1 AND invoice_id = $2 AND step = 'TRACK'
         AND EXISTS (SELECT 1 FROM stripe_event e WHERE e.tenant_id = $1 AND e.object_id = s.stripe_invoice_id AND e.applied_at IS NULL)`,
      [tx.tenantId, invoiceId, sqlInstant(now)],
    );
  }

  /**
   * A void that was requested while a worker had the row asks for another turn, even of a row that failed meanwhile: what the worker saved knew nothing
   * of it. Called after the row was saved, in the same transaction, like `wakeForLateEvents`. A call in doubt keeps its wait, and so does the void itself.
   */
  async wakeForVoid(tx: TenantTransaction, invoiceId: string, now: Instant): Promise<void> {
    await tx.query(
      `UPDATE stripe_sync SET next_attempt_at = $3, attempts = 0, state = CASE state WHEN 'FAILED' THEN 'SYNCING' ELSE state END
       WHERE tenant_id = $1 AND invoice_id = $2 AND void_requested AND request IS NULL AND step NOT IN ('VOID', 'DONE')`,
      [tx.tenantId, invoiceId, sqlInstant(now)],
    );
  }

  /** An invoice that Stripe asks for although it was paid or written off here does not wait for the next look. */
  private async wakeForSettling(tx: TenantTransaction, invoiceId: string, now: Instant): Promise<void> {
    await tx.query(
      `UPDATE stripe_sync SET next_attempt_at = $3, attempts = 0
       WHERE tenant_id = $1 AND invoice_id = $2 AND step = 'TRACK' AND request IS NULL
         AND (pay_requested OR (write_off_requested AND remote_status = 'open'))`,
      [tx.tenantId, invoiceId, sqlInstant(now)],
    );
  }

  /** What came while the row was held; last in the transaction that gives it back. */
  async released(tx: TenantTransaction, { invoiceId }: SyncRow, now: Instant): Promise<void> {
    await this.wakeForLateEvents(tx, invoiceId, now);
    await this.wakeForVoid(tx, invoiceId, now);
    await this.wakeForSettling(tx, invoiceId, now);
    await wakeWaitingCreditNotes(tx, invoiceId, now);
    await refreshDueWork(tx);
  }

  /** Global: tenants with an invoice whose turn it is. */
  async dueTenants(tx: Transaction, now: Instant): Promise<string[]> {
    const rows = await tx.query<{ tenant_id: string }>(
      `SELECT tenant_id FROM due_work WHERE kind = 'stripe' AND due_at <= $1 ORDER BY due_at`,
      [sqlInstant(now)],
    );
    return rows.map((row) => row.tenant_id);
  }

  /** Global. Null when there is no such tenant. */
  async tenant(tx: Transaction, tenantId: string): Promise<{ live: boolean } | null> {
    const [row] = await tx.query<{ live: boolean }>('SELECT live FROM tenant WHERE id = $1', [tenantId]);
    return row ?? null;
  }

  /** Global. */
  async allTenants(tx: Transaction): Promise<string[]> {
    return (await tx.query<{ id: string }>('SELECT id FROM tenant ORDER BY id')).map(({ id }) => id);
  }

  /** Of these tenants, those with announcements that nobody has taken. */
  async tenantsWithOutbox(tx: Transaction, tenantIds: readonly string[]): Promise<string[]> {
    const rows = await tx.query<{ tenant_id: string }>(
      `SELECT tenant_id FROM invoice_outbox WHERE tenant_id = ANY ($1::uuid[]) AND taken_at IS NULL
       UNION SELECT tenant_id FROM credit_note_outbox WHERE tenant_id = ANY ($1::uuid[]) AND taken_at IS NULL`,
      [tenantIds],
    );
    return rows.map((row) => row.tenant_id);
  }
}

function syncOfRow(row: Row): SyncRow {
  return {
    invoiceId: row.invoice_id,
    step: row.step,
    state: row.state,
    generation: row.generation,
    stripeInvoiceId: row.stripe_invoice_id,
    request: row.request,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastError: row.last_error,
    remoteStatus: row.remote_status,
    voidRequested: row.void_requested,
    payRequested: row.pay_requested,
    writeOffRequested: row.write_off_requested,
    createdAt: row.created_at,
  };
}
