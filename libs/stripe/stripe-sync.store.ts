import { Injectable } from '@nestjs/common';
import type { Announcement } from '@tare/billing';
import type { Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction, type Transaction } from '@tare/database';
import { refreshDueWork, wakeWaitingCreditNotes } from './due-work.store.ts';
import { progressOf, SyncRows, type Lease, type ProgressColumns, type SyncEvent, type SyncProgress } from './sync-rows.store.ts';

export type SyncStep = 'CUSTOMER' | 'DRAFT' | 'LINES' | 'VERIFY' | 'FINALIZE' | 'TRACK' | 'PAY' | 'WRITE_OFF' | 'VOID' | 'DONE';

/** How far an invoice has come on its way to Stripe. */
export interface SyncRow extends SyncProgress<SyncStep> {
  readonly invoiceId: string;
  readonly stripeInvoiceId: string | null;
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

interface Row extends ProgressColumns<SyncStep> {
  readonly invoice_id: string;
  readonly stripe_invoice_id: string | null;
  readonly remote_status: string | null;
  readonly void_requested: boolean;
  readonly pay_requested: boolean;
  readonly write_off_requested: boolean;
  readonly created_at: Instant;
}

const OWN = ['stripe_invoice_id', 'remote_status', 'void_requested', 'pay_requested', 'write_off_requested', 'created_at'];

/** SQL of the sync's state. Every change of a row's next attempt also moves the tenant's row in due_work, last in its transaction. */
@Injectable()
export class StripeSyncStore {
  private readonly rows = new SyncRows<Row>({ name: 'stripe_sync', id: 'invoice_id', own: OWN });

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
    return (await this.rows.byIds(tx, invoiceIds)).map(syncOfRow);
  }

  /** Invoices whose turn it is and that nobody works on. */
  async due(tx: TenantTransaction, now: Instant, limit: number): Promise<string[]> {
    return (await this.rows.due(tx, now, limit)).map((row) => row.invoice_id);
  }

  /** Null: it is not due, or another worker has it. */
  async lease(tx: TenantTransaction, invoiceId: string, lease: Lease, now: Instant): Promise<SyncRow | null> {
    const row = await this.rows.lease(tx, invoiceId, lease, now);
    return row && syncOfRow(row);
  }

  async save(tx: TenantTransaction, row: SyncRow, lease: Lease, now: Instant): Promise<SyncRow | null> {
    const own = { stripe_invoice_id: row.stripeInvoiceId, remote_status: row.remoteStatus };
    const saved = await this.rows.save(tx, { id: row.invoiceId, progress: row, own }, lease, now);
    return saved && syncOfRow(saved);
  }

  /** False when it has not failed. */
  restart(tx: TenantTransaction, invoiceId: string, now: Instant): Promise<boolean> {
    return this.rows.restart(tx, invoiceId, now);
  }

  /** False when the event is known, or its invoice is not ours. */
  keepEvent(tx: TenantTransaction, event: SyncEvent, now: Instant): Promise<boolean> {
    return this.rows.keepEvent(tx, event, now);
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
    ...progressOf(row),
    invoiceId: row.invoice_id,
    stripeInvoiceId: row.stripe_invoice_id,
    remoteStatus: row.remote_status,
    voidRequested: row.void_requested,
    payRequested: row.pay_requested,
    writeOffRequested: row.write_off_requested,
    createdAt: row.created_at,
  };
}
