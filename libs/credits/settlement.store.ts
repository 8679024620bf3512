import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { periodKey, type PeriodKey } from './credit.store.ts';

/** What a closing, or a later rating of a closed period, found uncovered. */
export interface RecordedSettlement extends PeriodKey {
  readonly invoiceId: string | null;
  /** It rated the period again after it was closed. */
  readonly late: boolean;
  readonly uncovered: Decimal;
}

/** SQL of settlements: what invoices found in wallets, so that it is read back and never computed again. */
@Injectable()
export class SettlementStore {
  async record(tx: TenantTransaction, customerId: string, settlements: readonly RecordedSettlement[]): Promise<void> {
    if (settlements.length === 0) return;
    await tx.query(
      `INSERT INTO credit_settlement (tenant_id, id, customer_id, segment_id, period_start, invoice_id, late, uncovered)
       SELECT $1, row.id, $2, row.segment_id, row.period_start, row.invoice_id, row.late, row.uncovered
       FROM unnest($3::uuid[], $4::uuid[], $5::timestamptz[], $6::uuid[], $7::boolean[], $8::numeric[])
         AS row (id, segment_id, period_start, invoice_id, late, uncovered)`,
      [
        tx.tenantId,
        customerId,
        settlements.map(() => randomUUID()),
        settlements.map(({ segmentId }) => segmentId),
        settlements.map(({ periodStart }) => sqlInstant(periodStart)),
        settlements.map(({ invoiceId }) => invoiceId),
        settlements.map(({ late }) => late),
        settlements.map(({ uncovered }) => uncovered.toString()),
      ],
    );
  }

  /** What the invoice found, by period (`periodKey`). */
  async foundBy(tx: TenantTransaction, invoiceId: string): Promise<Map<string, Decimal>> {
    const rows = await tx.query<{ segment_id: string; period_start: Instant; uncovered: string }>(
      'SELECT segment_id, period_start, uncovered FROM credit_settlement WHERE tenant_id = $1 AND invoice_id = $2',
      [tx.tenantId, invoiceId],
    );
    return new Map(
      rows.map((row) => [periodKey({ segmentId: row.segment_id, periodStart: row.period_start }), Decimal.parse(row.uncovered)]),
    );
  }

  /** The periods that the invoice closed; from now on they count as voided. */
  async void(tx: TenantTransaction, invoiceId: string, at: Instant): Promise<PeriodKey[]> {
    const rows = await tx.query<{ segment_id: string; period_start: Instant; late: boolean }>(
      'UPDATE credit_settlement SET voided_at = $3 WHERE tenant_id = $1 AND invoice_id = $2 AND voided_at IS NULL RETURNING segment_id, period_start, late',
      [tx.tenantId, invoiceId, sqlInstant(at)],
    );
    return rows.filter(({ late }) => !late).map((row) => ({ segmentId: row.segment_id, periodStart: row.period_start }));
  }

  /** Which of the periods stand voided: closed once, and every closing of them taken back. */
  async voided(tx: TenantTransaction, parts: readonly PeriodKey[]): Promise<Set<string>> {
    if (parts.length === 0) return new Set();
    const rows = await tx.query<{ segment_id: string; period_start: Instant }>(
      `SELECT s.segment_id, s.period_start FROM credit_settlement s
       JOIN unnest($2::uuid[], $3::timestamptz[]) AS part (segment_id, period_start) ON s.segment_id = part.segment_id AND s.period_start = part.period_start
       WHERE s.tenant_id = $1 AND NOT s.late GROUP BY 1, 2 HAVING every(s.voided_at IS NOT NULL)`,
      [tx.tenantId, parts.map(({ segmentId }) => segmentId), parts.map(({ periodStart }) => sqlInstant(periodStart))],
    );
    return new Set(rows.map((row) => periodKey({ segmentId: row.segment_id, periodStart: row.period_start })));
  }
}
