import { Injectable } from '@nestjs/common';
import { SLOT, slotStart, type Instant } from '@tare/core';
import { plainArray, sqlInstant, type TenantTransaction } from '@tare/database';

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

interface MovedRow {
  readonly customer_no: number;
  readonly dimension_no: number;
  readonly slot: Instant;
  readonly events: number;
}

interface SubscriptionRow {
  readonly id: string;
  readonly customer_id: string;
  readonly starts_at: Instant;
  readonly ends_at: Instant | null;
}

const POSITION = `
SELECT coalesce((SELECT seq FROM usage_clock WHERE tenant_id = $1), 0)::int8 AS usage_seq, coalesce((SELECT seq FROM name_watch WHERE tenant_id = $1), 0)::int8 AS seq`;
const HAS_NAMES = 'SELECT 1 FROM usage_dimension WHERE tenant_id = $1 AND subscription_id IS NOT NULL LIMIT 1';
/** Where commits end that brought about $4 rows beyond commit $2; no row: at $3. */
const CHUNK_END = 'SELECT seq FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq OFFSET $4 LIMIT 1';

/** What commits ($2, $3] brought. */
const MOVED = `
SELECT customer_no, dimension_no, date_bin('15 minutes', from_at, 'epoch') AS slot, sum(events)::int8 AS events
FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 GROUP BY 1, 2, 3 ORDER BY 1, 3`;

/**
 * Looked up apart, each by many keys at once: joined by statistics of a young tenant, all rows of a table would be read once for every row of usage; so they are read
 * once at the most. $2 the keys.
 */
const NAMES_OF =
  'SELECT no, subscription_id FROM usage_dimension WHERE tenant_id = $1 AND no = ANY ($2::int4[]) AND subscription_id IS NOT NULL';
const KEYS_OF = 'SELECT no, key FROM customer_key WHERE tenant_id = $1 AND no = ANY ($2::int4[])';
const CUSTOMERS_OF = 'SELECT no, id FROM customer WHERE tenant_id = $1 AND no = ANY ($2::int4[])';
const SUBSCRIPTIONS_OF = 'SELECT id, customer_id, starts_at, ends_at FROM subscription WHERE tenant_id = $1 AND id = ANY ($2::uuid[])';
const LICENSES = `SELECT id FROM plan_version WHERE tenant_id = $1 AND terms ->> 'kind' = 'SITE_LICENSE'`;
/** $3 plan versions. */
const LICENSED = `SELECT DISTINCT subscription_id AS id FROM subscription_segment WHERE tenant_id = $1 AND subscription_id = ANY ($2::uuid[]) AND plan_version_id = ANY ($3::uuid[])`;

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

  /**
   * What commits beyond `after` up to `upTo` brought that names a subscription, by customer, name and time; without what surely is in force: the customer's own, running
   * through the whole slot, and no license, whose term may end by itself.
   */
  async named(tx: TenantTransaction, after: number, upTo: number): Promise<NamedUsage[]> {
    const moved = await tx.query<MovedRow>(MOVED, [tx.tenantId, after, upTo]);
    const named = await this.withNames(tx, moved);
    if (named.length === 0) return [];
    const numbers = [...new Set(named.map(({ customerNo }) => customerNo))];
    const keys = await this.byNumber(tx, KEYS_OF, numbers, ({ key }) => key);
    const customers = await this.byNumber(tx, CUSTOMERS_OF, numbers, ({ id }) => id);
    const running = await this.running(tx, [...new Set(named.map(({ subscriptionId }) => subscriptionId))]);
    return named
      .map((usage) => ({ ...usage, customerKey: keys.get(usage.customerNo) ?? '', customerId: customers.get(usage.customerNo) ?? null }))
      .filter(({ customerId, subscriptionId, slot }) => {
        const own = running.get(subscriptionId);
        return own === undefined || own.customer_id !== customerId || own.starts_at > slot || (own.ends_at ?? Infinity) < slot + SLOT;
      })
      .sort(
        (a, b) =>
          a.customerNo - b.customerNo ||
          (a.subscriptionId < b.subscriptionId ? -1 : a.subscriptionId > b.subscriptionId ? 1 : a.slot - b.slot),
      );
  }

  /** Of one customer, name and slot one. */
  private async withNames(
    tx: TenantTransaction,
    moved: readonly MovedRow[],
  ): Promise<Pick<NamedUsage, 'customerNo' | 'subscriptionId' | 'slot' | 'events'>[]> {
    const dimensions = plainArray([...new Set(moved.map((row) => row.dimension_no))]);
    const rows = await tx.query<{ no: number; subscription_id: string }>(NAMES_OF, [tx.tenantId, dimensions]);
    const names = new Map(rows.map((row) => [row.no, row.subscription_id]));
    const named = new Map<string, Pick<NamedUsage, 'customerNo' | 'subscriptionId' | 'slot' | 'events'>>();
    for (const { customer_no: customerNo, dimension_no: dimensionNo, slot, events } of moved) {
      const subscriptionId = names.get(dimensionNo);
      if (subscriptionId === undefined) continue;
      const place = `${customerNo} ${subscriptionId} ${slot}`;
      named.set(place, { customerNo, subscriptionId, slot, events: events + (named.get(place)?.events ?? 0) });
    }
    return [...named.values()];
  }

  private async byNumber(
    tx: TenantTransaction,
    sql: string,
    numbers: readonly number[],
    valueOf: (row: { readonly key: string; readonly id: string }) => string,
  ): Promise<Map<number, string>> {
    const rows = await tx.query<{ no: number; key: string; id: string }>(sql, [tx.tenantId, plainArray(numbers)]);
    return new Map(rows.map((row) => [row.no, valueOf(row)]));
  }

  /** Subscriptions whose times are those that their rows say: no licenses. */
  private async running(tx: TenantTransaction, ids: readonly string[]): Promise<Map<string, SubscriptionRow>> {
    const rows = await tx.query<SubscriptionRow>(SUBSCRIPTIONS_OF, [tx.tenantId, plainArray(ids)]);
    const licenses = await tx.query<{ id: string }>(LICENSES, [tx.tenantId]);
    const values = [tx.tenantId, plainArray(ids), plainArray(licenses.map(({ id }) => id))];
    const licensed = licenses.length === 0 ? [] : await tx.query<{ id: string }>(LICENSED, values);
    const ending = new Set(licensed.map(({ id }) => id));
    return new Map(rows.filter(({ id }) => !ending.has(id)).map((row) => [row.id, row]));
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
