import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

/** A service period that billing has opened, and once closed what its invoice has seen. */
export interface BillingPeriod {
  readonly id: string;
  readonly subscriptionId: string;
  readonly segmentId: string;
  readonly index: number;
  readonly start: Instant;
  readonly end: Instant;
  readonly closedAt: Instant | null;
  /** The last commit of usage that its invoice has seen. */
  readonly seenSeq: number | null;
  /** The billing instant that closed it. */
  readonly billedAt: Instant | null;
  /** Null while it is open, and where nothing was to be invoiced. */
  readonly invoiceId: string | null;
}

interface PeriodRow {
  readonly id: string;
  readonly subscription_id: string;
  readonly segment_id: string;
  readonly index: number;
  readonly start_at: Instant;
  readonly end_at: Instant;
  readonly closed_at: Instant | null;
  readonly seen_seq: number | null;
  readonly billed_at: Instant | null;
  readonly invoice_id: string | null;
}

/** How far a subscription has been billed. */
export interface Progress {
  readonly subscriptionId: string;
  /** Segment and start of periods that are open. */
  readonly open: readonly { readonly segmentId: string; readonly start: Instant }[];
  /** End of the last closed period; null before the first. */
  readonly closedUntil: Instant | null;
}

const COLUMNS = 'p.id, p.subscription_id, p.segment_id, p.index, p.start_at, p.end_at, p.closed_at, p.seen_seq, p.billed_at, p.invoice_id';

/**
 * Whether usage of a closed period came after commit `seq`; a cell may begin up to a slot before a boundary that was not cut into it. A scalar subquery in
 * the order of the table's key, rather than EXISTS: it stays one look into the customer's cells of the period, where a join planned on statistics from
 * before a large import reads all usage of the tenant.
 */
const hasUsageAfter = (seq: string): string => `coalesce((SELECT true FROM usage_bucket b
  WHERE b.tenant_id = p.tenant_id AND b.customer_no = (SELECT c.no FROM subscription s JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id
      WHERE s.tenant_id = p.tenant_id AND s.id = p.subscription_id)
    AND b.from_at > p.start_at - interval '15 minutes' AND b.from_at < p.end_at AND b.seq > ${seq} AND b.seq <= $3
  ORDER BY b.tenant_id, b.customer_no, b.from_at, b.dimension_no, b.seq LIMIT 1), false)`;
const IS_LIVE = `(p.invoice_id IS NULL OR EXISTS (SELECT 1 FROM invoice i WHERE i.tenant_id = p.tenant_id AND i.id = p.invoice_id AND i.status <> 'VOID'))`;

/** SQL of service periods: what billing has opened and closed. */
@Injectable()
export class BillingPeriodStore {
  /** Holds the subscription until the transaction ends: one billing step at a time (SEMANTICS 8.5). */
  async lockSubscription(tx: TenantTransaction, subscriptionId: string): Promise<void> {
    await tx.query('SELECT 1 FROM subscription WHERE tenant_id = $1 AND id = $2 FOR UPDATE', [tx.tenantId, subscriptionId]);
  }

  async ofSubscription(tx: TenantTransaction, subscriptionId: string): Promise<BillingPeriod[]> {
    const rows = await tx.query<PeriodRow>(
      `SELECT ${COLUMNS} FROM billing_period p WHERE p.tenant_id = $1 AND p.subscription_id = $2 ORDER BY p.start_at`,
      [tx.tenantId, subscriptionId],
    );
    return rows.map(periodOfRow);
  }

  /** Whether billing has gone past the instant: a period begins at or after it, or one that ends after it is closed. */
  async isPast(tx: TenantTransaction, subscriptionId: string, at: Instant): Promise<boolean> {
    const rows = await tx.query(
      `SELECT 1 FROM billing_period WHERE tenant_id = $1 AND subscription_id = $2 AND (start_at >= $3 OR (end_at > $3 AND closed_at IS NOT NULL)) LIMIT 1`,
      [tx.tenantId, subscriptionId, sqlInstant(at)],
    );
    return rows.length > 0;
  }

  async progress(tx: TenantTransaction, subscriptionIds: readonly string[]): Promise<Map<string, Progress>> {
    const rows = await tx.query<{
      subscription_id: string;
      open: { segmentId: string; start: string }[] | null;
      closed_until: Instant | null;
    }>(
      `SELECT subscription_id, max(end_at) FILTER (WHERE closed_at IS NOT NULL) AS closed_until,
         json_agg(json_build_object('segmentId', segment_id, 'start', (extract(epoch FROM start_at) * 1000000)::bigint::text)) FILTER (WHERE closed_at IS NULL) AS open
       FROM billing_period WHERE tenant_id = $1 AND subscription_id = ANY ($2::uuid[]) GROUP BY subscription_id`,
      [tx.tenantId, subscriptionIds],
    );
    return new Map(
      rows.map(({ subscription_id: subscriptionId, open, closed_until: closedUntil }) => {
        const openPeriods = (open ?? []).map(({ segmentId, start }) => ({ segmentId, start: Number(start) }));
        return [subscriptionId, { subscriptionId, closedUntil, open: openPeriods }];
      }),
    );
  }

  /** Closed periods of the subscription into which usage or corrections came after what has been rated, up to commit `upToSeq` (SEMANTICS 8.3). */
  async late(tx: TenantTransaction, subscriptionId: string, upToSeq: number): Promise<BillingPeriod[]> {
    const rows = await tx.query<PeriodRow>(
      `SELECT ${COLUMNS} FROM billing_period p
       WHERE p.tenant_id = $1 AND p.subscription_id = $2 AND p.closed_at IS NOT NULL AND ${IS_LIVE} AND ${hasUsageAfter('p.rated_seq')} ORDER BY p.start_at`,
      [tx.tenantId, subscriptionId, upToSeq],
    );
    return rows.map(periodOfRow);
  }

  /** The same as an invoice with this `seenSeq` found it: everything that came after a period's own invoice. Corrections since are among what was billed. */
  async lateAsOf(tx: TenantTransaction, subscriptionId: string, seenSeq: number): Promise<BillingPeriod[]> {
    const rows = await tx.query<PeriodRow>(
      `SELECT ${COLUMNS} FROM billing_period p
       WHERE p.tenant_id = $1 AND p.subscription_id = $2 AND p.seen_seq < $3 AND ${hasUsageAfter('p.seen_seq')} ORDER BY p.start_at`,
      [tx.tenantId, subscriptionId, seenSeq],
    );
    return rows.map(periodOfRow);
  }

  /** Which of the subscriptions have late usage in closed periods and nothing open any more. */
  async endedWithLateUsage(tx: TenantTransaction, subscriptionIds: readonly string[], upToSeq: number): Promise<string[]> {
    const rows = await tx.query<{ subscription_id: string }>(
      `SELECT DISTINCT p.subscription_id FROM billing_period p
       WHERE p.tenant_id = $1 AND p.subscription_id = ANY ($2::uuid[]) AND p.closed_at IS NOT NULL AND ${IS_LIVE} AND ${hasUsageAfter('p.rated_seq')}`,
      [tx.tenantId, subscriptionIds, upToSeq],
    );
    return rows.map((row) => row.subscription_id);
  }

  async open(
    tx: TenantTransaction,
    period: Pick<BillingPeriod, 'subscriptionId' | 'segmentId' | 'index' | 'start' | 'end'>,
  ): Promise<void> {
    await tx.query(
      `INSERT INTO billing_period (tenant_id, id, subscription_id, segment_id, index, start_at, end_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (tenant_id, segment_id, start_at) DO NOTHING`,
      [tx.tenantId, randomUUID(), period.subscriptionId, period.segmentId, period.index, sqlInstant(period.start), sqlInstant(period.end)],
    );
  }

  /** The period's end may lie before what was known when it was opened: a change or a cancellation cut it. */
  async close(
    tx: TenantTransaction,
    id: string,
    closing: { end: Instant; closedAt: Instant; billedAt: Instant; seenSeq: number; invoiceId: string | null },
  ): Promise<void> {
    await tx.query(
      `UPDATE billing_period SET end_at = $3, closed_at = $4, billed_at = $5, seen_seq = $6, rated_seq = $6, invoice_id = $7
       WHERE tenant_id = $1 AND id = $2 AND closed_at IS NULL`,
      [
        tx.tenantId,
        id,
        sqlInstant(closing.end),
        sqlInstant(closing.closedAt),
        sqlInstant(closing.billedAt),
        closing.seenSeq,
        closing.invoiceId,
      ],
    );
  }

  async markRated(tx: TenantTransaction, ids: readonly string[], seq: number): Promise<void> {
    await tx.query('UPDATE billing_period SET rated_seq = greatest(rated_seq, $3) WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
      tx.tenantId,
      ids,
      seq,
    ]);
  }

  /** Start of the earliest period of these segments that is not closed yet. Null: none is open. */
  async earliestOpen(tx: TenantTransaction, segmentIds: readonly string[]): Promise<Instant | null> {
    const [row] = await tx.query<{ start_at: Instant | null }>(
      'SELECT min(start_at) AS start_at FROM billing_period WHERE tenant_id = $1 AND segment_id = ANY ($2::uuid[]) AND closed_at IS NULL',
      [tx.tenantId, segmentIds],
    );
    return row?.start_at ?? null;
  }
}

function periodOfRow(row: PeriodRow): BillingPeriod {
  return {
    id: row.id,
    subscriptionId: row.subscription_id,
    segmentId: row.segment_id,
    index: row.index,
    start: row.start_at,
    end: row.end_at,
    closedAt: row.closed_at,
    seenSeq: row.seen_seq,
    billedAt: row.billed_at,
    invoiceId: row.invoice_id,
  };
}
