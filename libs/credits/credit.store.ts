import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { Grant, Instant } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import type { Account, Posting } from './posting.ts';
import type { RecordedBurn, WalletState } from './settlement.ts';

/** A grant as it is kept. */
export interface StoredGrant extends Grant {
  readonly key: string;
  readonly customerId: string;
  /** GRANT: grantCredits; PLAN: a period of a CREDIT plan. */
  readonly source: 'GRANT' | 'PLAN';
  readonly subscriptionId: string | null;
  readonly invoiceId: string | null;
}

export type NewGrant = Omit<StoredGrant, 'id' | 'remaining' | 'createdAt'>;

/** Up to when a subscription's usage is settled. */
export interface CreditCursor {
  readonly subscriptionId: string;
  readonly settledUntil: Instant;
}

interface GrantRow {
  readonly id: string;
  readonly customer_id: string;
  readonly key: string;
  readonly credits: string;
  readonly remaining: string;
  readonly price_amount: string | null;
  readonly price_currency: string | null;
  readonly priority: number;
  readonly promotional: boolean;
  readonly effective_at: Instant;
  readonly expires_at: Instant | null;
  readonly source: 'GRANT' | 'PLAN';
  readonly subscription_id: string | null;
  readonly invoice_id: string | null;
  readonly created_at: Instant;
}

interface PostingRow {
  readonly transaction_id: string;
  readonly account: Account;
  readonly grant_id: string | null;
  readonly credits: string;
  readonly revenue: string;
  readonly at: Instant;
  readonly subscription_id: string | null;
  readonly period_id: string | null;
  readonly dimension_key: string | null;
  readonly invoice_id: string | null;
}

const GRANT_COLUMNS = `g.id, g.customer_id, g.key, g.credits, g.price_amount, g.price_currency, g.priority, g.promotional, g.effective_at, g.expires_at,
  g.source, g.subscription_id, g.invoice_id, g.created_at`;
const POSTING_COLUMNS = 'transaction_id, account, grant_id, credits, revenue, at, subscription_id, period_id, dimension_key, invoice_id';

/** SQL of wallets: grants and the ledger of their postings. */
@Injectable()
export class CreditStore {
  /** Holds the customer's wallet until the transaction ends: one row, so no two debits see the same balance (SEMANTICS 7.4). */
  lock(tx: TenantTransaction, customerId: string): Promise<void> {
    return this.lockMany(tx, [customerId]);
  }

  /** The same for many wallets, always in one order: two that lock several wait for each other and never in a circle. */
  async lockMany(tx: TenantTransaction, customerIds: readonly string[]): Promise<void> {
    if (customerIds.length === 0) return;
    const wanted = [tx.tenantId, [...customerIds].sort()];
    await tx.query('INSERT INTO wallet (tenant_id, customer_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING', wanted);
    await tx.query('SELECT 1 FROM wallet WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[]) ORDER BY customer_id FOR UPDATE', wanted);
    await tx.query('UPDATE wallet SET version = version + 1 WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[])', wanted);
  }

  /**
   * Every grant of a customer with what is left of it. `upTo`: as the ledger stood then, postings that count later left out; `burntBefore`: without what
   * usage burnt from then on (a burn counts from the beginning of the time that its usage lies in).
   */
  async grants(
    tx: TenantTransaction,
    customerId: string,
    upTo: Instant | null = null,
    burntBefore: Instant | null = null,
  ): Promise<StoredGrant[]> {
    const rows = await tx.query<GrantRow>(
      `SELECT ${GRANT_COLUMNS}, coalesce(sum(p.credits), 0) AS remaining
       FROM credit_grant g
       LEFT JOIN credit_posting p ON p.tenant_id = g.tenant_id AND p.customer_id = g.customer_id AND p.account = 'GRANT' AND p.grant_id = g.id
         AND ($3::timestamptz IS NULL OR p.at <= $3::timestamptz)
         AND ($4::timestamptz IS NULL OR p.period_id IS NULL OR p.at < $4::timestamptz)
       WHERE g.tenant_id = $1 AND g.customer_id = $2
       GROUP BY ${GRANT_COLUMNS} ORDER BY g.created_at, g.id`,
      [tx.tenantId, customerId, sqlInstantOrNull(upTo), sqlInstantOrNull(burntBefore)],
    );
    return rows.map(grantOfRow);
  }

  /** What the customer's wallet owes. */
  async debt(tx: TenantTransaction, customerId: string): Promise<Decimal> {
    const [row] = await tx.query<{ debt: string }>(
      `SELECT coalesce(-sum(credits), 0) AS debt FROM credit_posting WHERE tenant_id = $1 AND customer_id = $2 AND account = 'DEBT'`,
      [tx.tenantId, customerId],
    );
    return Decimal.parse(row?.debt ?? '0');
  }

  async wallet(tx: TenantTransaction, customerId: string): Promise<WalletState> {
    return { grants: await this.grants(tx, customerId), debt: await this.debt(tx, customerId) };
  }

  async grantByKey(tx: TenantTransaction, customerId: string, key: string): Promise<StoredGrant | null> {
    return (await this.grants(tx, customerId)).find((grant) => grant.key === key) ?? null;
  }

  /** Null when the customer has a grant with the key. */
  async insertGrant(tx: TenantTransaction, grant: NewGrant): Promise<StoredGrant | null> {
    const [row] = await tx.query<GrantRow>(
      `INSERT INTO credit_grant AS g (tenant_id, id, customer_id, key, credits, price_amount, price_currency, priority, promotional, effective_at,
         expires_at, source, subscription_id, invoice_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
       ON CONFLICT (tenant_id, customer_id, key) DO NOTHING RETURNING ${GRANT_COLUMNS}, g.credits AS remaining`,
      [
        tx.tenantId,
        randomUUID(),
        grant.customerId,
        grant.key,
        grant.credits.toString(),
        grant.costBasis?.amount.toString() ?? null,
        grant.costBasis?.currency ?? null,
        grant.priority,
        grant.promotional,
        sqlInstant(grant.effectiveAt),
        sqlInstantOrNull(grant.expiresAt),
        grant.source,
        grant.subscriptionId,
        grant.invoiceId,
      ],
    );
    return row ? grantOfRow(row) : null;
  }

  /** Adds to the ledger. That each transaction sums to zero is checked when this one commits (SEMANTICS 7.1). */
  async post(tx: TenantTransaction, customerId: string, postings: readonly Posting[]): Promise<void> {
    if (postings.length === 0) return;
    const column = <Value>(read: (posting: Posting) => Value): Value[] => postings.map(read);
    await tx.query(
      `INSERT INTO credit_posting (tenant_id, id, customer_id, ${POSTING_COLUMNS})
       SELECT $1, gen_random_uuid(), $2, *
       FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::numeric[], $7::numeric[], $8::timestamptz[], $9::uuid[], $10::uuid[], $11::text[], $12::uuid[])`,
      [
        tx.tenantId,
        customerId,
        column(({ transactionId }) => transactionId),
        column(({ account }) => account),
        column(({ grantId }) => grantId),
        column(({ credits }) => credits.toString()),
        column(({ revenue }) => revenue.toString()),
        column(({ at }) => sqlInstant(at)),
        column(({ subscriptionId }) => subscriptionId),
        column(({ periodId }) => periodId),
        column(({ dimensionKey }) => dimensionKey),
        column(({ invoiceId }) => invoiceId),
      ],
    );
  }

  /** The burns that were recorded for closed service periods, by period: each in order of its time. The recorded split is the truth (SEMANTICS 7.3). */
  async allocations(
    tx: TenantTransaction,
    periodIds: readonly string[],
  ): Promise<Map<string, (RecordedBurn & { invoiceId: string | null; at: Instant })[]>> {
    if (periodIds.length === 0) return new Map();
    const rows = await tx.query<PostingRow & { against: RecordedBurn['against'] }>(
      `SELECT ${POSTING_COLUMNS},
         CASE WHEN grant_id IS NOT NULL THEN 'GRANT'
              WHEN EXISTS (SELECT 1 FROM credit_posting o WHERE o.tenant_id = p.tenant_id AND o.transaction_id = p.transaction_id AND o.account = 'UNCOVERED')
              THEN 'UNCOVERED' ELSE 'DEBT' END AS against
       FROM credit_posting p
       WHERE tenant_id = $1 AND period_id = ANY ($2::uuid[]) AND account = 'BURNT' ORDER BY created_at, at, dimension_key, grant_id, id`,
      [tx.tenantId, periodIds],
    );
    const byPeriod = new Map<string, (RecordedBurn & { invoiceId: string | null; at: Instant })[]>();
    for (const row of rows) {
      const posting = postingOfRow(row);
      const burn = { ...posting, key: posting.dimensionKey ?? '', against: row.against };
      byPeriod.set(row.period_id ?? '', [...(byPeriod.get(row.period_id ?? '') ?? []), burn]);
    }
    return byPeriod;
  }

  /** Everything that the finalization of an invoice, or the closing of these periods, posted: in the order of posting. */
  async postingsOf(tx: TenantTransaction, invoiceId: string): Promise<Posting[]> {
    const rows = await tx.query<PostingRow>(
      `SELECT ${POSTING_COLUMNS} FROM credit_posting WHERE tenant_id = $1 AND invoice_id = $2 ORDER BY created_at, at, transaction_id, id`,
      [tx.tenantId, invoiceId],
    );
    return rows.map(postingOfRow);
  }

  async cursors(tx: TenantTransaction, customerId: string): Promise<CreditCursor[]> {
    const rows = await tx.query<{ subscription_id: string; settled_until: Instant }>(
      'SELECT subscription_id, settled_until FROM credit_cursor WHERE tenant_id = $1 AND customer_id = $2',
      [tx.tenantId, customerId],
    );
    return rows.map((row) => ({ subscriptionId: row.subscription_id, settledUntil: row.settled_until }));
  }

  async advanceCursor(tx: TenantTransaction, customerId: string, { subscriptionId, settledUntil }: CreditCursor): Promise<void> {
    await tx.query(
      `INSERT INTO credit_cursor AS c (tenant_id, customer_id, subscription_id, settled_until) VALUES ($1, $2, $3, $4)
       ON CONFLICT (tenant_id, customer_id, subscription_id) DO UPDATE SET settled_until = greatest(c.settled_until, excluded.settled_until)`,
      [tx.tenantId, customerId, subscriptionId, sqlInstant(settledUntil)],
    );
  }

  /** Customers with credits in grants that are gone at `upTo`. */
  async customersWithExpired(tx: TenantTransaction, upTo: Instant): Promise<string[]> {
    const rows = await tx.query<{ customer_id: string }>(
      `SELECT DISTINCT g.customer_id FROM credit_grant g
       WHERE g.tenant_id = $1 AND g.expires_at <= $2
         AND (SELECT coalesce(sum(p.credits), 0) FROM credit_posting p
              WHERE p.tenant_id = g.tenant_id AND p.customer_id = g.customer_id AND p.account = 'GRANT' AND p.grant_id = g.id) > 0
       ORDER BY g.customer_id`,
      [tx.tenantId, sqlInstant(upTo)],
    );
    return rows.map((row) => row.customer_id);
  }
}

function grantOfRow(row: GrantRow): StoredGrant {
  return {
    id: row.id,
    customerId: row.customer_id,
    key: row.key,
    credits: Decimal.parse(row.credits),
    remaining: Decimal.parse(row.remaining),
    costBasis:
      row.price_amount === null || row.price_currency === null
        ? null
        : { amount: Decimal.parse(row.price_amount), currency: row.price_currency },
    priority: row.priority,
    promotional: row.promotional,
    effectiveAt: row.effective_at,
    expiresAt: row.expires_at,
    source: row.source,
    subscriptionId: row.subscription_id,
    invoiceId: row.invoice_id,
    createdAt: row.created_at,
  };
}

function postingOfRow(row: PostingRow): Posting {
  return {
    transactionId: row.transaction_id,
    account: row.account,
    grantId: row.grant_id,
    credits: Decimal.parse(row.credits),
    revenue: Decimal.parse(row.revenue),
    at: row.at,
    subscriptionId: row.subscription_id,
    periodId: row.period_id,
    dimensionKey: row.dimension_key,
    invoiceId: row.invoice_id,
  };
}
