import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { Instant } from '@tare/core';
import { sqlInstant, sqlInstantOrNull, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

interface Money {
  readonly amount: Decimal;
  readonly currency: string;
}

/**
 * REQUESTED: asked for; INVOICED: on a PREPAID invoice; PAID: paid, and so granted; CANCELED: its invoice was voided before it was paid; REFUNDED: paid, and some
 * of it was given back since.
 */
export type PurchaseStatus = 'REQUESTED' | 'INVOICED' | 'PAID' | 'CANCELED' | 'REFUNDED';

/** Credits that a customer buys. */
export interface CreditPurchase {
  readonly id: string;
  readonly customerId: string;
  /** Idempotency key. */
  readonly key: string;
  readonly source: 'PURCHASE' | 'AUTO_TOP_UP';
  readonly credits: Decimal;
  /** Of all of them, without tax. */
  readonly price: Money;
  readonly priority: number;
  /** Days of 24 hours from payment; null: they never expire. */
  readonly expiresAfterDays: number | null;
  readonly status: PurchaseStatus;
  readonly requestedAt: Instant;
  readonly invoiceId: string | null;
  readonly paidAt: Instant | null;
  readonly refundedCredits: Decimal;
  /** What their price was. */
  readonly refundedAmount: Decimal;
  /** Refunds that were asked for under a key: how many credits, or "all". */
  readonly refundKeys: Readonly<Record<string, string>>;
  readonly createdAt: Instant;
}

/** Where a page of the list begins: behind this row, or at the newest. */
export interface PurchasePosition {
  readonly beforeTime: string | null;
  readonly beforeId: string | null;
  readonly limit: number;
}

/** Which purchases without an invoice are meant. */
export interface RequestedPurchases {
  /** One of them; none: all. */
  readonly id?: string | null;
  readonly most: number;
}

export type NewPurchase = Pick<
  CreditPurchase,
  'customerId' | 'key' | 'credits' | 'price' | 'priority' | 'expiresAfterDays' | 'requestedAt'
>;

/** Buys credits by itself when fewer than `threshold` are left. */
export interface AutoTopUp {
  readonly threshold: Decimal;
  readonly credits: Decimal;
  readonly price: Money;
  /** What the top-ups of a month may cost, in the price's currency; null: any. */
  readonly monthlyLimit: Decimal | null;
  readonly expiresAfterDays: number | null;
}

interface PurchaseRow {
  readonly id: string;
  readonly customer_id: string;
  readonly key: string;
  readonly source: CreditPurchase['source'];
  readonly credits: string;
  readonly price_amount: string;
  readonly price_currency: string;
  readonly priority: number;
  readonly expires_after_days: number | null;
  readonly status: PurchaseStatus;
  readonly requested_at: Instant;
  readonly invoice_id: string | null;
  readonly paid_at: Instant | null;
  readonly refunded_credits: string;
  readonly refunded_amount: string;
  readonly refund_keys: Readonly<Record<string, string>>;
  readonly created_at: Instant;
}

interface TopUpRow {
  readonly threshold: string;
  readonly credits: string;
  readonly price_amount: string;
  readonly price_currency: string;
  readonly monthly_limit: string | null;
  readonly expires_after_days: number | null;
}

const COLUMNS = `id, customer_id, key, source, credits, price_amount, price_currency, priority, expires_after_days, status, requested_at, invoice_id, paid_at,
  refunded_credits, refunded_amount, refund_keys, created_at`;

/** SQL of credits that are bought. */
@Injectable()
export class CreditPurchaseStore {
  /** Null when the customer has a purchase with the key. */
  async insert(tx: TenantTransaction, purchase: NewPurchase): Promise<CreditPurchase | null> {
    const [row] = await tx.query<PurchaseRow>(
      `INSERT INTO credit_purchase (tenant_id, id, customer_id, key, source, credits, price_amount, price_currency, priority, expires_after_days, requested_at)
       VALUES ($1, $2, $3, $4, 'PURCHASE', $5, $6, $7, $8, $9, $10) ON CONFLICT (tenant_id, customer_id, key) DO NOTHING RETURNING ${COLUMNS}`,
      [
        ...[tx.tenantId, randomUUID(), purchase.customerId, purchase.key, purchase.credits.toString()],
        ...[purchase.price.amount.toString(), purchase.price.currency, purchase.priority, purchase.expiresAfterDays],
        sqlInstant(purchase.requestedAt),
      ],
    );
    return row ? purchaseOfRow(row) : null;
  }

  /** Nothing when one is open: its row is the only one (a unique index says so). */
  async requestTopUp(
    tx: TenantTransaction,
    customerId: string,
    topUp: AutoTopUp,
    { at, month }: { at: Instant; month: string },
  ): Promise<void> {
    const id = randomUUID();
    await tx.query(
      `INSERT INTO credit_purchase (tenant_id, id, customer_id, key, source, credits, price_amount, price_currency, expires_after_days, requested_at, month)
       VALUES ($1, $2, $3, $4, 'AUTO_TOP_UP', $5, $6, $7, $8, $9, $10)
       ON CONFLICT (tenant_id, customer_id) WHERE source = 'AUTO_TOP_UP' AND status IN ('REQUESTED', 'INVOICED') DO NOTHING`,
      [
        ...[tx.tenantId, id, customerId, `top-up:${id}`, topUp.credits.toString(), topUp.price.amount.toString(), topUp.price.currency],
        ...[topUp.expiresAfterDays, sqlInstant(at), month],
      ],
    );
  }

  /** What top-ups of a month cost, canceled ones left out. */
  async spentOnTopUps(tx: TenantTransaction, customerId: string, month: string): Promise<Decimal> {
    const [row] = await tx.query<{ spent: string }>(
      `SELECT coalesce(sum(price_amount), 0) AS spent FROM credit_purchase
       WHERE tenant_id = $1 AND customer_id = $2 AND source = 'AUTO_TOP_UP' AND month = $3 AND status <> 'CANCELED'`,
      [tx.tenantId, customerId, month],
    );
    return Decimal.parse(row?.spent ?? '0');
  }

  async byKey(tx: TenantTransaction, customerId: string, key: string): Promise<CreditPurchase | null> {
    const [row] = await tx.query<PurchaseRow>(
      `SELECT ${COLUMNS} FROM credit_purchase WHERE tenant_id = $1 AND customer_id = $2 AND key = $3`,
      [tx.tenantId, customerId, key],
    );
    return row ? purchaseOfRow(row) : null;
  }

  async byId(tx: TenantTransaction, id: string): Promise<CreditPurchase | null> {
    const [row] = await tx.query<PurchaseRow>(`SELECT ${COLUMNS} FROM credit_purchase WHERE tenant_id = $1 AND id = $2`, [tx.tenantId, id]);
    return row ? purchaseOfRow(row) : null;
  }

  /** Those that no invoice has yet, the oldest first; the rows are held until the transaction ends, and those that another one holds are left out. */
  async requested(tx: TenantTransaction, { id = null, most }: RequestedPurchases): Promise<CreditPurchase[]> {
    const rows = await tx.query<PurchaseRow>(
      `SELECT ${COLUMNS} FROM credit_purchase WHERE tenant_id = $1 AND status = 'REQUESTED' AND ($3::uuid IS NULL OR id = $3)
       ORDER BY requested_at, id LIMIT $2 FOR UPDATE SKIP LOCKED`,
      [tx.tenantId, most, id],
    );
    return rows.map(purchaseOfRow);
  }

  /** The customer's that have no invoice, in the same order. */
  async waiting(tx: TenantTransaction, customerId: string): Promise<CreditPurchase[]> {
    const rows = await tx.query<PurchaseRow>(
      `SELECT ${COLUMNS} FROM credit_purchase WHERE tenant_id = $1 AND customer_id = $2 AND status = 'REQUESTED' ORDER BY requested_at, id`,
      [tx.tenantId, customerId],
    );
    return rows.map(purchaseOfRow);
  }

  async ofInvoice(tx: TenantTransaction, invoiceId: string): Promise<CreditPurchase[]> {
    const rows = await tx.query<PurchaseRow>(
      `SELECT ${COLUMNS} FROM credit_purchase WHERE tenant_id = $1 AND invoice_id = $2 ORDER BY requested_at, id FOR UPDATE`,
      [tx.tenantId, invoiceId],
    );
    return rows.map(purchaseOfRow);
  }

  /** The customer's, newest first. */
  async ofCustomer(
    tx: TenantTransaction,
    customerId: string,
    { beforeTime, beforeId, limit }: PurchasePosition,
  ): Promise<CreditPurchase[]> {
    const rows = await tx.query<PurchaseRow>(
      `SELECT ${COLUMNS} FROM credit_purchase WHERE tenant_id = $1 AND customer_id = $2
         AND ($3::timestamptz IS NULL OR (created_at, id) < ($3::timestamptz, $4::uuid)) ORDER BY created_at DESC, id DESC LIMIT $5`,
      [tx.tenantId, customerId, beforeTime, beforeId, limit],
    );
    return rows.map(purchaseOfRow);
  }

  async update(tx: TenantTransaction, purchase: CreditPurchase): Promise<void> {
    const { id, status, invoiceId, paidAt, refundedCredits, refundedAmount, refundKeys } = purchase;
    await tx.query(
      `UPDATE credit_purchase SET status = $3, invoice_id = $4, paid_at = $5, refunded_credits = $6, refunded_amount = $7, refund_keys = $8
       WHERE tenant_id = $1 AND id = $2`,
      [
        ...[tx.tenantId, id, status, invoiceId, sqlInstantOrNull(paidAt), refundedCredits.toString(), refundedAmount.toString()],
        JSON.stringify(refundKeys),
      ],
    );
  }

  async autoTopUp(tx: TenantTransaction, customerId: string): Promise<AutoTopUp | null> {
    const [row] = await tx.query<TopUpRow>(
      'SELECT threshold, credits, price_amount, price_currency, monthly_limit, expires_after_days FROM auto_top_up WHERE tenant_id = $1 AND customer_id = $2',
      [tx.tenantId, customerId],
    );
    if (row === undefined) return null;
    return {
      threshold: Decimal.parse(row.threshold),
      credits: Decimal.parse(row.credits),
      price: { amount: Decimal.parse(row.price_amount), currency: row.price_currency },
      monthlyLimit: row.monthly_limit === null ? null : Decimal.parse(row.monthly_limit),
      expiresAfterDays: row.expires_after_days,
    };
  }

  /** Null takes it away. */
  async setAutoTopUp(tx: TenantTransaction, customerId: string, topUp: AutoTopUp | null): Promise<void> {
    await tx.query('DELETE FROM auto_top_up WHERE tenant_id = $1 AND customer_id = $2', [tx.tenantId, customerId]);
    if (topUp === null) return;
    await tx.query(
      `INSERT INTO auto_top_up (tenant_id, customer_id, threshold, credits, price_amount, price_currency, monthly_limit, expires_after_days)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        ...[tx.tenantId, customerId, topUp.threshold.toString(), topUp.credits.toString(), topUp.price.amount.toString()],
        ...[topUp.price.currency, topUp.monthlyLimit?.toString() ?? null, topUp.expiresAfterDays],
      ],
    );
  }

  /** Shares at which the tenant wants to be told; null: the defaults. */
  async percents(tx: TenantTransaction): Promise<readonly number[] | null> {
    const [row] = await tx.query<{ percents: number[] }>('SELECT percents FROM credit_alert_thresholds WHERE tenant_id = $1', [
      tx.tenantId,
    ]);
    return row?.percents ?? null;
  }

  async setPercents(tx: TenantTransaction, percents: readonly number[]): Promise<void> {
    await tx.query(
      `INSERT INTO credit_alert_thresholds (tenant_id, percents) VALUES ($1, $2)
       ON CONFLICT (tenant_id) DO UPDATE SET percents = excluded.percents`,
      [tx.tenantId, percents],
    );
  }
}

function purchaseOfRow(row: PurchaseRow): CreditPurchase {
  return {
    id: row.id,
    customerId: row.customer_id,
    key: row.key,
    source: row.source,
    credits: Decimal.parse(row.credits),
    price: { amount: Decimal.parse(row.price_amount), currency: row.price_currency },
    priority: row.priority,
    expiresAfterDays: row.expires_after_days,
    status: row.status,
    requestedAt: row.requested_at,
    invoiceId: row.invoice_id,
    paidAt: row.paid_at,
    refundedCredits: Decimal.parse(row.refunded_credits),
    refundedAmount: Decimal.parse(row.refunded_amount),
    refundKeys: row.refund_keys,
    createdAt: row.created_at,
  };
}
