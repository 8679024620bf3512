import { currencyOf, Decimal, formatAmount } from '@tare/core';

/** "1,234,567.891": thousands are told apart, every decimal is there. */
export function writtenNumber(number: Decimal): string {
  return grouped(number.toString());
}

/** With the decimals of the currency: "1,234.50" USD, "1,235" JPY, "1.230" BHD; a finer amount keeps all of its digits. */
export function writtenAmount(amount: Decimal, currency: string): string {
  return grouped(formatAmount(amount, currency));
}

/** An amount before rounding, cut to no more than a reader needs to follow the sum: at most four decimals beyond those of the currency, rounded. */
export function writtenStep(amount: Decimal, currency: string): string {
  const decimals = currencyOf(currency).minorUnits + 4;
  return grouped(formatAmount(amount.roundedTo(decimals), currency));
}

function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? thousands : `${thousands}.${fraction}`;
}
