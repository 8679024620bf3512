import { CodedError } from '../coded-error.ts';
import { Decimal, PRICE_PRECISION, requirePrecision, roundToBilling } from '../money/index.ts';

/** A tax of a customer: "VAT" of 19 percent. */
export interface TaxRate {
  readonly name: string;
  /** "19" is 19 %. */
  readonly percent: Decimal;
}

/** One tax on one invoice. */
export interface TaxAmount {
  readonly name: string;
  /** Null where whoever worked the tax out did not say a rate. */
  readonly percent: Decimal | null;
  /** What it is a tax on. */
  readonly base: Decimal;
  /** Rounded once to the billing increment. */
  readonly amount: Decimal;
}

/** When credits that a customer buys are taxed, never twice (SEMANTICS 8.6). */
export type CreditsTaxed = 'AT_PURCHASE' | 'AT_USE';

/**
 * How an invoice is taxed. RATES: each of them on the whole base, none on another, each rounded once; no rates: no tax. AMOUNTS: worked out elsewhere for
 * this invoice (a tax service that was asked for the draft, or an invoice that was issued), and taken as they are.
 */
export type InvoiceTax = (
  { readonly kind: 'RATES'; readonly rates: readonly TaxRate[] } | { readonly kind: 'AMOUNTS'; readonly taxes: readonly TaxAmount[] }
) & { readonly creditsTaxed: CreditsTaxed };

/** No tax of ours: none is set for the customer, or it is exempt. */
export const NO_TAX: InvoiceTax = { kind: 'RATES', rates: [], creditsTaxed: 'AT_PURCHASE' };

/** The taxes on a base, below zero on a base below zero. A tax on nothing is listed with 0, so that the invoice shows its rate. */
export function taxesOn(base: Decimal, tax: InvoiceTax, currency: string): TaxAmount[] {
  if (tax.kind === 'AMOUNTS') return [...tax.taxes];
  return tax.rates.map(({ name, percent }) => ({
    name,
    percent,
    base,
    amount: roundToBilling(base.times(percent).times(PERCENT), currency),
  }));
}

/**
 * What a tax can be: a name, once, and from 0 to 100 percent. @throws CodedError TOO_MANY_TAX_RATES | DUPLICATE_TAX_RATE | OUT_OF_RANGE | TOO_PRECISE
 */
export function requireTaxRates(rates: readonly TaxRate[], path: string): TaxRate[] {
  if (rates.length > MOST_RATES) throw new CodedError('TOO_MANY_TAX_RATES', `A customer has at most ${MOST_RATES} taxes.`, path);
  const names = new Set<string>();
  for (const [index, { name, percent }] of rates.entries()) {
    if (names.has(name)) throw new CodedError('DUPLICATE_TAX_RATE', `There are two taxes named "${name}".`, `${path}.${index}.name`);
    names.add(name);
    requirePrecision(percent, PRICE_PRECISION, `${path}.${index}.percent`);
    if (percent.isNegative() || percent.compare(HUNDRED) > 0)
      throw new CodedError('OUT_OF_RANGE', 'A tax is from 0 to 100 percent: "19" is 19 %.', `${path}.${index}.percent`);
  }
  return [...rates];
}

const PERCENT = Decimal.parse('0.01');
const HUNDRED = Decimal.of(100);
const MOST_RATES = 10;
