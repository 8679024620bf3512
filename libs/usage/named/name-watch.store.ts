import { Injectable } from '@nestjs/common';
import { SLOT, slotStart, type Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';

/** Usage of one quarter of an hour that names a subscription, as commits brought it: below zero where more was taken back. */
export interface NamedUsage {
  readonly customerNo: number;
  /** Of the event; it may have no customer yet. */
  readonly customerKey: string;
  readonly customerId: string | null;
  readonly subscriptionId: string;
  readonly slot: Instant;
  readonly events: number;
}

/** Which single events: of a customer, that name a subscription, in `[from, to)`. */
export interface NamedEventsQuery extends Pick<NamedUsage, 'customerNo' | 'subscriptionId'> {
  readonly from: Instant;
  readonly to: Instant;
}

interface NamedRow {
  readonly customer_no: number;
  readonly customer_key: string;
  readonly customer_id: string | null;
  readonly subscription_id: string;
  readonly slot: Instant;
  readonly events: number;
}

const POSITION = `
SELECT coalesce((SELECT seq FROM usage_clock WHERE tenant_id = $1), 0)::int8 AS usage_seq, coalesce((SELECT seq FROM name_watch WHERE tenant_id = $1), 0)::int8 AS seq`;
const HAS_NAMES = 'SELECT 1 FROM usage_dimension WHERE tenant_id = $1 AND subscription_id IS NOT NULL LIMIT 1';
/** Where commits end that brought about $4 rows beyond commit $2; no row: at $3. */
const CHUNK_END = 'SELECT seq FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq OFFSET $4 LIMIT 1';

/**
 * What commits ($2, $3] brought that names a subscription, but for what is surely in force: the customer's own, running through the whole slot, and no license, whose
 * term may end by itself. Dimensions are looked up by their key, whatever the statistics of a young tenant say.
 */
const NAMED = `
WITH moved AS MATERIALIZED (
  SELECT customer_no, dimension_no, date_bin('15 minutes', from_at, 'epoch') AS slot, sum(events)::int8 AS events
  FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 GROUP BY 1, 2, 3
), named AS (
  SELECT m.customer_no, d.subscription_id, m.slot, sum(m.events)::int8 AS events
  FROM moved m CROSS JOIN LATERAL (SELECT subscription_id FROM usage_dimension WHERE tenant_id = $1 AND no = m.dimension_no OFFSET 0) AS d
  WHERE d.subscription_id IS NOT NULL GROUP BY 1, 2, 3
)
SELECT n.customer_no, k.key AS customer_key, c.id AS customer_id, n.subscription_id, n.slot, n.events
FROM named n
JOIN customer_key k ON k.tenant_id = $1 AND k.no = n.customer_no
LEFT JOIN customer c ON c.tenant_id = $1 AND c.no = n.customer_no
WHERE NOT EXISTS (
  SELECT FROM subscription s
  WHERE s.tenant_id = $1 AND s.id = n.subscription_id AND s.customer_id = c.id AND s.starts_at <= n.slot AND (s.ends_at IS NULL OR s.ends_at >= n.slot + interval '15 minutes')
    AND NOT EXISTS (
      SELECT FROM subscription_segment g JOIN plan_version v ON v.tenant_id = g.tenant_id AND v.id = g.plan_version_id
      WHERE g.tenant_id = $1 AND g.subscription_id = s.id AND v.terms ->> 'kind' = 'SITE_LICENSE'
    )
)
ORDER BY n.customer_no, n.subscription_id, n.slot`;

/** $2 customer, $3 subscription, [$4, $5); of those that commits ($6, $7] brought the number. */
const EVENTS = `
SELECT min(e.at) AS first_at, (count(*) FILTER (WHERE e.seq > $6 AND e.seq <= $7))::int8 AS events
FROM usage_event e JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = e.dimension_no
WHERE e.tenant_id = $1 AND e.customer_no = $2 AND e.at >= $4 AND e.at < $5 AND d.subscription_id = $3 AND e.voided_seq IS NULL`;

/** SQL of the watch over names of subscriptions. */
@Injectable()
export class NameWatchStore {
  /** The last commit of usage, and the one up to which it was looked through. */
  async position(tx: TenantTransaction): Promise<{ usageSeq: number; seq: number }> {
    const [row] = await tx.query<{ usage_seq: number; seq: number }>(POSITION, [tx.tenantId]);
    return { usageSeq: row?.usage_seq ?? 0, seq: row?.seq ?? 0 };
  }

  /** Holds the cursor until the transaction ends and answers where it stands. */
  async lock(tx: TenantTransaction): Promise<number> {
    await tx.query('INSERT INTO name_watch (tenant_id, seq) VALUES ($1, 0) ON CONFLICT DO NOTHING', [tx.tenantId]);
    const [row] = await tx.query<{ seq: number }>('SELECT seq FROM name_watch WHERE tenant_id = $1 FOR UPDATE', [tx.tenantId]);
    return row?.seq ?? 0;
  }

  async move(tx: TenantTransaction, seq: number): Promise<void> {
    await tx.query('UPDATE name_watch SET seq = $2 WHERE tenant_id = $1', [tx.tenantId, seq]);
  }

  /** Whether any event ever named a subscription. */
  async hasNames(tx: TenantTransaction): Promise<boolean> {
    return (await tx.query(HAS_NAMES, [tx.tenantId])).length > 0;
  }

  /** Up to which commit about so many rows came beyond `after`; not beyond `upTo`. */
  async chunkEnd(tx: TenantTransaction, after: number, upTo: number, rows: number): Promise<number> {
    const [row] = await tx.query<{ seq: number }>(CHUNK_END, [tx.tenantId, after, upTo, rows]);
    return row?.seq ?? upTo;
  }

  /** What commits beyond `after` up to `upTo` brought that names a subscription which may not be in force. */
  async named(tx: TenantTransaction, after: number, upTo: number): Promise<NamedUsage[]> {
    const rows = await tx.query<NamedRow>(NAMED, [tx.tenantId, after, upTo]);
    return rows.map((row) => ({
      customerNo: row.customer_no,
      customerKey: row.customer_key,
      customerId: row.customer_id,
      subscriptionId: row.subscription_id,
      slot: row.slot,
      events: row.events,
    }));
  }

  /** The earliest of the events (null: none is kept), and how many of them commits beyond `after` up to `upTo` brought. At most a quarter of an hour of them. */
  async events(
    tx: TenantTransaction,
    { customerNo, subscriptionId, from, to }: NamedEventsQuery,
    { after, upTo }: { readonly after: number; readonly upTo: number },
  ): Promise<{ firstAt: Instant | null; events: number }> {
    const until = Math.min(to, slotStart(from) + SLOT);
    const values = [tx.tenantId, customerNo, subscriptionId, sqlInstant(from), sqlInstant(until), after, upTo];
    const [row] = await tx.query<{ first_at: Instant | null; events: number }>(EVENTS, values);
    return { firstAt: row?.first_at ?? null, events: row?.events ?? 0 };
  }
}
