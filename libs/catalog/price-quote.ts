import { CodedError, QUANTITY_PRECISION, currencyOf, parsePrice, quotePrice, requirePrecision } from '@tare/core';
import type { Decimal, PriceInput, PriceQuote } from '@tare/core';

/** Arguments of quotePrice in the contract. */
export interface PriceQuoteInput {
  readonly price: PriceInput;
  /** In units of the meter; see core's quotePrice for the models that read it otherwise. */
  readonly quantity: Decimal;
  /** ISO 4217, for rounding; none: USD. */
  readonly currency?: string | null | undefined;
}

const DEFAULT_CURRENCY = 'USD';

/** What a price charges for a quantity; errors name fields of the arguments. @throws CodedError those of parsePrice, NEGATIVE_NUMBER, TOO_PRECISE, UNKNOWN_CURRENCY */
export function priceQuoteOf({ price, quantity, currency }: PriceQuoteInput): PriceQuote {
  parsePrice(price, 'price', { needsMeter: false });
  if (quantity.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'A quantity cannot be negative.', 'quantity');
  requirePrecision(quantity, QUANTITY_PRECISION, 'quantity');
  return quotePrice(price, quantity, currencyOf(currency ?? DEFAULT_CURRENCY, 'currency').code);
}
