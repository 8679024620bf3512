import { CodedError, Decimal, PRICE_PRECISION, decimalFromJson, requirePrecision, requiredText } from '@tare/core';
import type { DecimalInput, PlanTerms } from '@tare/core';
import type { SubscriptionDiscount } from './subscription.store.ts';

/** DiscountInput of the contract. */
export interface DiscountInput {
  readonly key: string;
  /** "20" is 20 %. */
  readonly percentOff?: DecimalInput | null | undefined;
  readonly amountOff?: { readonly amount: DecimalInput; readonly currency: string } | null | undefined;
  readonly prices?: readonly string[] | null | undefined;
  readonly periods?: number | null | undefined;
}

const MOST_DISCOUNTS = 20;
const MOST_PERIODS = 1_000;
const HUNDRED = Decimal.of(100);

/**
 * Reads the discounts of a subscription to a plan.
 * @throws CodedError DUPLICATE_DISCOUNT_KEY | DISCOUNT_FIELD_MISSING | DISCOUNT_FIELD_NOT_ALLOWED | INVALID_PERCENT | NEGATIVE_PRICE | CURRENCY_MISMATCH |
 *   UNKNOWN_PRICE | INVALID_COUNT | TOO_PRECISE | TOO_MANY | FIELD_MISSING | FIELD_TOO_LONG
 */
export function parseDiscounts(inputs: readonly DiscountInput[], terms: PlanTerms): SubscriptionDiscount[] {
  if (inputs.length > MOST_DISCOUNTS) throw new CodedError('TOO_MANY', `At most ${MOST_DISCOUNTS} discounts are allowed.`, 'discounts');
  const discounts = inputs.map((input, index) => parseDiscount(input, terms, `discounts[${index}]`));
  for (const [index, { key }] of discounts.entries()) {
    if (discounts.findIndex((other) => other.key === key) === index) continue;
    throw new CodedError('DUPLICATE_DISCOUNT_KEY', 'Each discount of a subscription has its own key.', `discounts[${index}].key`);
  }
  return discounts;
}

function parseDiscount(input: DiscountInput, terms: PlanTerms, path: string): SubscriptionDiscount {
  const percentOff = parsePercent(input.percentOff, `${path}.percentOff`);
  const amountOff = parseAmount(input.amountOff, terms, `${path}.amountOff`);
  if (percentOff === null && amountOff === null)
    throw new CodedError('DISCOUNT_FIELD_MISSING', 'A discount takes percentOff or amountOff.', path);
  if (percentOff !== null && amountOff !== null) {
    throw new CodedError('DISCOUNT_FIELD_NOT_ALLOWED', 'A discount takes percentOff or amountOff, not both.', `${path}.amountOff`);
  }
  const key = requiredText(input.key, `${path}.key`);
  return {
    key,
    percentOff,
    amountOff,
    prices: parsePrices(input.prices, terms, `${path}.prices`),
    periods: parsePeriods(input.periods, `${path}.periods`),
  };
}

function parsePercent(value: DiscountInput['percentOff'], path: string): Decimal | null {
  if (value === null || value === undefined) return null;
  const percent = requirePrecision(decimalFromJson(value, path), PRICE_PRECISION, path);
  if (percent.isPositive() && percent.compare(HUNDRED) <= 0) return percent;
  throw new CodedError('INVALID_PERCENT', 'A discount is above 0 and at most 100 percent: "20" is 20 %.', path);
}

function parseAmount(value: DiscountInput['amountOff'], { currency }: PlanTerms, path: string): SubscriptionDiscount['amountOff'] {
  if (value === null || value === undefined) return null;
  const amount = requirePrecision(decimalFromJson(value.amount, `${path}.amount`), PRICE_PRECISION, `${path}.amount`);
  if (!amount.isPositive()) throw new CodedError('NEGATIVE_PRICE', 'A discount takes off more than nothing.', `${path}.amount`);
  if (value.currency === currency) return { amount, currency };
  throw new CodedError('CURRENCY_MISMATCH', `The plan is in ${currency}, so its discounts are.`, `${path}.currency`);
}

/** Null and none: the whole invoice. */
function parsePrices(keys: DiscountInput['prices'], { prices }: PlanTerms, path: string): string[] | null {
  if (keys === null || keys === undefined || keys.length === 0) return null;
  for (const [index, key] of keys.entries()) {
    if (!prices.some((price) => price.key === key))
      throw new CodedError('UNKNOWN_PRICE', 'The plan has no price with this key.', `${path}[${index}]`);
  }
  return [...new Set(keys)];
}

function parsePeriods(periods: number | null | undefined, path: string): number | null {
  if (periods === null || periods === undefined) return null;
  if (Number.isInteger(periods) && periods >= 1 && periods <= MOST_PERIODS) return periods;
  throw new CodedError('INVALID_COUNT', `It is a whole number from 1 to ${MOST_PERIODS}; none is forever.`, path);
}
