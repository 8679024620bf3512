import { currencyOf, stripeAmount, Decimal } from '@tare/core';

export type Collection =
  { readonly collection_method: 'send_invoice'; readonly days_until_due: number } | { readonly collection_method: 'charge_automatically' };

const DAYS_UNTIL_DUE = 30;

/** Stripe's smallest charges, in major units. Automatically charged invoices below them are "paid" into Stripe's customer balance. */
const SMALLEST_CHARGES: Readonly<Record<string, string>> = {
  ...{ USD: '0.50', AED: '2', AUD: '0.50', BGN: '1', BRL: '0.50', CAD: '0.50', CHF: '0.50', CZK: '15', DKK: '2.50', EUR: '0.50' },
  ...{ GBP: '0.30', HKD: '4', HUF: '175', INR: '0.50', JPY: '50', MXN: '10', MYR: '2', NOK: '3', NZD: '0.50', PLN: '2', RON: '2' },
  ...{ SEK: '3', SGD: '0.50', THB: '10' },
};

/**
 * How Stripe asks for the money, so that its customer balance stays untouched (SEMANTICS 8.6, docs/decisions/0013): sent where there is an address;
 * else charged, which is safe only for nothing at all or from the smallest charge on.
 * Null: neither is possible, the customer needs an email address.
 */
export function collectionFor(email: string | null, totalMinor: number, currency: string): Collection | null {
  if (email !== null) return { collection_method: 'send_invoice', days_until_due: DAYS_UNTIL_DUE };
  if (totalMinor === 0 || isChargeable(totalMinor, currency)) return { collection_method: 'charge_automatically' };
  return null;
}

function isChargeable(totalMinor: number, currency: string): boolean {
  const smallest = SMALLEST_CHARGES[currencyOf(currency).code];
  return smallest !== undefined && BigInt(totalMinor) >= stripeAmount(Decimal.parse(smallest), currency);
}
