import { CodedError } from '../coded-error.ts';
import { Decimal, QUANTITY_PRECISION, decimalFromJson, requirePrecision } from '../money/index.ts';
import type { Precision } from '../money/index.ts';

/** Readers of single fields of a wire object. Absent and null are the same; every refusal names its path. */

export type WireObject = Readonly<Record<string, unknown>>;

export const MAX_TEXT_LENGTH = 255;

export function requireObject(value: unknown, path: string, code = 'INVALID_FIELD'): WireObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CodedError(code, 'An object is expected.', path);
  }
  return value as WireObject;
}

/** @throws CodedError UNKNOWN_FIELD for the first field that is not among `known` */
export function refuseUnknownFields(object: WireObject, known: ReadonlySet<string>, prefix: string): void {
  for (const name in object) {
    if (!known.has(name)) throw new CodedError('UNKNOWN_FIELD', 'There is no field of this name.', `${prefix}${name.slice(0, 64)}`);
  }
}

/** Postgres cannot hold NUL, UTF-8 cannot hold half a character. @throws CodedError INVALID_CHARACTER */
export function requireStorable(text: string, path: string): string {
  if (!isStorable(text)) {
    throw new CodedError('INVALID_CHARACTER', 'NUL characters and lone surrogates cannot be kept.', path);
  }
  return text;
}

/** A text of at most 255 characters; an empty one is null. @throws CodedError INVALID_FIELD | FIELD_TOO_LONG | INVALID_CHARACTER */
export function optionalText(value: unknown, path: string, tooLong = 'FIELD_TOO_LONG'): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') throw new CodedError('INVALID_FIELD', 'A string is expected.', path);
  if (value.length > MAX_TEXT_LENGTH && isLongerThan(value, MAX_TEXT_LENGTH)) {
    throw new CodedError(tooLong, `At most ${MAX_TEXT_LENGTH} characters are kept here.`, path);
  }
  return requireStorable(value, path);
}

/** As optionalText, but it has to be there. @throws CodedError FIELD_MISSING, or the code given for it */
export function requiredText(value: unknown, path: string, missing = 'FIELD_MISSING', tooLong = 'FIELD_TOO_LONG'): string {
  const text = optionalText(value, path, tooLong);
  if (text === null) throw new CodedError(missing, 'This field has to be there.', path);
  return text;
}

/** A number that is not negative; absent is null. @throws CodedError INVALID_DECIMAL | NUMBER_NOT_EXACT | NEGATIVE_NUMBER | TOO_PRECISE */
export function optionalAmount(value: unknown, path: string, precision: Precision = QUANTITY_PRECISION): Decimal | null {
  if (value === undefined || value === null) return null;
  if (isPlainCount(value)) return Decimal.of(value);
  const amount = decimalFromJson(value, path);
  if (amount.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'The number cannot be negative.', path);
  return requirePrecision(amount, precision, path);
}

/** What nearly every count is: exact as a double, not negative, and within the precision of any field. */
function isPlainCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e15 && Number.isInteger(value);
}

/** Characters are code points, so one that needs two UTF-16 units counts once. */
function isLongerThan(text: string, limit: number): boolean {
  return text.length > limit * 2 || Array.from(text).length > limit;
}

function isStorable(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0) return false;
    if ((code & 0xf800) === 0xd800) return !text.includes('\0') && !/\p{Surrogate}/u.test(text);
  }
  return true;
}
