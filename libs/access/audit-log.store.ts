import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

/** What somebody did: `actor` is the id of the key, `subject` what it was done to. Never a secret in `detail`. */
export interface AuditRecord {
  readonly actor: string;
  /** A noun and a verb: `api_key.revoke`. */
  readonly action: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Writes down who changed what, in the transaction of the change: one does not happen without the other. Rows are only ever added. */
@Injectable()
export class AuditLog {
  async record(tx: TenantTransaction, { actor, action, subject, detail }: AuditRecord): Promise<void> {
    await tx.query('INSERT INTO audit_entry (tenant_id, id, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)', [
      tx.tenantId,
      randomUUID(),
      actor,
      action,
      subject,
      JSON.stringify(detail),
    ]);
  }
}
