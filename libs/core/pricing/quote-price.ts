import { Decimal, roundToBilling } from '../money/index.ts';
import { parsePrice } from './parse-price.ts';
import type { PriceInput } from './plan-input.ts';
import type { WalkStep } from './price-charge.ts';
import { ratePrice } from './rate-price.ts';

/** `amount` is exact; `rounded` is what an invoice line would be; `lines` add up to `amount`. */
export interface PriceQuote {
  readonly amount: Decimal;
  readonly rounded: Decimal;
  readonly lines: readonly WalkStep[];
}

/**
 * A calculator: what a price charges for a quantity in a whole period. The quantity is the seats of a FLAT price per seat, the sum and one event of
 * PERCENTAGE, the cost of COST_PLUS (each unit of it counted as one unit for floor and ceiling).
 * @throws CodedError those of parsePrice, UNKNOWN_CURRENCY
 */
export function quotePrice(input: PriceInput, quantity: Decimal, currency = 'USD'): PriceQuote {
  const price = parsePrice(input, '', { needsMeter: false });
  const events = quantity.isZero() ? Decimal.ZERO : Decimal.ONE;
  const seats = price.model === 'FLAT' ? quantity : Decimal.ONE;
  const charge = ratePrice(price, { quantity, events, cost: quantity, seats });
  return { amount: charge.amount, rounded: roundToBilling(charge.amount, currency), lines: charge.walk };
}
