import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { refreshDueWork, UNDER_WAY, wakeWaitingCreditNotes } from '../due-work.store.ts';
import type { StoredRequest } from '../remote-call.ts';
import type { Lease, SyncState } from '../stripe-sync.store.ts';

export type CreditNoteStep = 'CREATE' | 'VERIFY' | 'TRACK' | 'DONE';

/** How far a credit note has come on its way to Stripe. */
export interface CreditNoteSyncRow {
  readonly creditNoteId: string;
  readonly invoiceId: string;
  readonly step: CreditNoteStep;
  readonly state: SyncState;
  readonly generation: number;
  readonly stripeCreditNoteId: string | null;
  readonly request: StoredRequest | null;
  /** Failed attempts at the step; of TRACK: looks at it. */
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
  /** What it waits for or has stopped at; null: nothing is wrong, or it just tries again. */
  readonly errorCode: string | null;
  readonly lastError: string | null;
}

interface Row {
  readonly credit_note_id: string;
  readonly invoice_id: string;
  readonly step: CreditNoteStep;
  readonly state: SyncState;
  readonly generation: number;
  readonly stripe_credit_note_id: string | null;
  readonly request: StoredRequest | null;
  readonly attempts: number;
  readonly next_attempt_at: Instant;
  readonly error_code: string | null;
  readonly last_error: string | null;
}

const COLUMNS = `credit_note_id, invoice_id, step, state, generation, stripe_credit_note_id, request, attempts, next_attempt_at, error_code, last_error`;

/** SQL of the sync of credit notes: like that of invoices. Every change of a row's next attempt also moves the tenant's row in due_work, last in its transaction. */
@Injectable()
export class CreditNoteSyncStore {
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
    const rows = await tx.query<Row>(
      `SELECT ${COLUMNS} FROM stripe_credit_note_sync WHERE tenant_id = $1 AND credit_note_id = ANY ($2::uuid[])`,
      [tx.tenantId, ids],
    );
    return rows.map(syncOfRow);
  }

  /** Credit notes whose turn it is and that nobody works on, each with its invoice. */
  async due(tx: TenantTransaction, now: Instant, limit: number): Promise<{ creditNoteId: string; invoiceId: string }[]> {
    const rows = await tx.query<{ credit_note_id: string; invoice_id: string }>(
      `SELECT credit_note_id, invoice_id FROM stripe_credit_note_sync
       WHERE tenant_id = $1 AND ${UNDER_WAY} AND next_attempt_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
       ORDER BY next_attempt_at, credit_note_id LIMIT $3`,
      [tx.tenantId, sqlInstant(now), limit],
    );
    return rows.map((row) => ({ creditNoteId: row.credit_note_id, invoiceId: row.invoice_id }));
  }

  /** Takes the row, if it is due and free (or its worker's lease has run out): compare-and-set in one statement. */
  async lease(tx: TenantTransaction, creditNoteId: string, lease: Lease, now: Instant): Promise<CreditNoteSyncRow | null> {
    const [row] = await tx.query<Row>(
      `UPDATE stripe_credit_note_sync SET lease_owner = $3, lease_until = $4, updated_at = $5
       WHERE tenant_id = $1 AND credit_note_id = $2 AND ${UNDER_WAY} AND next_attempt_at <= $5 AND (lease_until IS NULL OR lease_until <= $5)
       RETURNING ${COLUMNS}`,
      [tx.tenantId, creditNoteId, lease.owner, sqlInstantOrNull(lease.until), sqlInstant(now)],
    );
    return row ? syncOfRow(row) : null;
  }

  /** Saves for the owner of the lease only, and prolongs it. Null: it has lost the row. */
  async save(tx: TenantTransaction, row: CreditNoteSyncRow, lease: Lease, now: Instant): Promise<CreditNoteSyncRow | null> {
    const [saved] = await tx.query<Row>(
      `UPDATE stripe_credit_note_sync SET step = $4, state = $5, generation = $6, stripe_credit_note_id = $7, request = $8, attempts = $9,
         next_attempt_at = $10, error_code = $11, last_error = $12, lease_until = $13,
         lease_owner = CASE WHEN $13::timestamptz IS NULL THEN NULL ELSE $3 END, updated_at = $14
       WHERE tenant_id = $1 AND credit_note_id = $2 AND lease_owner = $3
       RETURNING ${COLUMNS}`,
      [
        ...[tx.tenantId, row.creditNoteId, lease.owner, row.step, row.state, row.generation, row.stripeCreditNoteId],
        ...[row.request && JSON.stringify(row.request), row.attempts, sqlInstant(row.nextAttemptAt), row.errorCode, row.lastError],
        ...[sqlInstantOrNull(lease.until), sqlInstant(now)],
      ],
    );
    return saved ? syncOfRow(saved) : null;
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

  /** A failed sync starts again at the step where it stopped. False when it has not failed. */
  async restart(tx: TenantTransaction, creditNoteId: string, now: Instant): Promise<boolean> {
    const rows = await tx.query(
      `UPDATE stripe_credit_note_sync SET state = 'SYNCING', attempts = 0, next_attempt_at = $3
       WHERE tenant_id = $1 AND credit_note_id = $2 AND state = 'FAILED' RETURNING 1`,
      [tx.tenantId, creditNoteId, sqlInstant(now)],
    );
    if (rows.length > 0) await refreshDueWork(tx);
    return rows.length > 0;
  }

  /** Keeps a webhook's event, once, and has the credit note looked at; answers whether it is new. Those of credit notes that we do not sync are not kept. */
  async takeEvent(
    tx: TenantTransaction,
    event: { id: string; type: string; objectId: string; creditNoteId: string },
    now: Instant,
  ): Promise<boolean> {
    const rows = await tx.query(
      `INSERT INTO stripe_event (tenant_id, event_id, type, object_id, received_at)
       SELECT $1, $2, $3, $4, $6 WHERE EXISTS (SELECT 1 FROM stripe_credit_note_sync WHERE tenant_id = $1 AND credit_note_id = $5)
       ON CONFLICT DO NOTHING RETURNING 1`,
      [tx.tenantId, event.id, event.type, event.objectId, event.creditNoteId, sqlInstant(now)],
    );
    if (rows.length === 0) return false;
    await tx.query(
      `UPDATE stripe_credit_note_sync SET next_attempt_at = $3 WHERE tenant_id = $1 AND credit_note_id = $2 AND step = 'TRACK' AND state <> 'FAILED'`,
      [tx.tenantId, event.creditNoteId, sqlInstant(now)],
    );
    await refreshDueWork(tx);
    return true;
  }
}

function syncOfRow(row: Row): CreditNoteSyncRow {
  return {
    creditNoteId: row.credit_note_id,
    invoiceId: row.invoice_id,
    step: row.step,
    state: row.state,
    generation: row.generation,
    stripeCreditNoteId: row.stripe_credit_note_id,
    request: row.request,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    errorCode: row.error_code,
    lastError: row.last_error,
  };
}
