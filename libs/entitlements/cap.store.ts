import { Injectable } from '@nestjs/common';
import { Decimal, type MeterFilter } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import type { Cap, CapEnforcement, CapKind, CapPeriod } from './cap.ts';

interface CapRow {
  readonly customer_id: string;
  readonly key: string;
  readonly kind: CapKind;
  readonly meter: string | null;
  readonly match: MeterFilter[];
  readonly maximum: string;
  readonly currency: string | null;
  readonly period: CapPeriod;
  readonly enforcement: CapEnforcement;
  readonly alert_at: number[] | null;
}

const COLUMNS = 'key, kind, meter, match, maximum, currency, period, enforcement, alert_at';

/** SQL of caps. */
@Injectable()
export class CapStore {
  /** By the id of their customer, each one's in the order of their keys. */
  async ofCustomers(tx: TenantTransaction, customerIds: readonly string[]): Promise<Map<string, Cap[]>> {
    const rows = await tx.query<CapRow>(
      `SELECT customer_id, ${COLUMNS} FROM customer_cap WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[]) ORDER BY customer_id, key`,
      [tx.tenantId, customerIds],
    );
    const caps = new Map<string, Cap[]>();
    for (const row of rows) {
      const own = caps.get(row.customer_id);
      if (own === undefined) caps.set(row.customer_id, [capOf(row)]);
      else own.push(capOf(row));
    }
    return caps;
  }

  async set(tx: TenantTransaction, customerId: string, cap: Cap): Promise<void> {
    await tx.query(
      `INSERT INTO customer_cap (tenant_id, customer_id, ${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       ON CONFLICT (tenant_id, customer_id, key) DO UPDATE SET kind = excluded.kind, meter = excluded.meter, match = excluded.match,
         maximum = excluded.maximum, currency = excluded.currency, period = excluded.period, enforcement = excluded.enforcement, alert_at = excluded.alert_at`,
      [
        tx.tenantId,
        customerId,
        cap.key,
        cap.kind,
        cap.meter,
        JSON.stringify(cap.match),
        cap.limit.toString(),
        cap.currency,
        cap.period,
        cap.enforcement,
        cap.alertAt,
      ],
    );
  }

  /** False where there is none with the key. */
  async remove(tx: TenantTransaction, customerId: string, key: string): Promise<boolean> {
    const rows = await tx.query('DELETE FROM customer_cap WHERE tenant_id = $1 AND customer_id = $2 AND key = $3 RETURNING key', [
      tx.tenantId,
      customerId,
      key,
    ]);
    return rows.length > 0;
  }
}

function capOf({ key, kind, meter, match, maximum, currency, period, enforcement, alert_at: alertAt }: CapRow): Cap {
  return { key, kind, meter, match, limit: Decimal.parse(maximum), currency, period, enforcement, alertAt };
}
