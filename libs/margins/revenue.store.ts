import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { CreditRevenue, Instant, LineKind, RevenueLine, UncoveredUse } from '@tare/core';
import { periodKey } from '@tare/credits';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import type { MarginSpan } from './margin-request.ts';

/** A line of an issued invoice, with whose it is. */
export interface IssuedLine extends RevenueLine {
  readonly invoiceId: string;
  readonly customerId: string;
  readonly segmentId: string;
}

export interface CustomerCreditRevenue extends CreditRevenue {
  readonly customerId: string;
  /** Name of the service period whose usage burnt it (`periodKey`); null: no usage did. */
  readonly period: string | null;
}

/** Uncovered credits of a service period that was closed. */
export interface PeriodUncovered extends UncoveredUse {
  readonly segmentId: string;
  readonly periodStart: Instant;
}

interface LineRow {
  readonly invoice_id: string;
  readonly customer_id: string;
  readonly subscription_id: string;
  readonly currency: string;
  readonly finalized_at: Instant;
  readonly voided_at: Instant | null;
  readonly segment_id: string;
  readonly kind: LineKind;
  readonly price_key: string | null;
  readonly price_group: string | null;
  readonly amount: string;
  readonly exact_amount: string;
  readonly discount: string;
  readonly period_start: Instant;
  readonly period_end: Instant;
  readonly credits: string;
  readonly adjusts_kind: LineKind | null;
}

interface CreditRow {
  readonly customer_id: string;
  readonly account: 'BURNT' | 'EXPIRED';
  readonly at: Instant;
  readonly revenue: string;
  readonly currency: string;
  readonly subscription_id: string | null;
  readonly dimension_key: string | null;
  readonly segment_id: string | null;
  readonly period_start: Instant | null;
}

interface UncoveredRow {
  readonly segment_id: string;
  readonly start_at: Instant;
  readonly at: Instant;
  readonly dimension_key: string | null;
  readonly credits: string;
}

/** SQL that reads what has been billed and burnt, for many customers at once. Nothing is written. */
@Injectable()
export class RevenueStore {
  /**
   * Lines of issued invoices that earn something in the span: those of service periods that meet it, and corrections and voids that happened in it.
   * `correctedUpTo`: without corrections that were finalized later; null: with all of them.
   */
  async issuedLines(
    tx: TenantTransaction,
    customerIds: readonly string[],
    { from, to }: MarginSpan,
    correctedUpTo: Instant | null,
  ): Promise<IssuedLine[]> {
    const rows = await tx.query<LineRow>(
      `SELECT i.id AS invoice_id, i.customer_id, i.subscription_id, i.currency, i.finalized_at, i.voided_at, l.segment_id, l.kind, l.price_key, l.price_group, l.amount, l.exact_amount, l.discount,
         l.period_start, l.period_end, coalesce(l.detail ->> 'credits', '0') AS credits, l.detail ->> 'adjustsKind' AS adjusts_kind
       FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
       WHERE i.tenant_id = $1 AND i.customer_id = ANY ($2::uuid[]) AND i.finalized_at IS NOT NULL AND i.subscription_id IS NOT NULL
         AND (l.kind <> 'DELTA' OR $5::timestamptz IS NULL OR i.finalized_at <= $5::timestamptz)
         AND ((l.period_start < $4 AND l.period_end > $3) OR (l.kind = 'DELTA' AND i.finalized_at >= $3 AND i.finalized_at < $4)
           OR (i.voided_at >= $3 AND i.voided_at < $4))
       ORDER BY i.finalized_at, i.number, l.position`,
      [tx.tenantId, customerIds, sqlInstant(from), sqlInstant(to), correctedUpTo === null ? null : sqlInstant(correctedUpTo)],
    );
    return rows.map(lineOfRow);
  }

  /**
   * What credit notes of the span took back, as corrections of the lines that they credit: earned less on the day of the note (SEMANTICS 10.1). Those of
   * credits that were bought took back no revenue. `knownAt`: without later ones; null: with all of them.
   */
  async creditNoteLines(
    tx: TenantTransaction,
    customerIds: readonly string[],
    { from, to }: MarginSpan,
    knownAt: Instant | null,
  ): Promise<IssuedLine[]> {
    const rows = await tx.query<LineRow>(
      `SELECT i.id AS invoice_id, i.customer_id, i.subscription_id, i.currency, n.finalized_at, NULL AS voided_at, l.segment_id, 'DELTA' AS kind, l.price_key,
         l.price_group, -c.amount AS amount, -c.amount AS exact_amount, '0' AS discount, l.period_start, l.period_end, '0' AS credits, l.kind AS adjusts_kind
       FROM credit_note n JOIN credit_note_line c ON c.tenant_id = n.tenant_id AND c.credit_note_id = n.id
       JOIN invoice_line l ON l.tenant_id = n.tenant_id AND l.id = c.invoice_line_id JOIN invoice i ON i.tenant_id = n.tenant_id AND i.id = n.invoice_id
       WHERE n.tenant_id = $1 AND n.customer_id = ANY ($2::uuid[]) AND n.finalized_at >= $3 AND n.finalized_at < $4
         AND ($5::timestamptz IS NULL OR n.finalized_at <= $5::timestamptz) AND i.subscription_id IS NOT NULL AND coalesce(l.detail ->> 'credits', '0')::numeric = 0
       ORDER BY n.finalized_at, n.number, c.position`,
      [tx.tenantId, customerIds, sqlInstant(from), sqlInstant(to), knownAt === null ? null : sqlInstant(knownAt)],
    );
    return rows.map(lineOfRow);
  }

  /** What burnt and expired credits earned in the span. */
  async creditRevenue(tx: TenantTransaction, customerIds: readonly string[], { from, to }: MarginSpan): Promise<CustomerCreditRevenue[]> {
    const rows = await tx.query<CreditRow>(
      `SELECT p.customer_id, p.account, p.at, p.revenue, g.price_currency AS currency,
         coalesce(p.subscription_id, g.subscription_id) AS subscription_id, p.dimension_key, p.segment_id, p.period_start
       FROM credit_posting p JOIN credit_grant g ON g.tenant_id = p.tenant_id AND g.id = p.grant_id
       WHERE p.tenant_id = $1 AND p.customer_id = ANY ($2::uuid[]) AND p.account IN ('BURNT', 'EXPIRED') AND p.revenue <> 0
         AND p.at >= $3 AND p.at < $4 AND g.price_currency IS NOT NULL
       ORDER BY p.at, p.no`,
      [tx.tenantId, customerIds, sqlInstant(from), sqlInstant(to)],
    );
    return rows.map((row) => ({
      customerId: row.customer_id,
      period: usagePeriodOf(row),
      kind: row.account === 'BURNT' ? 'CREDIT_BURN' : 'BREAKAGE',
      at: row.at,
      amount: Decimal.parse(row.revenue),
      currency: row.currency,
      subscriptionId: row.subscription_id,
      dimensionKey: row.dimension_key,
    }));
  }

  /** Credits that nothing covered in closed service periods that meet the span: they say when overage was earned. */
  async uncovered(tx: TenantTransaction, customerIds: readonly string[], { from, to }: MarginSpan): Promise<PeriodUncovered[]> {
    const rows = await tx.query<UncoveredRow>(
      `SELECT b.segment_id, b.start_at, p.at, p.dimension_key, sum(p.credits) AS credits
       FROM credit_posting p JOIN billing_period b ON b.tenant_id = p.tenant_id AND b.segment_id = p.segment_id AND b.start_at = p.period_start
       WHERE p.tenant_id = $1 AND p.customer_id = ANY ($2::uuid[]) AND p.account = 'BURNT' AND p.grant_id IS NULL AND b.closed_at IS NOT NULL AND b.start_at < $4 AND b.end_at > $3
         AND EXISTS (SELECT 1 FROM credit_posting o WHERE o.tenant_id = p.tenant_id AND o.transaction_id = p.transaction_id AND o.account = 'UNCOVERED')
       GROUP BY b.segment_id, b.start_at, p.at, p.dimension_key ORDER BY p.at, p.dimension_key`,
      [tx.tenantId, customerIds, sqlInstant(from), sqlInstant(to)],
    );
    return rows.map((row) => ({
      segmentId: row.segment_id,
      periodStart: row.start_at,
      at: row.at,
      dimensionKey: row.dimension_key ?? '',
      credits: Decimal.parse(row.credits),
    }));
  }

  /** What a wallet owed just before an instant. */
  async debtBefore(tx: TenantTransaction, customerId: string, at: Instant): Promise<Decimal> {
    const [row] = await tx.query<{ debt: string }>(
      `SELECT coalesce(-sum(credits), 0) AS debt FROM credit_posting WHERE tenant_id = $1 AND customer_id = $2 AND account = 'DEBT' AND at < $3`,
      [tx.tenantId, customerId, sqlInstant(at)],
    );
    return Decimal.parse(row?.debt ?? '0');
  }

  /** The tenant's own keys, by the numbers that stand for them. */
  async customerKeys(tx: TenantTransaction, numbers: readonly number[]): Promise<Map<number, string>> {
    const rows = await tx.query<{ no: number; key: string }>(
      'SELECT no, key FROM customer_key WHERE tenant_id = $1 AND no = ANY ($2::int[])',
      [tx.tenantId, numbers],
    );
    return new Map(rows.map(({ no, key }) => [no, key]));
  }
}

function usagePeriodOf({ segment_id: segmentId, period_start: periodStart, dimension_key: key }: CreditRow): string | null {
  return segmentId === null || periodStart === null || key === null ? null : periodKey({ segmentId, periodStart });
}

function lineOfRow(row: LineRow): IssuedLine {
  return {
    invoiceId: row.invoice_id,
    customerId: row.customer_id,
    subscriptionId: row.subscription_id,
    segmentId: row.segment_id,
    currency: row.currency,
    kind: row.kind,
    priceKey: row.price_key,
    group: row.price_group,
    amount: Decimal.parse(row.amount),
    exactAmount: Decimal.parse(row.exact_amount),
    discount: Decimal.parse(row.discount),
    period: { start: row.period_start, end: row.period_end },
    credits: Decimal.parse(row.credits),
    adjustsKind: row.adjusts_kind,
    isBilled: true,
    finalizedAt: row.finalized_at,
    voidedAt: row.voided_at,
  };
}
