import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';

/** What is numbered, each in a series of its own. */
export type SeriesName = 'INVOICE' | 'CREDIT_NOTE';

/** Rows of invoice_series; the first was there before there was a second. */
const SERIES = { INVOICE: 'TARE', CREDIT_NOTE: 'CREDIT_NOTE' } as const satisfies Record<SeriesName, string>;
const PREFIX_COLUMN = { INVOICE: 'invoice_prefix', CREDIT_NOTE: 'credit_note_prefix' } as const satisfies Record<SeriesName, string>;
const NUMBER_DIGITS = 6;

/**
 * Numbers of a tenant, without gaps: taking some holds the series until the transaction ends, and one that is rolled back or killed has taken none. A new
 * prefix goes on counting, so that digits alone tell the order of finalization and no number is there twice.
 */
@Injectable()
export class NumberSeries {
  /** The next `count` numbers, in order. */
  async take(tx: TenantTransaction, series: SeriesName, count = 1): Promise<string[]> {
    if (count === 0) return [];
    const [row] = await tx.query<{ first: number; prefix: string | null }>(
      `INSERT INTO invoice_series AS s (tenant_id, series, next) VALUES ($1, $2, 1 + $3::int)
       ON CONFLICT (tenant_id, series) DO UPDATE SET next = s.next + $3::int
       RETURNING next - $3::int AS first, (SELECT ${PREFIX_COLUMN[series]} FROM tenant_settings WHERE tenant_id = $1) AS prefix`,
      [tx.tenantId, SERIES[series], count],
    );
    if (!row?.prefix) throw new Error(`tenant ${tx.tenantId} has no settings`);
    const { first, prefix } = row;
    return Array.from({ length: count }, (_, index) => `${prefix}-${String(first + index).padStart(NUMBER_DIGITS, '0')}`);
  }

  /**
   * The place that the next invoice will have. Read while the customer is held: all of its invoices of before stand before it, all of after at it or behind,
   * whatever the clocks say.
   */
  async nextPlace(tx: TenantTransaction): Promise<number> {
    const [row] = await tx.query<{ next: number }>('SELECT next FROM invoice_series WHERE tenant_id = $1 AND series = $2', [
      tx.tenantId,
      SERIES.INVOICE,
    ]);
    return row?.next ?? 1;
  }
}
