import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import type { DiscountTerms, Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { requireRedeemable } from './coupon.ts';
import { CouponStore } from './coupon.store.ts';

/** What redeeming a coupon gives: a discount, whose key is the coupon's. */
export interface RedeemedCoupon extends DiscountTerms {
  readonly key: string;
  readonly name: string;
}

/** Redeeming coupons: for whoever gives discounts to subscriptions. */
@Injectable()
export class Coupons {
  constructor(private readonly store: CouponStore) {}

  /**
   * Counts a redemption at `at` and answers the discount. The coupon's row is held until the transaction ends: it is never redeemed more often than it may,
   * and a transaction that fails has redeemed nothing. Whether a subscription may have the discount (it has it already, its plan has none of the prices, is
   * in another currency) is the caller's to know, before or after. `path`: where the key stands in the request.
   * @throws CodedError UNKNOWN_COUPON | COUPON_ARCHIVED | COUPON_EXPIRED | COUPON_USED_UP
   */
  async redeem(tx: TenantTransaction, key: string, at: Instant, path = 'coupon'): Promise<RedeemedCoupon> {
    const coupon = await this.store.lock(tx, key);
    if (coupon === null) throw new CodedError('UNKNOWN_COUPON', 'There is no coupon with this key.', path);
    requireRedeemable(coupon, at, path);
    await this.store.countRedemption(tx, coupon.id);
    const { name, percentOff, amountOff, prices, addOns, appliesTo, periods, until, carriesOn } = coupon;
    return { key, name, percentOff, amountOff, prices, addOns, appliesTo, periods, until, carriesOn };
  }
}
