import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { DiscountScope, Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import type { Coupon, NewCoupon } from './coupon.ts';
import { keysetOf, pageOf, type Page, type PageRequest } from './keyset-page.ts';

interface CouponRow {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly percent_off: string | null;
  readonly amount_off: string | null;
  readonly currency: string | null;
  readonly prices: string[] | null;
  readonly add_ons: string[] | null;
  readonly applies_to: DiscountScope;
  readonly periods: number | null;
  readonly until_at: Instant | null;
  readonly carries_on: boolean;
  readonly max_redemptions: number | null;
  readonly redeem_by: Instant | null;
  readonly redemptions: number;
  readonly archived_at: Instant | null;
  readonly created_at: Instant;
}

const COLUMNS = `id, key, name, percent_off, amount_off, currency, prices, add_ons, applies_to, periods, until_at, carries_on, max_redemptions, redeem_by,
  redemptions, archived_at, created_at`;

/** SQL of coupons. */
@Injectable()
export class CouponStore {
  async byKey(tx: TenantTransaction, key: string): Promise<Coupon | null> {
    const [row] = await tx.query<CouponRow>(`SELECT ${COLUMNS} FROM coupon WHERE tenant_id = $1 AND key = $2`, [tx.tenantId, key]);
    return row ? couponOfRow(row) : null;
  }

  /** As byKey, and holds the row until the transaction ends: redemptions are counted one after the other. */
  async lock(tx: TenantTransaction, key: string): Promise<Coupon | null> {
    const [row] = await tx.query<CouponRow>(`SELECT ${COLUMNS} FROM coupon WHERE tenant_id = $1 AND key = $2 FOR UPDATE`, [
      tx.tenantId,
      key,
    ]);
    return row ? couponOfRow(row) : null;
  }

  /** In the order in which they were made. `archived`: those that are, or those that are not. */
  async page(tx: TenantTransaction, request: PageRequest, archived: boolean): Promise<Page<Coupon>> {
    const { afterTime, afterId, limit } = keysetOf(request);
    const rows = await tx.query<CouponRow>(
      `SELECT ${COLUMNS} FROM coupon
       WHERE tenant_id = $1 AND (archived_at IS NOT NULL) = $5 AND ($2::timestamptz IS NULL OR (created_at, id) > ($2::timestamptz, $3::uuid))
       ORDER BY created_at, id LIMIT $4`,
      [tx.tenantId, afterTime, afterId, limit, archived],
    );
    return pageOf(rows.map(couponOfRow), limit);
  }

  /** Null when the key is taken. */
  async insert(tx: TenantTransaction, coupon: NewCoupon): Promise<Coupon | null> {
    const [row] = await tx.query<CouponRow>(
      `INSERT INTO coupon (tenant_id, id, key, name, percent_off, amount_off, currency, prices, add_ons, applies_to, periods, until_at, carries_on, max_redemptions, redeem_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (tenant_id, key) DO NOTHING RETURNING ${COLUMNS}`,
      [
        tx.tenantId,
        randomUUID(),
        coupon.key,
        coupon.name,
        coupon.percentOff?.toString() ?? null,
        coupon.amountOff?.amount.toString() ?? null,
        coupon.amountOff?.currency ?? null,
        coupon.prices,
        coupon.addOns,
        coupon.appliesTo,
        coupon.periods,
        coupon.until === null ? null : sqlInstant(coupon.until),
        coupon.carriesOn,
        coupon.maxRedemptions,
        coupon.redeemBy === null ? null : sqlInstant(coupon.redeemBy),
      ],
    );
    return row ? couponOfRow(row) : null;
  }

  async countRedemption(tx: TenantTransaction, id: string): Promise<void> {
    await tx.query('UPDATE coupon SET redemptions = redemptions + 1 WHERE tenant_id = $1 AND id = $2', [tx.tenantId, id]);
  }

  /** Null when there is none with the key; archiving again keeps the first time. */
  async archive(tx: TenantTransaction, key: string): Promise<Coupon | null> {
    const [row] = await tx.query<CouponRow>(
      `UPDATE coupon SET archived_at = coalesce(archived_at, now()) WHERE tenant_id = $1 AND key = $2 RETURNING ${COLUMNS}`,
      [tx.tenantId, key],
    );
    return row ? couponOfRow(row) : null;
  }
}

function couponOfRow(row: CouponRow): Coupon {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    percentOff: row.percent_off === null ? null : Decimal.parse(row.percent_off),
    amountOff: row.amount_off === null || row.currency === null ? null : { amount: Decimal.parse(row.amount_off), currency: row.currency },
    prices: row.prices,
    addOns: row.add_ons,
    appliesTo: row.applies_to,
    periods: row.periods,
    until: row.until_at,
    carriesOn: row.carries_on,
    maxRedemptions: row.max_redemptions,
    redeemBy: row.redeem_by,
    redemptions: row.redemptions,
    archivedAt: row.archived_at,
    createdAt: row.created_at,
  };
}
