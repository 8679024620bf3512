import { CodedError, parseDiscountTerms, requiredText } from '@tare/core';
import type { DiscountTerms, DiscountTermsInput, Instant, PlanTerms } from '@tare/core';
import type { SubscriptionDiscount } from './discount.ts';

/** DiscountInput of the contract. */
export interface DiscountInput extends DiscountTermsInput {
  readonly key: string;
}

const MOST_DISCOUNTS = 20;

/**
 * Reads the discounts of a subscription that begins. `terms`: what it is billed by.
 * @throws CodedError DUPLICATE_DISCOUNT_KEY | CURRENCY_MISMATCH | UNKNOWN_PRICE | UNKNOWN_ADD_ON | TOO_MANY | FIELD_MISSING | FIELD_TOO_LONG, and those of
 *   parseDiscountTerms
 */
export function parseDiscounts(
  inputs: readonly DiscountInput[],
  terms: PlanTerms,
  ofCustomer: readonly SubscriptionDiscount[],
): SubscriptionDiscount[] {
  return inputs.reduce<SubscriptionDiscount[]>((read, input, index) => {
    const path = `discounts[${index}]`;
    const discount = parseDiscount(input, null, path);
    requireKnownCharges(discount, terms, path);
    requireRoom([...ofCustomer, ...read], discount.key, `${path}.key`);
    return [...read, discount];
  }, []);
}

/** @throws CodedError FIELD_MISSING | FIELD_TOO_LONG, and those of parseDiscountTerms */
export function parseDiscount(input: DiscountInput, from: Instant | null, path: string): SubscriptionDiscount {
  if (!isGiven(input.percentOff) && !isGiven(input.amountOff))
    throw new CodedError('DISCOUNT_FIELD_MISSING', 'A discount takes percentOff or amountOff.', path);
  const key = requiredText(input.key, `${path}.key`);
  return { key, ...parseDiscountTerms(input, path), from, coupon: null, ofCustomer: false };
}

/** A discount for charges that a subscription does not have, or in money that it does not pay in, would take off nothing. */
export function requireKnownCharges(
  { amountOff, prices, addOns }: DiscountTerms,
  { currency, prices: own }: PlanTerms,
  path: string,
): void {
  if (amountOff !== null && amountOff.currency !== currency)
    throw new CodedError('CURRENCY_MISMATCH', `The plan is in ${currency}, so its discounts are.`, `${path}.amountOff.currency`);
  for (const [index, key] of (prices ?? []).entries()) {
    if (!own.some((price) => price.key === key))
      throw new CodedError('UNKNOWN_PRICE', 'The plan has no price with this key.', `${path}.prices[${index}]`);
  }
  for (const [index, addOn] of (addOns ?? []).entries()) {
    if (!own.some(({ key }) => key.startsWith(`${addOn}/`)))
      throw new CodedError('UNKNOWN_ADD_ON', 'The subscription has no add-on with this key.', `${path}.addOns[${index}]`);
  }
}

/** What a discount took is known by its key: no two of a subscription share one, also when one has ended. @throws CodedError DUPLICATE_DISCOUNT_KEY | TOO_MANY */
export function requireRoom(given: readonly SubscriptionDiscount[], key: string, path: string): void {
  if (given.some((other) => other.key === key)) {
    throw new CodedError('DUPLICATE_DISCOUNT_KEY', 'Each discount of a subscription has its own key, also when one has ended.', path);
  }
  if (given.length >= MOST_DISCOUNTS) throw new CodedError('TOO_MANY', `At most ${MOST_DISCOUNTS} discounts are allowed.`, 'discounts');
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined;
}
