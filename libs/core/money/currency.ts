import { CodedError } from '../coded-error.ts';
import { Decimal } from './decimal.ts';

/** How an amount is written for Stripe: as an integer at `decimals` decimals. */
export interface StripeCurrency {
  readonly decimals: number;
  /** Why the sync refuses this currency, as a sentence; null where it is sent. */
  readonly refusal: string | null;
}

export interface Currency {
  /** ISO 4217. */
  readonly code: string;
  readonly minorUnits: number;
  /** Lines are rounded to a multiple of this (SEMANTICS 1.5). */
  readonly billingIncrement: Decimal;
  readonly stripe: StripeCurrency;
}

/** ISO 4217 by minor unit. Codes without one (gold, drawing rights, testing) cannot be billed. ANG and BGN are withdrawn, but older invoices are in them. */
const CODES_BY_MINOR_UNITS: readonly (readonly [number, string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK ' +
      'DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL ' +
      'MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK ' +
      'SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG',
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];

/** Stripe wants the last of the three decimals to be 0, so these are billed at 0.010. */
const THREE_DECIMALS_ROUNDED_TO_TEN = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);
/** Billed whole, written for Stripe with two decimals. */
const WHOLE_BUT_SENT_WITH_TWO = new Set(['ISK']);

const STRIPE_REFUSALS: ReadonlyMap<string, string> = new Map([
  ['UGX', 'Stripe treats UGX both as a zero-decimal and as a two-decimal currency: invoices in UGX are not sent.'],
  ['MGA', 'Stripe takes MGA in whole ariary only, lines are billed to 0.01: invoices in MGA are not sent.'],
  ...['IQD', 'LYD', 'CLF', 'UYW'].map((code): [string, string] => [code, `Stripe does not offer ${code}: invoices in it are not sent.`]),
]);

function billingIncrementOf(code: string, minorUnits: number): Decimal {
  if (THREE_DECIMALS_ROUNDED_TO_TEN.has(code)) return Decimal.parse('0.010');
  return Decimal.fromUnits(1n, minorUnits);
}

function describe(code: string, minorUnits: number): Currency {
  return {
    code,
    minorUnits,
    billingIncrement: billingIncrementOf(code, minorUnits),
    stripe: { decimals: WHOLE_BUT_SENT_WITH_TWO.has(code) ? 2 : minorUnits, refusal: STRIPE_REFUSALS.get(code) ?? null },
  };
}

const CURRENCIES: ReadonlyMap<string, Currency> = new Map(
  CODES_BY_MINOR_UNITS.flatMap(([minorUnits, codes]) => codes.split(' ').map((code) => [code, describe(code, minorUnits)] as const)),
);

/** Every currency that can be billed, by code. */
export const CURRENCY_CODES: readonly string[] = [...CURRENCIES.keys()].sort();

/** The one currency table (SEMANTICS 1.5). Codes are upper case. @throws CodedError UNKNOWN_CURRENCY */
export function currencyOf(code: string, path?: string): Currency {
  const currency = CURRENCIES.get(code);
  if (currency === undefined) throw new CodedError('UNKNOWN_CURRENCY', 'The currency is not an ISO 4217 code such as "USD".', path);
  return currency;
}

/** The amount of one invoice line: rounded once, half away from zero (SEMANTICS 1.3). */
export function roundToBilling(amount: Decimal, currency: string): Decimal {
  return amount.roundedToIncrement(currencyOf(currency).billingIncrement);
}

/** With the decimals of the currency's minor unit: "12.30" USD, "12.340" BHD, "12" JPY; an exact amount that is finer keeps all its digits. */
export function formatAmount(amount: Decimal, currency: string): string {
  return amount.toFixed(Math.max(currencyOf(currency).minorUnits, amount.decimals));
}

/** The integer that Stripe is sent. @throws CodedError CURRENCY_NOT_SYNCED for a currency that the sync refuses, TOO_PRECISE for an amount that is not rounded */
export function stripeAmount(amount: Decimal, currency: string): bigint {
  const { stripe } = currencyOf(currency);
  if (stripe.refusal !== null) throw new CodedError('CURRENCY_NOT_SYNCED', stripe.refusal);
  return amount.unitsAt(stripe.decimals);
}
