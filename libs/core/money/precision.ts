import { CodedError } from '../coded-error.ts';
import { Decimal } from './decimal.ts';

export interface Precision {
  readonly decimals: number;
  readonly digits: number;
}

/** Unit prices and cost rates (SEMANTICS 1.2). The bound on digits keeps a row finite; the rule itself names none for prices. */
export const PRICE_PRECISION: Precision = { decimals: 18, digits: 36 };
/** Quantities, token counts included (SEMANTICS 1.2). */
export const QUANTITY_PRECISION: Precision = { decimals: 12, digits: 30 };

const LARGEST_EXACT_INTEGER = 2 ** 53;
const SHORT_INTEGER_LIMIT = 1e15;
const EXACT_SIGNIFICANT_DIGITS = 15;

/** Gives the number back, or refuses it: too many digits are never cut off (SEMANTICS 1.2). @throws CodedError TOO_PRECISE */
export function requirePrecision(value: Decimal, precision: Precision, path?: string): Decimal {
  if (value.decimals > precision.decimals) {
    throw new CodedError('TOO_PRECISE', `At most ${precision.decimals} decimals are kept here.`, path);
  }
  if (value.digits > precision.digits) {
    throw new CodedError('TOO_PRECISE', `At most ${precision.digits} digits are kept here.`, path);
  }
  return value;
}

/**
 * Reads a number of a JSON body: a string is the exact form; a JSON number is taken only where its double certainly is what was written
 * (SEMANTICS 1.1: shortest form of at most 15 significant digits, integers up to 2^53).
 * @throws CodedError INVALID_DECIMAL | NUMBER_NOT_EXACT
 */
export function decimalFromJson(value: unknown, path: string): Decimal {
  if (typeof value === 'number') return fromDouble(value, path);
  if (typeof value === 'string') return Decimal.parse(value, path);
  if (value instanceof Decimal) return value;
  throw new CodedError('INVALID_DECIMAL', 'A decimal number is expected, as a string such as "12.5".', path);
}

function fromDouble(value: number, path: string): Decimal {
  const isWhole = Number.isInteger(value);
  if (isWhole && Math.abs(value) < SHORT_INTEGER_LIMIT) return Decimal.of(value);
  const isExact = Number.isFinite(value) && !(isWhole && Math.abs(value) > LARGEST_EXACT_INTEGER);
  if (isExact) {
    const shortest = String(value);
    if (significantDigits(shortest) <= EXACT_SIGNIFICANT_DIGITS) return Decimal.parse(shortest, path);
  }
  throw new CodedError('NUMBER_NOT_EXACT', 'This JSON number may have lost digits on the way: send it as a string.', path);
}

function significantDigits(shortest: string): number {
  const digits = shortest.replace(/e.*$/, '').replace(/[-.]/g, '').replace(/^0+/, '');
  return (shortest.includes('.') ? digits : digits.replace(/0+$/, '')).length;
}
