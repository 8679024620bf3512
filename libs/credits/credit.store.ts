import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { BurnAgainst, Grant, Instant, LedgerBurn, TakenCredits } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { movedGrants, walletSums } from './posting-sums.ts';
import type { Posting } from './posting.ts';
import type { WalletState } from './settlement.ts';

/** A grant as it is kept. */
export interface StoredGrant extends Grant {
  readonly reserved: Decimal;
  readonly priceUsed: Decimal;
  readonly key: string;
  readonly customerId: string;
  /** GRANT: grantCredits; PLAN: a period of a CREDIT plan; PURCHASE: a pack or top-up that was paid. */
  readonly source: 'GRANT' | 'PLAN' | 'PURCHASE';
  readonly subscriptionId: string | null;
  readonly invoiceId: string | null;
  /** It was sold without tax: what is burnt of it is taxed then (SEMANTICS 8.6). */
  readonly taxedAtUse: boolean;
}

export type NewGrant = Omit<StoredGrant, 'id' | 'remaining' | 'reserved' | 'priceUsed' | 'createdAt'>;

/** Up to when billing has closed a subscription, and up to which period it has decided what its plan grants; null: not known. */
export interface CreditCursor {
  readonly subscriptionId: string;
  readonly settledUntil: Instant;
  readonly grantedUntil: Instant | null;
}

/** The row of a wallet. */
export interface WalletRow {
  readonly version: number;
  readonly balance: Decimal;
  readonly debt: Decimal;
  readonly reserved: Decimal;
  /** What could be used when the last grant had come, and that grant. */
  readonly filled: Decimal;
  readonly filledBy: string | null;
  /** The last commit of usage that was drawn; null: all that is open is to be drawn. */
  readonly drawnSeq: number | null;
  readonly drawnTerms: string | null;
  /** Credits of usage that waits for a grant of a plan, by the key that the grant will have. */
  readonly waiting: ReadonlyMap<string, Decimal>;
}

/** A service period of a segment. */
export interface PeriodKey {
  readonly segmentId: string;
  readonly periodStart: Instant;
}

/** A service period, and from when on its usage is meant. */
export interface PeriodFrom extends PeriodKey {
  readonly from: Instant;
}

/** Credits of usage that were recorded in one place of one period. */
export interface RecordedCredits extends PeriodKey {
  readonly at: Instant;
  readonly dimensionKey: string;
  readonly credits: Decimal;
}

interface GrantRow {
  readonly id: string;
  readonly customer_id: string;
  readonly key: string;
  readonly credits: string;
  readonly remaining: string;
  readonly reserved: string;
  readonly price_used: string;
  readonly price_amount: string | null;
  readonly price_currency: string | null;
  readonly priority: number;
  readonly promotional: boolean;
  readonly effective_at: Instant;
  readonly expires_at: Instant | null;
  readonly source: StoredGrant['source'];
  readonly subscription_id: string | null;
  readonly invoice_id: string | null;
  readonly taxed_at_use: boolean;
  readonly created_at: Instant;
}

const WALLET = 'version, balance, debt, reserved, filled, filled_by, drawn_seq, drawn_terms, waiting';
const TERMS = `g.id, g.customer_id, g.key, g.credits, g.price_amount, g.price_currency, g.priority, g.promotional, g.effective_at, g.expires_at,
  g.source, g.subscription_id, g.invoice_id, g.taxed_at_use, g.created_at`;
const GRANT = `${TERMS}, g.remaining, g.reserved, g.price_used`;

/** SQL of wallets: grants and the ledger of their postings. */
@Injectable()
export class CreditStore {
  /** Holds the customer's wallet until the transaction ends: one row, so no two debits see the same balance (SEMANTICS 7.4). */
  async lock(tx: TenantTransaction, customerId: string): Promise<WalletRow> {
    await this.lockMany(tx, [customerId]);
    const row = await this.row(tx, customerId);
    if (row === null) throw new Error(`the wallet of customer ${customerId} is not there`);
    return row;
  }

  /** The same for many wallets, always in one order: two that lock several wait for each other and never in a circle. */
  async lockMany(tx: TenantTransaction, customerIds: readonly string[]): Promise<void> {
    if (customerIds.length === 0) return;
    const wanted = [tx.tenantId, [...customerIds].sort()];
    await tx.query('INSERT INTO wallet (tenant_id, customer_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING', wanted);
    await tx.query('SELECT 1 FROM wallet WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[]) ORDER BY customer_id FOR UPDATE', wanted);
    await tx.query('UPDATE wallet SET version = version + 1 WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[])', wanted);
  }

  /** Null before anything happened to it. */
  async row(tx: TenantTransaction, customerId: string): Promise<WalletRow | null> {
    const [row] = await tx.query<WalletSqlRow>(`SELECT ${WALLET} FROM wallet WHERE tenant_id = $1 AND customer_id = $2`, [
      tx.tenantId,
      customerId,
    ]);
    return row ? walletOfRow(row) : null;
  }

  async markFilled(tx: TenantTransaction, customerId: string, filled: Decimal, filledBy: string): Promise<void> {
    await tx.query('UPDATE wallet SET filled = $3, filled_by = $4 WHERE tenant_id = $1 AND customer_id = $2', [
      tx.tenantId,
      customerId,
      filled.toString(),
      filledBy,
    ]);
  }

  async markDrawn(
    tx: TenantTransaction,
    customerId: string,
    { seq, terms, waiting }: { seq: number; terms: string; waiting: WalletRow['waiting'] },
  ): Promise<void> {
    const credits = Object.fromEntries([...waiting].map(([key, value]) => [key, value.toString()]));
    await tx.query('UPDATE wallet SET drawn_seq = $3, drawn_terms = $4, waiting = $5 WHERE tenant_id = $1 AND customer_id = $2', [
      ...[tx.tenantId, customerId, seq, terms, JSON.stringify(credits)],
    ]);
  }

  /** Everything that is open is to be drawn anew. */
  async markUndrawn(tx: TenantTransaction, customerId: string): Promise<void> {
    await tx.query('UPDATE wallet SET drawn_seq = NULL, drawn_terms = NULL WHERE tenant_id = $1 AND customer_id = $2', [
      tx.tenantId,
      customerId,
    ]);
  }

  /** Which of the keys are those of grants of the customers; keys of plans name their segment, so they are nobody else's. */
  async grantKeys(tx: TenantTransaction, customerIds: readonly string[], keys: readonly string[]): Promise<Set<string>> {
    if (keys.length === 0) return new Set();
    const rows = await tx.query<{ key: string }>(
      'SELECT key FROM credit_grant WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[]) AND key = ANY ($3::text[])',
      [tx.tenantId, customerIds, keys],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /**
   * Every grant of a customer with what is left of it, by the sums that are kept. `upTo`: as the ledger stood then, postings that count later taken off again;
   * `burntBefore`: without what usage burnt from then on (a burn counts from the beginning of the time that its usage lies in). Only postings from that
   * time on are read, so today's balance costs the same after ten years.
   */
  async grants(
    tx: TenantTransaction,
    customerId: string,
    upTo: Instant | null = null,
    burntBefore: Instant | null = null,
  ): Promise<StoredGrant[]> {
    if (upTo === null && burntBefore === null) {
      const current = `SELECT ${GRANT} FROM credit_grant g WHERE g.tenant_id = $1 AND g.customer_id = $2 ORDER BY g.created_at, g.id`;
      return (await tx.query<GrantRow>(current, [tx.tenantId, customerId])).map(grantOfRow);
    }
    const rows = await tx.query<GrantRow>(
      `SELECT ${TERMS}, g.remaining - coalesce(later.remaining, 0) AS remaining, g.reserved - coalesce(later.reserved, 0) AS reserved,
         g.price_used - coalesce(later.price_used, 0) AS price_used
       FROM credit_grant g LEFT JOIN (
         SELECT p.grant_id, sum(p.credits) FILTER (WHERE p.account = 'GRANT') AS remaining,
           sum(p.credits) FILTER (WHERE p.account = 'RESERVED') AS reserved, sum(p.revenue) AS price_used
         FROM credit_posting p
         WHERE p.tenant_id = $1 AND p.customer_id = $2 AND p.grant_id IS NOT NULL AND p.at >= least($3::timestamptz, $4::timestamptz)
           AND (p.at > $3::timestamptz OR (p.cause = 'USAGE' AND p.at >= $4::timestamptz))
         GROUP BY p.grant_id
       ) later ON later.grant_id = g.id
       WHERE g.tenant_id = $1 AND g.customer_id = $2 ORDER BY g.created_at, g.id`,
      [tx.tenantId, customerId, sqlInstantOrNull(upTo), sqlInstantOrNull(burntBefore)],
    );
    return rows.map(grantOfRow);
  }

  /**
   * Every grant as the ledger stood before an instant, without what is told by others than postings: debits by key from `debitsFrom` on, and usage of the
   * periods from their `from` on. Usage, debits and reservations that count at the instant itself are not in it, all else that does is. Only
   * postings from then on are read.
   */
  async grantsBefore(tx: TenantTransaction, customerId: string, told: ToldElsewhere): Promise<StoredGrant[]> {
    const rows = await tx.query<GrantRow>(
      `SELECT ${TERMS}, g.remaining - coalesce(later.remaining, 0) AS remaining, g.reserved - coalesce(later.reserved, 0) AS reserved,
         g.price_used - coalesce(later.price_used, 0) AS price_used
       FROM credit_grant g LEFT JOIN (
         SELECT p.grant_id, sum(p.credits) FILTER (WHERE p.account = 'GRANT') AS remaining,
           sum(p.credits) FILTER (WHERE p.account = 'RESERVED') AS reserved, sum(p.revenue) AS price_used
         FROM credit_posting p WHERE p.tenant_id = $1 AND p.customer_id = $2 AND p.grant_id IS NOT NULL AND ${LATER_OR_TOLD}
         GROUP BY p.grant_id
       ) later ON later.grant_id = g.id
       WHERE g.tenant_id = $1 AND g.customer_id = $2 ORDER BY g.created_at, g.id`,
      [tx.tenantId, customerId, ...toldColumns(told)],
    );
    return rows.map(grantOfRow);
  }

  /** What the wallet owed before an instant, by the same rule. Below zero: grants that were effective by then paid debts that arose later. */
  async debtBefore(tx: TenantTransaction, customerId: string, told: ToldElsewhere): Promise<Decimal> {
    const [row] = await tx.query<{ debt: string }>(
      `SELECT w.debt + coalesce((SELECT sum(p.credits) FROM credit_posting p
         WHERE p.tenant_id = $1 AND p.customer_id = $2 AND p.account = 'DEBT' AND ${LATER_OR_TOLD}), 0) AS debt
       FROM wallet w WHERE w.tenant_id = $1 AND w.customer_id = $2`,
      [tx.tenantId, customerId, ...toldColumns(told)],
    );
    return row === undefined ? Decimal.ZERO : Decimal.parse(row.debt);
  }

  /** Those that hold something, or have it held by reservations. */
  async usableGrants(tx: TenantTransaction, customerId: string): Promise<StoredGrant[]> {
    const rows = await tx.query<GrantRow>(
      `SELECT ${GRANT} FROM credit_grant g WHERE g.tenant_id = $1 AND g.customer_id = $2 AND (g.remaining > 0 OR g.reserved > 0)
       ORDER BY g.created_at, g.id`,
      [tx.tenantId, customerId],
    );
    return rows.map(grantOfRow);
  }

  /** Credits that were burnt of each grant at one of the times or later, by time and id; those of which nothing was are left out. */
  async burntSince(tx: TenantTransaction, customerId: string, ...times: readonly Instant[]): Promise<Map<Instant, Map<string, Decimal>>> {
    const rows = await tx.query<{ since: Instant; grant_id: string; credits: string }>(
      `SELECT t.since, p.grant_id, sum(p.credits) AS credits FROM unnest($3::timestamptz[]) AS t (since)
       JOIN credit_posting p ON p.tenant_id = $1 AND p.customer_id = $2 AND p.account = 'BURNT' AND p.grant_id IS NOT NULL AND p.at >= t.since
       GROUP BY 1, 2`,
      [tx.tenantId, customerId, times.map(sqlInstant)],
    );
    const burnt = new Map<Instant, Map<string, Decimal>>();
    for (const { since, grant_id: id, credits } of rows) {
      const own = burnt.get(since) ?? new Map<string, Decimal>();
      burnt.set(since, own.set(id, Decimal.parse(credits)));
    }
    return burnt;
  }

  /** What the customer's wallet owes. */
  async debt(tx: TenantTransaction, customerId: string): Promise<Decimal> {
    return (await this.row(tx, customerId))?.debt ?? Decimal.ZERO;
  }

  /** `without`: as if the usage of these periods had not been drawn yet, for whoever bills them again in memory. */
  async wallet(tx: TenantTransaction, customerId: string, without: readonly PeriodKey[] = []): Promise<WalletState> {
    const wallet = { grants: await this.grants(tx, customerId), debt: await this.debt(tx, customerId) };
    if (without.length === 0) return wallet;
    const drawn = await tx.query<{ grant_id: string | null; against: BurnAgainst; credits: string; revenue: string }>(
      `SELECT grant_id, ${AGAINST} AS against, sum(credits) AS credits, sum(revenue) AS revenue FROM credit_posting p
       JOIN unnest($2::uuid[], $3::timestamptz[]) AS part (segment_id, period_start) ON p.segment_id = part.segment_id AND p.period_start = part.period_start
       WHERE p.tenant_id = $1 AND p.account = 'BURNT' AND p.dimension_key IS NOT NULL GROUP BY 1, 2`,
      [tx.tenantId, ...partColumns(without)],
    );
    const sum = (rows: readonly { credits: string }[]): Decimal => Decimal.sum(rows.map(({ credits }) => Decimal.parse(credits)));
    const owed = sum(drawn.filter(({ against }) => against === 'DEBT'));
    const grants = wallet.grants.map((grant) => {
      const own = drawn.filter(({ grant_id: id }) => id === grant.id);
      if (own.length === 0) return grant;
      const priceUsed = grant.priceUsed.minus(Decimal.sum(own.map(({ revenue }) => Decimal.parse(revenue))));
      return { ...grant, remaining: grant.remaining.plus(sum(own)), priceUsed };
    });
    return { grants, debt: Decimal.max(Decimal.ZERO, wallet.debt.minus(owed)) };
  }

  async grantByKey(tx: TenantTransaction, customerId: string, key: string): Promise<StoredGrant | null> {
    const [row] = await tx.query<GrantRow>(
      `SELECT ${GRANT} FROM credit_grant g WHERE g.tenant_id = $1 AND g.customer_id = $2 AND g.key = $3`,
      [tx.tenantId, customerId, key],
    );
    return row ? grantOfRow(row) : null;
  }

  /** Null when the customer has a grant with the key. Holds nothing until it is posted. */
  async insertGrant(tx: TenantTransaction, grant: NewGrant): Promise<StoredGrant | null> {
    const [row] = await tx.query<GrantRow>(
      `INSERT INTO credit_grant AS g (tenant_id, id, customer_id, key, credits, price_amount, price_currency, priority, promotional, effective_at,
         expires_at, source, subscription_id, invoice_id, taxed_at_use)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
       ON CONFLICT (tenant_id, customer_id, key) DO NOTHING RETURNING ${GRANT}`,
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
        grant.taxedAtUse,
      ],
    );
    return row ? grantOfRow(row) : null;
  }

  /**
   * Adds to the ledger and to the sums that are kept beside it, in the order given. That each transaction sums to zero is checked by the database
   * (SEMANTICS 7.1). The caller holds the wallet.
   */
  async post(tx: TenantTransaction, customerId: string, postings: readonly Posting[]): Promise<void> {
    if (postings.length === 0) return;
    await tx.query(POST, [tx.tenantId, customerId, ...postingColumns(postings)]);
    const moved = movedGrants(postings);
    if (moved.length > 0) {
      await tx.query(MOVE_GRANTS, [
        tx.tenantId,
        moved.map(({ grantId }) => grantId),
        moved.map(({ remaining }) => remaining.toString()),
        moved.map(({ reserved }) => reserved.toString()),
        moved.map(({ priceUsed }) => priceUsed.toString()),
      ]);
    }
    const sums = walletSums(postings);
    await tx.query(
      'UPDATE wallet SET balance = balance + $3, reserved = reserved + $4, debt = debt + $5 WHERE tenant_id = $1 AND customer_id = $2',
      [tx.tenantId, customerId, sums.balance.toString(), sums.reserved.toString(), sums.debt.toString()],
    );
  }

  /** Credits of usage that are recorded for the periods, by place and dimensions, what was given back taken off. */
  async recordedUsage(tx: TenantTransaction, parts: readonly PeriodKey[]): Promise<RecordedCredits[]> {
    if (parts.length === 0) return [];
    const rows = await tx.query<{ segment_id: string; period_start: Instant; at: Instant; dimension_key: string; credits: string }>(
      `SELECT p.segment_id, p.period_start, p.at, p.dimension_key, sum(p.credits) AS credits
       FROM credit_posting p JOIN unnest($2::uuid[], $3::timestamptz[]) AS part (segment_id, period_start)
         ON p.segment_id = part.segment_id AND p.period_start = part.period_start
       WHERE p.tenant_id = $1 AND p.account = 'BURNT' AND p.dimension_key IS NOT NULL
       GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
      [tx.tenantId, ...partColumns(parts)],
    );
    return rows.map((row) => ({
      segmentId: row.segment_id,
      periodStart: row.period_start,
      at: row.at,
      dimensionKey: row.dimension_key,
      credits: Decimal.parse(row.credits),
    }));
  }

  /** The burns of one kind of usage in a period, or of all of it, in the order in which they were recorded: the recorded split is the truth (7.3). */
  async usageBurns(
    tx: TenantTransaction,
    { segmentId, periodStart }: PeriodKey,
    dimensionKey: string | null,
  ): Promise<(LedgerBurn & { readonly at: Instant; readonly dimensionKey: string; readonly subscriptionId: string | null })[]> {
    const rows = await tx.query<BurnRow & { at: Instant; dimension_key: string; subscription_id: string | null }>(
      `SELECT p.grant_id, ${AGAINST} AS against, p.credits, p.revenue, p.at, p.dimension_key, p.subscription_id FROM credit_posting p
       WHERE p.tenant_id = $1 AND p.segment_id = $2 AND p.period_start = $3 AND p.account = 'BURNT' AND p.dimension_key IS NOT NULL
         AND ($4::text IS NULL OR p.dimension_key = $4) ORDER BY p.no`,
      [tx.tenantId, segmentId, sqlInstant(periodStart), dimensionKey],
    );
    return rows.map((row) => ({
      ...burnOfRow(row),
      at: row.at,
      dimensionKey: row.dimension_key,
      subscriptionId: row.subscription_id,
    }));
  }

  /** The burns of usage of the periods that count from their `from` on and before an instant, by when they count, then in the order of recording. */
  async usageBurnsBefore(
    tx: TenantTransaction,
    customerId: string,
    periods: readonly PeriodFrom[],
    before: Instant,
  ): Promise<(LedgerBurn & PeriodKey & { readonly dimensionKey: string })[]> {
    if (periods.length === 0) return [];
    const earliest = sqlInstant(Math.min(...periods.map(({ from }) => from)));
    const rows = await tx.query<BurnRow & { segment_id: string; period_start: Instant; dimension_key: string }>(
      `SELECT p.grant_id, ${AGAINST} AS against, p.credits, p.revenue, p.segment_id, p.period_start, p.dimension_key
       FROM credit_posting p JOIN unnest($5::uuid[], $6::timestamptz[], $7::timestamptz[]) AS part (segment_id, period_start, from_at)
         ON p.segment_id = part.segment_id AND p.period_start = part.period_start AND p.at >= part.from_at
       WHERE p.tenant_id = $1 AND p.customer_id = $2 AND p.at >= $3 AND p.at < $4 AND p.account = 'BURNT' AND p.cause = 'USAGE' ORDER BY p.at, p.no`,
      [tx.tenantId, customerId, earliest, sqlInstant(before), ...partColumns(periods), periods.map(({ from }) => sqlInstant(from))],
    );
    return rows.map((row) => ({
      ...burnOfRow(row),
      segmentId: row.segment_id,
      periodStart: row.period_start,
      dimensionKey: row.dimension_key,
    }));
  }

  /** Debts that grants paid, in the order in which they did. `upTo`: only those that count by then. */
  async repayments(
    tx: TenantTransaction,
    customerId: string,
    invoiceId: string | null = null,
    upTo: Instant | null = null,
  ): Promise<TakenCredits[]> {
    const rows = await tx.query<{ grant_id: string; credits: string; revenue: string }>(
      `SELECT grant_id, credits, revenue FROM credit_posting
       WHERE tenant_id = $1 AND customer_id = $2 AND cause = 'REPAYMENT' AND account = 'BURNT' AND grant_id IS NOT NULL
         AND ($3::uuid IS NULL OR grant_id IN (SELECT id FROM credit_grant WHERE tenant_id = $1 AND invoice_id = $3))
         AND ($4::timestamptz IS NULL OR at <= $4) ORDER BY no`,
      [tx.tenantId, customerId, invoiceId, sqlInstantOrNull(upTo)],
    );
    return rows.map((row) => ({ grantId: row.grant_id, credits: Decimal.parse(row.credits), revenue: Decimal.parse(row.revenue) }));
  }

  /** Credits of the periods that nothing covers, by period: of usage, and of debits that count for them. Below `before` only, if said. */
  async uncovered(tx: TenantTransaction, parts: readonly PeriodKey[], before: Instant | null = null): Promise<Map<string, Decimal>> {
    if (parts.length === 0) return new Map();
    const rows = await tx.query<{ segment_id: string; period_start: Instant; credits: string }>(
      `SELECT p.segment_id, p.period_start, -sum(p.credits) AS credits
       FROM credit_posting p JOIN unnest($2::uuid[], $3::timestamptz[]) AS part (segment_id, period_start)
         ON p.segment_id = part.segment_id AND p.period_start = part.period_start
       WHERE p.tenant_id = $1 AND p.account = 'UNCOVERED' AND ($4::timestamptz IS NULL OR p.at < $4) GROUP BY 1, 2`,
      [tx.tenantId, ...partColumns(parts), sqlInstantOrNull(before)],
    );
    return new Map(
      rows.map((row) => [periodKey({ segmentId: row.segment_id, periodStart: row.period_start }), Decimal.parse(row.credits)]),
    );
  }

  async cursors(tx: TenantTransaction, ...customerIds: string[]): Promise<CreditCursor[]> {
    const rows = await tx.query<{ subscription_id: string; settled_until: Instant; granted_until: Instant | null }>(
      'SELECT subscription_id, settled_until, granted_until FROM credit_cursor WHERE tenant_id = $1 AND customer_id = ANY ($2::uuid[])',
      [tx.tenantId, customerIds],
    );
    return rows.map((row) => ({
      subscriptionId: row.subscription_id,
      settledUntil: row.settled_until,
      grantedUntil: row.granted_until,
    }));
  }

  async advanceCursor(
    tx: TenantTransaction,
    customerId: string,
    { subscriptionId, settledUntil, grantedUntil }: CreditCursor,
  ): Promise<void> {
    await tx.query(
      `INSERT INTO credit_cursor AS c (tenant_id, customer_id, subscription_id, settled_until, granted_until) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (tenant_id, customer_id, subscription_id) DO UPDATE
         SET settled_until = greatest(c.settled_until, excluded.settled_until), granted_until = greatest(c.granted_until, excluded.granted_until)`,
      [tx.tenantId, customerId, subscriptionId, sqlInstant(settledUntil), sqlInstantOrNull(grantedUntil)],
    );
  }

  /**
   * What was burnt of credits that were sold without tax, at their price, by customer and currency: all of it that counts before the instant, and what was given
   * back by voiding, which counts for the time that was billed. Customers without such credits are left out.
   */
  async burntUntaxed(
    tx: TenantTransaction,
    wanted: readonly { readonly customerId: string; readonly before: Instant }[],
  ): Promise<Map<string, ReadonlyMap<string, Decimal>>> {
    const burnt = new Map<string, Map<string, Decimal>>();
    if (wanted.length === 0) return burnt;
    const rows = await tx.query<{ customer_id: string; currency: string; revenue: string }>(
      `SELECT g.customer_id, g.price_currency AS currency, sum(p.revenue) AS revenue
       FROM unnest($2::uuid[], $3::timestamptz[]) AS w (customer_id, before_at)
       JOIN credit_grant g ON g.tenant_id = $1 AND g.customer_id = w.customer_id AND g.taxed_at_use
       JOIN credit_posting p ON p.tenant_id = $1 AND p.customer_id = w.customer_id AND p.grant_id = g.id AND p.account = 'BURNT'
         AND (p.at < w.before_at OR p.cause = 'VOID')
       WHERE g.price_currency IS NOT NULL GROUP BY 1, 2`,
      [tx.tenantId, wanted.map(({ customerId }) => customerId), wanted.map(({ before }) => sqlInstant(before))],
    );
    for (const { customer_id: id, currency, revenue } of rows) {
      const own = burnt.get(id) ?? new Map<string, Decimal>();
      burnt.set(id, own.set(currency, Decimal.parse(revenue)));
    }
    return burnt;
  }

  /** Customers with credits in grants that are gone at `upTo`. */
  async customersWithExpired(tx: TenantTransaction, upTo: Instant): Promise<string[]> {
    const rows = await tx.query<{ customer_id: string }>(
      `SELECT DISTINCT g.customer_id FROM credit_grant g WHERE g.tenant_id = $1 AND g.expires_at <= $2 AND g.remaining > 0 ORDER BY g.customer_id`,
      [tx.tenantId, sqlInstant(upTo)],
    );
    return rows.map((row) => row.customer_id);
  }
}

/** What a posting of BURNT stands against: its grant, or the account that its transaction names. */
const AGAINST = `CASE WHEN p.grant_id IS NOT NULL THEN 'GRANT'
  WHEN EXISTS (SELECT 1 FROM credit_posting o WHERE o.tenant_id = p.tenant_id AND o.transaction_id = p.transaction_id AND o.account = 'UNCOVERED')
  THEN 'UNCOVERED' ELSE 'DEBT' END`;

/** What is to be left out of the ledger before an instant, since something finer tells it. */
export interface ToldElsewhere {
  readonly at: Instant;
  readonly debitsFrom: Instant;
  readonly usage: readonly PeriodFrom[];
}

/** Postings that count later, or that something finer tells. $3 the instant, $4 the earliest of all, $5 debits from, $6 - $8 usage from. */
const LATER_OR_TOLD = `p.at >= $4::timestamptz AND (p.at > $3::timestamptz OR (p.cause = 'RESERVATION' AND p.at = $3::timestamptz)
  OR (p.cause = 'DEBIT' AND p.at >= $5::timestamptz) OR (p.cause = 'USAGE' AND (
  p.at >= $3::timestamptz OR EXISTS (SELECT 1 FROM unnest($6::uuid[], $7::timestamptz[], $8::timestamptz[]) AS told (segment_id, period_start, from_at)
    WHERE told.segment_id = p.segment_id AND told.period_start = p.period_start AND p.at >= told.from_at))))`;

function toldColumns({ at, debitsFrom, usage }: ToldElsewhere): unknown[] {
  const earliest = Math.min(at, debitsFrom, ...usage.map(({ from }) => from));
  return [sqlInstant(at), sqlInstant(earliest), sqlInstant(debitsFrom), ...partColumns(usage), usage.map(({ from }) => sqlInstant(from))];
}

/** The order of the arrays is the order in which rows are numbered. */
const POST = `
INSERT INTO credit_posting (tenant_id, id, customer_id, transaction_id, account, grant_id, credits, revenue, at, subscription_id, segment_id, period_start,
  dimension_key, invoice_id, cause)
SELECT $1, gen_random_uuid(), $2, row.* FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::numeric[], $7::numeric[], $8::timestamptz[], $9::uuid[], $10::uuid[],
  $11::timestamptz[], $12::text[], $13::uuid[], $14::text[]) AS row`;

const MOVE_GRANTS = `
UPDATE credit_grant g SET remaining = g.remaining + moved.remaining, reserved = g.reserved + moved.reserved, price_used = g.price_used + moved.price_used
FROM unnest($2::uuid[], $3::numeric[], $4::numeric[], $5::numeric[]) AS moved (id, remaining, reserved, price_used)
WHERE g.tenant_id = $1 AND g.id = moved.id`;

interface WalletSqlRow {
  readonly version: number;
  readonly balance: string;
  readonly debt: string;
  readonly reserved: string;
  readonly filled: string;
  readonly filled_by: string | null;
  readonly drawn_seq: number | null;
  readonly drawn_terms: string | null;
  readonly waiting: Readonly<Record<string, string>>;
}

interface BurnRow {
  readonly grant_id: string | null;
  readonly against: BurnAgainst;
  readonly credits: string;
  readonly revenue: string;
}

/** One name of a period, for maps. */
export const periodKey = ({ segmentId, periodStart }: PeriodKey): string => `${segmentId} ${periodStart}`;

/** Postings as the columns of `POST`, from $3 on. */
function postingColumns(postings: readonly Posting[]): unknown[] {
  const column = <Value>(read: (posting: Posting) => Value): Value[] => postings.map(read);
  return [
    column(({ transactionId }) => transactionId),
    column(({ account }) => account),
    column(({ grantId }) => grantId),
    column(({ credits }) => credits.toString()),
    column(({ revenue }) => revenue.toString()),
    column(({ at }) => sqlInstant(at)),
    column(({ subscriptionId }) => subscriptionId),
    column(({ segmentId }) => segmentId),
    column(({ periodStart }) => sqlInstantOrNull(periodStart)),
    column(({ dimensionKey }) => dimensionKey),
    column(({ invoiceId }) => invoiceId),
    column(({ cause }) => cause),
  ];
}

function partColumns(parts: readonly PeriodKey[]): [string[], string[]] {
  return [parts.map(({ segmentId }) => segmentId), parts.map(({ periodStart }) => sqlInstant(periodStart))];
}

function walletOfRow(row: WalletSqlRow): WalletRow {
  return {
    version: row.version,
    balance: Decimal.parse(row.balance),
    debt: Decimal.parse(row.debt),
    reserved: Decimal.parse(row.reserved),
    filled: Decimal.parse(row.filled),
    filledBy: row.filled_by,
    drawnSeq: row.drawn_seq,
    drawnTerms: row.drawn_terms,
    waiting: new Map(Object.entries(row.waiting).map(([key, credits]) => [key, Decimal.parse(credits)])),
  };
}

function burnOfRow(row: BurnRow): LedgerBurn {
  return { grantId: row.grant_id, against: row.against, credits: Decimal.parse(row.credits), revenue: Decimal.parse(row.revenue) };
}

function grantOfRow(row: GrantRow): StoredGrant {
  return {
    id: row.id,
    customerId: row.customer_id,
    key: row.key,
    credits: Decimal.parse(row.credits),
    remaining: Decimal.parse(row.remaining),
    reserved: Decimal.parse(row.reserved),
    priceUsed: Decimal.parse(row.price_used),
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
    taxedAtUse: row.taxed_at_use,
    createdAt: row.created_at,
  };
}
