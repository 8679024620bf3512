import { CodedError, parseDiscountTerms, requiredText } from '@tare/core';
import type { DiscountTerms, DiscountTermsInput, Instant } from '@tare/core';

/** A discount that customers redeem by its key. What it promises never changes; that it is offered may end. */
export interface Coupon extends DiscountTerms {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  /** How many subscriptions may redeem it; null: any number. */
  readonly maxRedemptions: number | null;
  /** It is redeemed before this instant; null: always. */
  readonly redeemBy: Instant | null;
  readonly redemptions: number;
  /** Null while it is offered. */
  readonly archivedAt: Instant | null;
  readonly createdAt: Instant;
}

export type NewCoupon = Omit<Coupon, 'id' | 'redemptions' | 'archivedAt' | 'createdAt'>;

/** CouponInput of the API. */
export interface CouponInput extends DiscountTermsInput {
  readonly key: string;
  readonly name?: string | null | undefined;
  readonly maxRedemptions?: number | null | undefined;
  readonly redeemBy?: Instant | null | undefined;
}

/** @throws CodedError INVALID_COUNT | FIELD_MISSING | FIELD_TOO_LONG | INVALID_CHARACTER, and those of parseDiscountTerms */
export function parseCoupon(input: CouponInput): NewCoupon {
  const key = requiredText(input.key, 'key');
  const coupon = {
    ...parseDiscountTerms(input),
    key,
    name: (input.name ?? '') === '' ? key : requiredText(input.name, 'name'),
    maxRedemptions: parseMost(input.maxRedemptions ?? null),
    redeemBy: input.redeemBy ?? null,
  };
  for (const field of ['prices', 'addOns'] as const) {
    for (const [index, text] of (coupon[field] ?? []).entries()) requiredText(text, `${field}[${index}]`);
  }
  return coupon;
}

/** @throws CodedError COUPON_ARCHIVED | COUPON_EXPIRED | COUPON_USED_UP where it cannot be redeemed at `at` any more */
export function requireRedeemable(coupon: Coupon, at: Instant, path: string): void {
  const refuse = (code: string, why: string): never => {
    throw new CodedError(code, `Coupon "${coupon.key}" ${why}.`, path);
  };
  if (coupon.archivedAt !== null) refuse('COUPON_ARCHIVED', 'is not offered any more');
  if (coupon.redeemBy !== null && at >= coupon.redeemBy) refuse('COUPON_EXPIRED', 'could be redeemed until its redeemBy, which is over');
  if (coupon.maxRedemptions !== null && coupon.redemptions >= coupon.maxRedemptions) {
    refuse('COUPON_USED_UP', `has been redeemed ${coupon.redemptions} times, as often as it may`);
  }
}

function parseMost(value: number | null): number | null {
  if (value === null || (Number.isInteger(value) && value >= 1)) return value;
  throw new CodedError('INVALID_COUNT', 'It is a whole number from 1; leave it out for any number.', 'maxRedemptions');
}
