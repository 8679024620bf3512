import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import { BinaryArray, plainArray, sqlInstant, type TenantTransaction } from '@tare/database';

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
  /** Its invoice is void: nothing is due for it until it is billed again. */
  readonly voided: boolean;
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
  readonly voided: boolean;
}

/** A page of subscriptions by their id: those behind `afterId`, at most `limit`; `customerId`: only that customer's. */
export interface SubscriptionPage {
  readonly afterId: string | null;
  readonly limit: number;
  readonly customerId?: string;
}

export interface CustomerSubscription {
  readonly customerId: string;
  readonly subscriptionId: string;
}

export type NewPeriod = Pick<BillingPeriod, 'id' | 'subscriptionId' | 'segmentId' | 'index' | 'start' | 'end'>;

/** What closes a period: that of the segment which begins at `start`. */
export interface PeriodClosing {
  readonly segmentId: string;
  readonly start: Instant;
  readonly end: Instant;
  readonly closedAt: Instant;
  readonly billedAt: Instant;
  readonly seenSeq: number;
  readonly invoiceId: string | null;
  /** Its draft was voided. */
  readonly voided: boolean;
}

/** How far a subscription has been billed. */
export interface Progress {
  readonly subscriptionId: string;
  /** Segment and start of periods that are open. */
  readonly open: readonly { readonly segmentId: string; readonly start: Instant }[];
  /** End of the last closed period; null before the first. */
  readonly closedUntil: Instant | null;
}

const COLUMNS =
  'p.id, p.subscription_id, p.segment_id, p.index, p.start_at, p.end_at, p.closed_at, p.seen_seq, p.billed_at, p.invoice_id, p.voided';

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
/** Periods for which the condition holds ($2, $3 are its own), and all that were closed at the same instants. */
const withScope = (condition: string): string => `WITH touched AS MATERIALIZED (
  SELECT DISTINCT p.subscription_id, p.billed_at FROM billing_period p WHERE p.tenant_id = $1 AND ${condition}
)
SELECT ${COLUMNS} FROM touched t JOIN billing_period p ON p.tenant_id = $1 AND p.subscription_id = t.subscription_id AND p.billed_at = t.billed_at
ORDER BY p.subscription_id, p.start_at`;
/** A scalar subquery, so that customers are looked at one after the other in the order of their numbers, and none beyond the last that is wanted. */
const CUSTOMERS_DUE = `SELECT c.id, c.no FROM customer c
WHERE c.tenant_id = $1 AND c.no > $3 AND coalesce((
  SELECT true FROM subscription s JOIN subscription_segment g ON g.tenant_id = s.tenant_id AND g.subscription_id = s.id
    LEFT JOIN LATERAL (
      SELECT p.end_at, p.closed_at FROM billing_period p WHERE p.tenant_id = g.tenant_id AND p.segment_id = g.id ORDER BY p.start_at DESC LIMIT 1
    ) AS last ON true
  WHERE s.tenant_id = c.tenant_id AND s.customer_id = c.id AND g.start_at <= $2 AND g.start_at < least(g.end_at, s.ends_at, 'infinity')
    AND (last.end_at IS NULL
      OR (last.closed_at IS NULL AND least(last.end_at, g.end_at, s.ends_at) <= $2)
      OR (last.closed_at IS NOT NULL AND last.end_at <= $2 AND last.end_at < least(g.end_at, s.ends_at, 'infinity')))
  LIMIT 1
), false)
ORDER BY c.tenant_id, c.no LIMIT $4`;
/** A period of a voided invoice of which corrections on other invoices stand: they are taken back (SEMANTICS 8.2). */
const HAS_CORRECTIONS = `EXISTS (SELECT 1 FROM invoice_line d JOIN invoice i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
  WHERE d.tenant_id = p.tenant_id AND d.segment_id = p.segment_id AND d.period_start = p.start_at AND d.kind = 'DELTA'
    AND i.status IN ('FINALIZED', 'PAID', 'UNCOLLECTIBLE') GROUP BY d.scope_key HAVING sum(d.amount) <> 0)`;

/** A page is a small part of large tables: each of its rows is looked up by its key, whatever their statistics say. */
const BY_KEY = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`;

/** SQL of service periods: what billing has opened and closed. */
@Injectable()
export class BillingPeriodStore {
  /** For the rest of a transaction that works on a page of customers. */
  async lookUpByKey(tx: TenantTransaction): Promise<void> {
    await tx.query(BY_KEY);
  }

  /** Lets the planner know how large the tables that runs read and write have become, where it last looked when they were much smaller. */
  async learnSizes(tx: TenantTransaction): Promise<void> {
    await tx.query('SELECT tare_learn_billing_sizes()');
  }

  async ofSubscription(tx: TenantTransaction, subscriptionId: string): Promise<BillingPeriod[]> {
    const rows = await tx.query<PeriodRow>(
      `SELECT ${COLUMNS} FROM billing_period p WHERE p.tenant_id = $1 AND p.subscription_id = $2 ORDER BY p.start_at`,
      [tx.tenantId, subscriptionId],
    );
    return rows.map(periodOfRow);
  }

  /**
   * The periods that billing goes on from, by subscription: from the earliest open one on; where none is open, the last closed ones. What ended before is
   * done. Subscriptions that were never billed are left out.
   */
  async unfinished(tx: TenantTransaction, subscriptionIds: readonly string[]): Promise<Map<string, BillingPeriod[]>> {
    const rows = await tx.query<PeriodRow>(
      `SELECT ${COLUMNS} FROM (
         SELECT *, coalesce(min(start_at) FILTER (WHERE closed_at IS NULL) OVER own, max(end_at) OVER own) AS from_at
         FROM billing_period WHERE tenant_id = $1 AND subscription_id = ANY ($2::uuid[]) WINDOW own AS (PARTITION BY subscription_id)
       ) AS p WHERE p.end_at >= p.from_at ORDER BY p.subscription_id, p.start_at`,
      [tx.tenantId, plainArray(subscriptionIds)],
    );
    return bySubscription(rows);
  }

  /**
   * Ids of customers, by their number from `afterNo` on, at most `limit`: those for whom something may be due by `asOf`. A segment has begun and has no
   * period, or its last one is over or cut and not closed, or over and not followed. More than that is seen from the segments themselves.
   */
  async customersDue(
    tx: TenantTransaction,
    { asOf, afterNo, limit }: { asOf: Instant; afterNo: number; limit: number },
  ): Promise<{ id: string; no: number }[]> {
    await this.lookUpByKey(tx);
    return tx.query<{ id: string; no: number }>(CUSTOMERS_DUE, [tx.tenantId, sqlInstant(asOf), afterNo, limit]);
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

  /**
   * Closed periods into which usage or corrections came after what has been rated, up to commit `upToSeq`, and those of voided invoices that were corrected
   * before; each with all that was closed together with it (SEMANTICS 8.2, 8.3). By subscription, in order of time.
   */
  async late(tx: TenantTransaction, subscriptionIds: readonly string[], upToSeq: number): Promise<Map<string, BillingPeriod[]>> {
    const rows = await tx.query<PeriodRow>(
      withScope(
        `p.subscription_id = ANY ($2::uuid[]) AND p.closed_at IS NOT NULL
           AND CASE WHEN p.voided THEN ${HAS_CORRECTIONS} ELSE p.rated_seq < $3 AND ${hasUsageAfter('p.rated_seq')} END`,
      ),
      [tx.tenantId, plainArray(subscriptionIds), upToSeq],
    );
    return bySubscription(rows);
  }

  /** Subscriptions that have late usage in closed periods and nothing open any more, with their customers. */
  endedWithLateUsage(tx: TenantTransaction, upToSeq: number, page: SubscriptionPage): Promise<CustomerSubscription[]> {
    return subscriptionsWhere(
      tx,
      `NOT EXISTS (SELECT 1 FROM billing_period o WHERE o.tenant_id = $1 AND o.subscription_id = s.id AND o.closed_at IS NULL)
       AND EXISTS (SELECT 1 FROM billing_period p WHERE p.tenant_id = $1 AND p.subscription_id = s.id AND p.closed_at IS NOT NULL
         AND CASE WHEN p.voided THEN ${HAS_CORRECTIONS} ELSE p.rated_seq < $3 AND ${hasUsageAfter('p.rated_seq')} END)`,
      [upToSeq],
      page,
    );
  }

  /** Subscriptions with a running period of a plan that has an invoice threshold, with their customers. */
  async runningWithThreshold(tx: TenantTransaction, asOf: Instant, page: SubscriptionPage): Promise<CustomerSubscription[]> {
    const versions = await tx.query<{ id: string }>(
      `SELECT id FROM plan_version WHERE tenant_id = $1 AND terms ->> 'invoiceThreshold' IS NOT NULL`,
      [tx.tenantId],
    );
    if (versions.length === 0) return [];
    return subscriptionsWhere(
      tx,
      `EXISTS (
         SELECT 1 FROM subscription_segment g JOIN billing_period p ON p.tenant_id = g.tenant_id AND p.segment_id = g.id
         WHERE g.tenant_id = $1 AND g.subscription_id = s.id AND g.plan_version_id = ANY ($4::uuid[]) AND p.closed_at IS NULL AND p.start_at < $3 AND p.end_at > $3)`,
      [sqlInstant(asOf), versions.map(({ id }) => id)],
      page,
    );
  }

  /** New rows, with ids of the caller's. */
  async open(tx: TenantTransaction, periods: readonly NewPeriod[]): Promise<void> {
    if (periods.length === 0) return;
    const rows = periods.length;
    const [ids, subscriptionIds, segmentIds] = [
      new BinaryArray('uuid', rows),
      new BinaryArray('uuid', rows),
      new BinaryArray('uuid', rows),
    ];
    const indexes = new BinaryArray('int4', rows);
    const [starts, ends] = [new BinaryArray('timestamptz', rows), new BinaryArray('timestamptz', rows)];
    for (const { id, subscriptionId, segmentId, index, start, end } of periods) {
      ids.uuid(id);
      subscriptionIds.uuid(subscriptionId);
      segmentIds.uuid(segmentId);
      indexes.int4(index);
      starts.timestamptz(start);
      ends.timestamptz(end);
    }
    await tx.execute(
      'open billing periods',
      `INSERT INTO billing_period (tenant_id, id, subscription_id, segment_id, index, start_at, end_at)
       SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int4[], $6::timestamptz[], $7::timestamptz[])`,
      [tx.tenantId, ...[ids, subscriptionIds, segmentIds, indexes, starts, ends].map((column) => column.finish())],
    );
  }

  /** The period's end may lie before what was known when it was opened: a change or a cancellation cut it. */
  async close(tx: TenantTransaction, closings: readonly PeriodClosing[]): Promise<void> {
    if (closings.length === 0) return;
    const rows = closings.length;
    const [segmentIds, invoiceIds] = [new BinaryArray('uuid', rows), new BinaryArray('uuid', rows)];
    const times = (): BinaryArray => new BinaryArray('timestamptz', rows);
    const [starts, ends, closedAts, billedAts] = [times(), times(), times(), times()];
    const [seenSeqs, voideds] = [new BinaryArray('int8', rows), new BinaryArray('bool', rows)];
    for (const { segmentId, start, end, closedAt, billedAt, seenSeq, invoiceId, voided } of closings) {
      segmentIds.uuid(segmentId);
      starts.timestamptz(start);
      ends.timestamptz(end);
      closedAts.timestamptz(closedAt);
      billedAts.timestamptz(billedAt);
      seenSeqs.int8(seenSeq);
      if (invoiceId === null) invoiceIds.null();
      else invoiceIds.uuid(invoiceId);
      voideds.bool(voided);
    }
    await tx.execute(
      'close billing periods',
      `UPDATE billing_period AS p SET end_at = c.end_at, closed_at = c.closed_at, billed_at = c.billed_at, seen_seq = c.seen_seq, rated_seq = c.seen_seq,
         invoice_id = c.invoice_id, voided = c.voided
       FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::int8[], $8::uuid[], $9::bool[])
         AS c (segment_id, start_at, end_at, closed_at, billed_at, seen_seq, invoice_id, voided)
       WHERE p.tenant_id = $1 AND p.segment_id = c.segment_id AND p.start_at = c.start_at AND p.closed_at IS NULL`,
      [tx.tenantId, ...[segmentIds, starts, ends, closedAts, billedAts, seenSeqs, invoiceIds, voideds].map((column) => column.finish())],
    );
  }

  async markRated(tx: TenantTransaction, periods: readonly Pick<BillingPeriod, 'segmentId' | 'start'>[], seq: number): Promise<void> {
    if (periods.length === 0) return;
    await tx.query(
      `UPDATE billing_period AS p SET rated_seq = greatest(p.rated_seq, $4) FROM unnest($2::uuid[], $3::timestamptz[]) AS r (segment_id, start_at)
       WHERE p.tenant_id = $1 AND p.segment_id = r.segment_id AND p.start_at = r.start_at`,
      [tx.tenantId, plainArray(periods.map(({ segmentId }) => segmentId)), plainArray(periods.map(({ start }) => sqlInstant(start))), seq],
    );
  }

  /**
   * Closed periods with some time in `[start, end)` of subscriptions that charge cost in the currency are rated again, whatever came since: what their
   * invoices left off because no rate was known (SEMANTICS 4.5) is billed by the next ones (8.3).
   */
  async rateCostAgain(tx: TenantTransaction, currency: string, start: Instant, end: Instant | null): Promise<void> {
    await tx.query(
      `WITH plus AS (SELECT id FROM plan_version
         WHERE tenant_id = $1 AND terms ->> 'currency' = $2 AND terms -> 'prices' @> '[{"model": "COST_PLUS"}]')
       UPDATE billing_period p SET rated_seq = 0 FROM subscription_segment g
       WHERE p.tenant_id = $1 AND p.closed_at IS NOT NULL AND p.end_at > $3 AND p.start_at < coalesce($4::timestamptz, 'infinity')
         AND g.tenant_id = p.tenant_id AND g.id = p.segment_id
         AND (g.plan_version_id IN (SELECT id FROM plus)
           OR EXISTS (SELECT 1 FROM jsonb_array_elements(g.add_ons) AS a(add_on) WHERE (a.add_on ->> 'planVersionId')::uuid IN (SELECT id FROM plus)))`,
      [tx.tenantId, currency, sqlInstant(start), end === null ? null : sqlInstant(end)],
    );
  }

  /**
   * Closed periods of the customer that reach beyond `from`, but those of one subscription, are rated again, whatever came since: another subscription may have
   * given or taken usage of theirs (SEMANTICS 3.6, 8.3).
   */
  async rateOthersAgain(
    tx: TenantTransaction,
    { customerId, subscriptionId, from }: { readonly customerId: string; readonly subscriptionId: string; readonly from: Instant },
  ): Promise<void> {
    await tx.query(
      `UPDATE billing_period p SET rated_seq = 0 FROM subscription s
       WHERE s.tenant_id = $1 AND s.customer_id = $2 AND s.id <> $3 AND p.tenant_id = s.tenant_id AND p.subscription_id = s.id
         AND p.closed_at IS NOT NULL AND p.end_at > $4`,
      [tx.tenantId, customerId, subscriptionId, sqlInstant(from)],
    );
  }

  /**
   * An invoice was voided: nothing is due for its periods until they are billed again, and what its own corrections had rated of others is to be rated again.
   */
  async markVoided(tx: TenantTransaction, invoiceId: string): Promise<void> {
    await tx.query('UPDATE billing_period SET voided = true WHERE tenant_id = $1 AND invoice_id = $2', [tx.tenantId, invoiceId]);
    await tx.query(
      `UPDATE billing_period p SET rated_seq = p.seen_seq FROM invoice_line l
       WHERE p.tenant_id = $1 AND l.tenant_id = p.tenant_id AND l.invoice_id = $2 AND l.kind = 'DELTA' AND l.segment_id = p.segment_id
         AND l.period_start = p.start_at AND p.closed_at IS NOT NULL`,
      [tx.tenantId, invoiceId],
    );
  }

  /** Periods of a voided invoice are billed by another one. */
  async billAgain(tx: TenantTransaction, voidedId: string, { invoiceId, seenSeq }: { invoiceId: string; seenSeq: number }): Promise<void> {
    await tx.query(
      `UPDATE billing_period SET invoice_id = $3, seen_seq = $4, rated_seq = $4, voided = false WHERE tenant_id = $1 AND invoice_id = $2 AND voided`,
      [tx.tenantId, voidedId, invoiceId, seenSeq],
    );
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

/** A page of the subscriptions for which the condition holds; its own parameters are $3 and on. */
async function subscriptionsWhere(
  tx: TenantTransaction,
  condition: string,
  parameters: readonly unknown[],
  { afterId, limit, customerId }: SubscriptionPage,
): Promise<CustomerSubscription[]> {
  const all = [tx.tenantId, afterId, ...parameters, limit];
  const ofCustomer = customerId === undefined ? '' : `AND s.customer_id = $${all.push(customerId)}::uuid`;
  const rows = await tx.query<{ customer_id: string; subscription_id: string }>(
    `SELECT s.id AS subscription_id, s.customer_id FROM subscription s
     WHERE s.tenant_id = $1 AND ($2::uuid IS NULL OR s.id > $2::uuid) ${ofCustomer} AND ${condition}
     ORDER BY s.id LIMIT $${parameters.length + 3}`,
    all,
  );
  return rows.map((row) => ({ customerId: row.customer_id, subscriptionId: row.subscription_id }));
}

function bySubscription(rows: readonly PeriodRow[]): Map<string, BillingPeriod[]> {
  const periods = new Map<string, BillingPeriod[]>();
  for (const row of rows) {
    const own = periods.get(row.subscription_id);
    if (own === undefined) periods.set(row.subscription_id, [periodOfRow(row)]);
    else own.push(periodOfRow(row));
  }
  return periods;
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
    voided: row.voided,
  };
}
