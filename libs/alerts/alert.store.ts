import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

/** What somebody should look at. `kind` and `subject` together tell one problem from another. */
export interface NewAlert {
  /** A code, such as `FAIR_USE_EXCEEDED`. */
  readonly kind: string;
  /** What it is about, such as the id of an invoice. */
  readonly subject: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Alert extends NewAlert {
  readonly id: string;
  readonly raisedAt: Instant;
}

interface AlertRow {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
  readonly detail: Record<string, unknown>;
  readonly raised_at: Instant;
}

/** SQL of alerts. */
@Injectable()
export class AlertStore {
  /** One problem at a time, whatever many see it at once. */
  async lock(tx: TenantTransaction, kind: string, subject: string): Promise<void> {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [JSON.stringify(['alert', tx.tenantId, kind, subject])]);
  }

  /** False when the problem has no open alert. */
  async refresh(tx: TenantTransaction, { kind, subject, message, detail }: NewAlert): Promise<boolean> {
    const rows = await tx.query(
      `UPDATE alert SET message = $4, detail = $5 WHERE tenant_id = $1 AND kind = $2 AND subject = $3 AND resolved_at IS NULL RETURNING id`,
      [tx.tenantId, kind, subject, message, JSON.stringify(detail)],
    );
    return rows.length > 0;
  }

  async insert(tx: TenantTransaction, { kind, subject, message, detail }: NewAlert): Promise<void> {
    await tx.query('INSERT INTO alert (tenant_id, id, kind, subject, message, detail) VALUES ($1, $2, $3, $4, $5, $6)', [
      tx.tenantId,
      randomUUID(),
      kind,
      subject,
      message,
      JSON.stringify(detail),
    ]);
  }

  async resolve(tx: TenantTransaction, kind: string, subject: string): Promise<void> {
    await tx.query('UPDATE alert SET resolved_at = now() WHERE tenant_id = $1 AND kind = $2 AND subject = $3 AND resolved_at IS NULL', [
      tx.tenantId,
      kind,
      subject,
    ]);
  }

  /** Newest first; `kind` null: of all kinds. */
  async open(tx: TenantTransaction, kind: string | null = null): Promise<Alert[]> {
    const rows = await tx.query<AlertRow>(
      `SELECT id, kind, subject, message, detail, raised_at FROM alert
       WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2) AND resolved_at IS NULL ORDER BY raised_at DESC, id`,
      [tx.tenantId, kind],
    );
    return rows.map(({ raised_at: raisedAt, ...alert }) => ({ ...alert, raisedAt }));
  }
}
