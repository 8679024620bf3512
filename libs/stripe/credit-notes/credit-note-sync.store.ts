import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { refreshDueWork, wakeWaitingCreditNotes } from '../due-work.store.ts';
import { progressOf, SyncRows, type Lease, type ProgressColumns, type SyncEvent, type SyncProgress } from '../sync-rows.store.ts';

export type CreditNoteStep = 'CREATE' | 'VERIFY' | 'TRACK' | 'DONE';

/** How far a credit note has come on its way to Stripe. */
export interface CreditNoteSyncRow extends SyncProgress<CreditNoteStep> {
  readonly creditNoteId: string;
  readonly invoiceId: string;
  readonly stripeCreditNoteId: string | null;
  /** What it waits for or has stopped at; null: nothing is wrong, or it just tries again. */
  readonly errorCode: string | null;
}

interface Row extends ProgressColumns<CreditNoteStep> {
  readonly credit_note_id: string;
  readonly invoice_id: string;
  readonly stripe_credit_note_id: string | null;
  readonly error_code: string | null;
}

const OWN = ['invoice_id', 'stripe_credit_note_id', 'error_code'];

/** SQL of the sync of credit notes: like that of invoices. Every change of a row's next attempt also moves the tenant's row in due_work, last in its transaction. */
@Injectable()
export class CreditNoteSyncStore {
  private readonly rows = new SyncRows<Row>({ name: 'stripe_credit_note_sync', id: 'credit_note_id', own: OWN });

  /** Makes sync rows of what billing announced, each announcement once. Answers how many there were. */
  async takeOutbox(tx: TenantTransaction, now: Instant): Promise<number> {
    const rows = await tx.query(
      `WITH taken AS (
         UPDATE credit_note_outbox SET taken_at = $2
         WHERE tenant_id = $1 AND credit_note_id IN (
           SELECT credit_note_id FROM credit_note_outbox WHERE tenant_id = $1 AND taken_at IS NULL ORDER BY created_at FOR UPDATE SKIP LOCKED)
         RETURNING credit_note_id)
       INSERT INTO stripe_credit_note_sync (tenant_id, credit_note_id, invoice_id, step, state, next_attempt_at)
       SELECT $1, n.id, n.invoice_id, 'CREATE', 'SYNCING', $2 FROM taken t JOIN credit_note n ON n.tenant_id = $1 AND n.id = t.credit_note_id
       ORDER BY n.id ON CONFLICT DO NOTHING RETURNING 1`,
      [tx.tenantId, sqlInstant(now)],
    );
    if (rows.length > 0) await refreshDueWork(tx);
    return rows.length;
  }

  async byCreditNotes(tx: TenantTransaction, ids: readonly string[]): Promise<CreditNoteSyncRow[]> {
    return (await this.rows.byIds(tx, ids)).map(syncOfRow);
  }

  /** Credit notes whose turn it is and that nobody works on. */
  async due(tx: TenantTransaction, now: Instant, limit: number): Promise<string[]> {
    return (await this.rows.due(tx, now, limit)).map((row) => row.credit_note_id);
  }

  /** Null: it is not due, or another worker has it. */
  async lease(tx: TenantTransaction, creditNoteId: string, lease: Lease, now: Instant): Promise<CreditNoteSyncRow | null> {
    const row = await this.rows.lease(tx, creditNoteId, lease, now);
    return row && syncOfRow(row);
  }

  async save(tx: TenantTransaction, row: CreditNoteSyncRow, lease: Lease, now: Instant): Promise<CreditNoteSyncRow | null> {
    const own = { stripe_credit_note_id: row.stripeCreditNoteId, error_code: row.errorCode };
    const saved = await this.rows.save(tx, { id: row.creditNoteId, progress: row, own }, lease, now);
    return saved && syncOfRow(saved);
  }

  /** An event, or its invoice's arrival at Stripe, that came while a worker had the row asks for another turn. */
  async released(tx: TenantTransaction, { creditNoteId, invoiceId }: CreditNoteSyncRow, now: Instant): Promise<void> {
    await tx.query(
      `UPDATE stripe_credit_note_sync s SET next_attempt_at = $3
       WHERE tenant_id = $1 AND credit_note_id = $2 AND step = 'TRACK'
         AND EXISTS (SELECT 1 FROM stripe_event e WHERE e.tenant_id = $1 AND e.object_id = s.stripe_credit_note_id AND e.applied_at IS NULL)`,
      [tx.tenantId, creditNoteId, sqlInstant(now)],
    );
    await wakeWaitingCreditNotes(tx, invoiceId, now);
    await refreshDueWork(tx);
  }

  /** False when it has not failed. */
  restart(tx: TenantTransaction, creditNoteId: string, now: Instant): Promise<boolean> {
    return this.rows.restart(tx, creditNoteId, now);
  }

  /** Keeps a webhook's event, once, and has the credit note looked at; answers whether it is new and of a credit note of ours. */
  async takeEvent(tx: TenantTransaction, event: SyncEvent, now: Instant): Promise<boolean> {
    if (!(await this.rows.keepEvent(tx, event, now))) return false;
    await tx.query(
      `UPDATE stripe_credit_note_sync SET next_attempt_at = $3 WHERE tenant_id = $1 AND credit_note_id = $2 AND step = 'TRACK' AND state <> 'FAILED'`,
      [tx.tenantId, event.about, sqlInstant(now)],
    );
    await refreshDueWork(tx);
    return true;
  }
}

function syncOfRow(row: Row): CreditNoteSyncRow {
  return {
    ...progressOf(row),
    creditNoteId: row.credit_note_id,
    invoiceId: row.invoice_id,
    stripeCreditNoteId: row.stripe_credit_note_id,
    errorCode: row.error_code,
  };
}
