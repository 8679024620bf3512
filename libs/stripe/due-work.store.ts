import type { Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';

/** Rows of a sync that somebody still has to do something about. */
export const UNDER_WAY = `state <> 'FAILED' AND step <> 'DONE'`;

/** The code of a credit note that waits for its invoice. */
export const WAITS_FOR_INVOICE = 'INVOICE_NOT_SYNCED';

/** Credit notes that wait for an invoice go on when it is at Stripe. The caller refreshes the due work. */
export async function wakeWaitingCreditNotes(tx: TenantTransaction, invoiceId: string, now: Instant): Promise<void> {
  await tx.query(
    `UPDATE stripe_credit_note_sync n SET next_attempt_at = $3
     WHERE n.tenant_id = $1 AND n.invoice_id = $2 AND n.state = 'SYNCING' AND n.error_code = '${WAITS_FOR_INVOICE}'
       AND EXISTS (SELECT 1 FROM stripe_sync s WHERE s.tenant_id = $1 AND s.invoice_id = $2 AND s.step IN ('TRACK', 'DONE'))`,
    [tx.tenantId, invoiceId, sqlInstant(now)],
  );
}

/** Whether credit notes that lower what an invoice asks for have still to be sent. One that has stopped keeps nothing waiting. */
export async function unsentCreditNotes(tx: TenantTransaction, invoiceId: string): Promise<boolean> {
  const rows = await tx.query(
    `SELECT 1 FROM credit_note n LEFT JOIN stripe_credit_note_sync s ON s.tenant_id = n.tenant_id AND s.credit_note_id = n.id
     WHERE n.tenant_id = $1 AND n.invoice_id = $2 AND n.off_invoice > 0
       AND (s.credit_note_id IS NULL OR (s.step = 'CREATE' AND s.state = 'SYNCING')) LIMIT 1`,
    [tx.tenantId, invoiceId],
  );
  return rows.length > 0;
}

/** When the sweep has to look at this tenant. The row is locked first, so that the second statement sees what others committed meanwhile. */
export async function refreshDueWork(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `INSERT INTO due_work (tenant_id, kind, due_at) VALUES ($1, 'stripe', now())
     ON CONFLICT (tenant_id, kind) DO UPDATE SET due_at = due_work.due_at`,
    [tx.tenantId],
  );
  await tx.query(
    `WITH next AS (SELECT least(
         (SELECT min(next_attempt_at) FROM stripe_sync WHERE tenant_id = $1 AND ${UNDER_WAY}),
         (SELECT min(next_attempt_at) FROM stripe_credit_note_sync WHERE tenant_id = $1 AND ${UNDER_WAY})) AS at),
       idle AS (DELETE FROM due_work USING next WHERE tenant_id = $1 AND kind = 'stripe' AND next.at IS NULL)
     UPDATE due_work SET due_at = next.at FROM next WHERE tenant_id = $1 AND kind = 'stripe' AND next.at IS NOT NULL`,
    [tx.tenantId],
  );
}
