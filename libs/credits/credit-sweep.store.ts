import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';

/** SQL of the sweep: whose wallets may have to be drawn, and how far it has looked. */
@Injectable()
export class CreditSweepStore {
  /** The commit up to which everybody was looked at; below zero: nobody was. */
  async seq(tx: TenantTransaction): Promise<number> {
    const [row] = await tx.query<{ seq: number }>('SELECT seq FROM credit_sweep WHERE tenant_id = $1', [tx.tenantId]);
    return row?.seq ?? -1;
  }

  async advance(tx: TenantTransaction, seq: number): Promise<void> {
    await tx.query(
      `INSERT INTO credit_sweep AS s (tenant_id, seq) VALUES ($1, $2)
       ON CONFLICT (tenant_id) DO UPDATE SET seq = greatest(s.seq, excluded.seq)`,
      [tx.tenantId, seq],
    );
  }

  /** Customers with a plan that has burn rates, at whatever time, by their number. */
  async burning(tx: TenantTransaction): Promise<Map<number, string>> {
    const rows = await tx.query<{ no: number; id: string }>(
      `SELECT DISTINCT c.no, c.id FROM plan_version v
       JOIN subscription_segment g ON g.tenant_id = v.tenant_id AND g.plan_version_id = v.id
       JOIN subscription s ON s.tenant_id = g.tenant_id AND s.id = g.subscription_id
       JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id
       WHERE v.tenant_id = $1 AND v.terms -> 'burnRates' <> '[]'::jsonb`,
      [tx.tenantId],
    );
    return new Map(rows.map(({ no, id }) => [no, id]));
  }
}
