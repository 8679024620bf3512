import { CodedError } from '../coded-error.ts';
import { Decimal, PRICE_PRECISION, currencyOf, decimalFromJson, requirePrecision } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { fieldPath, parseOptionalCount, parseOptionalInstant, requireKey } from './parse-fields.ts';
import type { FieldPath } from './parse-fields.ts';
import type { DecimalInput, InstantInput } from './plan-input.ts';

/** Which charges a discount is for: fees are what is charged without usage, credits of the plan among them; overage is usage. */
export type DiscountScope = 'ALL' | 'FEES' | 'USAGE';

/** What a discount takes off, of what and for how long: what a coupon promises before anybody has redeemed it. */
export interface DiscountTerms {
  /** "20" is 20 %. Exactly one of percentOff and amountOff is there. */
  readonly percentOff: Decimal | null;
  /** At most this much off each billing period. */
  readonly amountOff: { readonly amount: Decimal; readonly currency: string } | null;
  /** Keys of the prices that it is for; with `addOns` null too: every price. */
  readonly prices: readonly string[] | null;
  /** Keys of the add-ons whose prices it is for, beside `prices`. */
  readonly addOns: readonly string[] | null;
  readonly appliesTo: DiscountScope;
  /** Billing periods from where it begins; null: forever. 1 is once. */
  readonly periods: number | null;
  /** Service periods that begin from here on do not have it; null: none. */
  readonly until: Instant | null;
  /** What a billing period does not use of an amountOff is left for the next ones. */
  readonly carriesOn: boolean;
}

export interface DiscountTermsInput {
  readonly percentOff?: DecimalInput | null | undefined;
  readonly amountOff?: { readonly amount: DecimalInput; readonly currency: string } | null | undefined;
  readonly prices?: readonly string[] | null | undefined;
  readonly addOns?: readonly string[] | null | undefined;
  readonly appliesTo?: DiscountScope | null | undefined;
  readonly periods?: number | null | undefined;
  readonly until?: InstantInput | null | undefined;
  readonly carriesOn?: boolean | null | undefined;
}

const HUNDRED = Decimal.of(100);
const MOST_KEYS = 100;

/**
 * Reads what a discount takes off. `path`: where it stands in the request. Whether a plan has the prices and the currency is known where it is given.
 * @throws CodedError DISCOUNT_FIELD_MISSING | DISCOUNT_FIELD_NOT_ALLOWED | INVALID_PERCENT | NEGATIVE_PRICE | UNKNOWN_CURRENCY | INVALID_COUNT |
 *   INVALID_TIME | INVALID_DECIMAL | TOO_PRECISE | TOO_MANY | KEY_MISSING | KEY_TOO_LONG
 */
export function parseDiscountTerms(input: DiscountTermsInput, path = ''): DiscountTerms {
  const at = fieldPath(path);
  const percentOff = parsePercent(input.percentOff, at('percentOff'));
  const amountOff = parseAmount(input.amountOff, at('amountOff'));
  if (percentOff === null && amountOff === null) {
    throw new CodedError('DISCOUNT_FIELD_MISSING', 'A discount takes percentOff or amountOff.', at('percentOff'));
  }
  if (percentOff !== null && amountOff !== null) {
    throw new CodedError('DISCOUNT_FIELD_NOT_ALLOWED', 'A discount takes percentOff or amountOff, not both.', at('amountOff'));
  }
  if (input.carriesOn === true && amountOff === null) {
    throw new CodedError('DISCOUNT_FIELD_NOT_ALLOWED', 'Only an amount can have a rest that is carried on.', at('carriesOn'));
  }
  return {
    percentOff,
    amountOff,
    prices: parseKeys(input.prices, 'prices', at),
    addOns: parseKeys(input.addOns, 'addOns', at),
    appliesTo: input.appliesTo ?? 'ALL',
    periods: parseOptionalCount(input.periods, at('periods')),
    until: parseOptionalInstant(input.until, at('until')),
    carriesOn: input.carriesOn ?? false,
  };
}

function parsePercent(value: DecimalInput | null | undefined, path: string): Decimal | null {
  if (value === null || value === undefined) return null;
  const percent = requirePrecision(decimalFromJson(value, path), PRICE_PRECISION, path);
  if (percent.isPositive() && percent.compare(HUNDRED) <= 0) return percent;
  throw new CodedError('INVALID_PERCENT', 'A discount is above 0 and at most 100 percent: "20" is 20 %.', path);
}

function parseAmount(value: DiscountTermsInput['amountOff'], path: string): DiscountTerms['amountOff'] {
  if (value === null || value === undefined) return null;
  const amount = requirePrecision(decimalFromJson(value.amount, `${path}.amount`), PRICE_PRECISION, `${path}.amount`);
  if (!amount.isPositive()) throw new CodedError('NEGATIVE_PRICE', 'A discount takes off more than nothing.', `${path}.amount`);
  return { amount, currency: currencyOf(value.currency, `${path}.currency`).code };
}

/** Null and none: no key is named. */
function parseKeys(keys: readonly string[] | null | undefined, field: string, at: FieldPath): string[] | null {
  if (keys === null || keys === undefined || keys.length === 0) return null;
  if (keys.length > MOST_KEYS) throw new CodedError('TOO_MANY', `At most ${MOST_KEYS} are allowed here.`, at(field));
  return [...new Set(keys.map((key, index) => requireKey(key, `${at(field)}[${index}]`)))];
}
