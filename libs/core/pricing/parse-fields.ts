import { CodedError } from '../coded-error.ts';
import { PRICE_PRECISION, decimalFromJson, requirePrecision } from '../money/index.ts';
import type { Decimal, Precision } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import { isTextProperty } from '../usage/index.ts';
import type { MeterFilter } from '../usage/index.ts';
import type { DecimalInput, InstantInput, MeterFilterInput } from './plan-input.ts';

/** The path of a field of what is being read: `prices[1].tiers`. */
export type FieldPath = (field: string) => string;

/** Intervals, periods and terms are counted up to this. */
export const MOST_INTERVALS = 1_000;

/** Paths under `path`; an empty one stands for the request itself. */
export function fieldPath(path: string): FieldPath {
  return (field) => (path === '' ? field : `${path}.${field}`);
}

/** Reads a price, rate or amount: never negative, at most 18 decimals. @throws CodedError NEGATIVE_PRICE | TOO_PRECISE | INVALID_DECIMAL */
export function parseDecimal(value: DecimalInput, path: string, precision: Precision = PRICE_PRECISION): Decimal {
  const decimal = requirePrecision(decimalFromJson(value, path), precision, path);
  if (decimal.isNegative()) throw new CodedError('NEGATIVE_PRICE', 'It cannot be below zero.', path);
  return decimal;
}

/** As parseDecimal; null where nothing is given. */
export function parseOptional(
  value: DecimalInput | null | undefined,
  path: string,
  precision: Precision = PRICE_PRECISION,
): Decimal | null {
  return value === null || value === undefined ? null : parseDecimal(value, path, precision);
}

/** An instant; null where nothing is given. @throws CodedError INVALID_TIME */
export function parseOptionalInstant(value: InstantInput | null | undefined, path: string): Instant | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? parseInstant(value, path) : value;
}

/** A whole number within bounds. @throws CodedError INVALID_COUNT */
export function parseCount(value: number, least: number, most: number, path: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new CodedError('INVALID_COUNT', `It is a whole number from ${least} to ${most}.`, path);
}

/** A number of intervals from 1; null where nothing is given. @throws CodedError INVALID_COUNT */
export function parseOptionalCount(value: number | null | undefined, path: string): number | null {
  return value === null || value === undefined ? null : parseCount(value, 1, MOST_INTERVALS, path);
}

/** Filters of a price or a burn rate. @throws CodedError INVALID_MATCH for an unknown property or no values */
export function parseMatch(filters: readonly MeterFilterInput[], path: string): MeterFilter[] {
  return filters.map((filter, index) => {
    requireTextProperty(filter.property, 'INVALID_MATCH', `${path}[${index}].property`);
    if (filter.in.length === 0)
      throw new CodedError('INVALID_MATCH', 'At least one value is needed, else nothing matches.', `${path}[${index}].in`);
    return { property: filter.property, in: [...filter.in] };
  });
}

/** A property that usage is told apart by. @throws CodedError with the code given */
export function requireTextProperty(property: string, code: string, path: string): string {
  if (isTextProperty(property)) return property;
  throw new CodedError(
    code,
    'A property is type, provider, model, serviceTier, region, pool, feature, outcome, user, traceId or properties.<path>.',
    path,
  );
}

/** A key is 1 to 255 characters. @throws CodedError KEY_MISSING | KEY_TOO_LONG */
export function requireKey(key: string, path: string): string {
  if (key.trim() === '') throw new CodedError('KEY_MISSING', 'A key is needed.', path);
  if (key.length > 255) throw new CodedError('KEY_TOO_LONG', 'A key has at most 255 characters.', path);
  return key;
}
