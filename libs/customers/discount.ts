import { Decimal } from '@tare/core';
import type { DiscountTerms, Instant } from '@tare/core';

/** A discount that a subscription, or all subscriptions of a customer, have been given. It is never taken away, only ended. */
export interface SubscriptionDiscount extends DiscountTerms {
  /** Once among the discounts of a subscription, those of its customer included. */
  readonly key: string;
  /** The first service period that begins here or later has it; null: the first one of the subscription. */
  readonly from: Instant | null;
  /** Key of the coupon that gave it; null: none did. */
  readonly coupon: string | null;
  /** All subscriptions of the customer have it. */
  readonly ofCustomer: boolean;
}

/** As it is kept: decimals as text; what came later may be absent. */
export type DiscountJson = Pick<SubscriptionDiscount, 'key' | 'prices' | 'periods'> & {
  readonly percentOff: string | null;
  readonly amountOff: { readonly amount: string; readonly currency: string } | null;
} & Partial<Pick<SubscriptionDiscount, 'addOns' | 'appliesTo' | 'until' | 'carriesOn' | 'from' | 'coupon'>>;

/** For JSON.stringify. */
export function discountToJson({ ofCustomer: _ofCustomer, ...discount }: SubscriptionDiscount): unknown {
  return discount;
}

export function discountFromJson(json: DiscountJson, ofCustomer: boolean): SubscriptionDiscount {
  const { key, percentOff, amountOff, prices, periods } = json;
  return {
    key,
    percentOff: percentOff === null ? null : Decimal.parse(percentOff),
    amountOff: amountOff && { amount: Decimal.parse(amountOff.amount), currency: amountOff.currency },
    prices,
    addOns: json.addOns ?? null,
    appliesTo: json.appliesTo ?? 'ALL',
    periods,
    until: json.until ?? null,
    carriesOn: json.carriesOn ?? false,
    from: json.from ?? null,
    coupon: json.coupon ?? null,
    ofCustomer,
  };
}
