import { CodedError } from '../coded-error.ts';
import { QUANTITY_PRECISION } from '../money/index.ts';
import { isNumberProperty } from '../usage/index.ts';
import { costPlusAmounts, packageAmounts, parseBounds, percentageAmounts, tierAmounts, unitAmounts } from './parse-amounts.ts';
import { parseGroups } from './parse-groups.ts';
import {
  fieldPath,
  parseDecimal,
  parseMatch,
  parseOptional,
  parseOptionalCount,
  parseOptionalInstant,
  requireKey,
} from './parse-fields.ts';
import type { FieldPath } from './parse-fields.ts';
import type { PriceInput } from './plan-input.ts';
import { requirePriceFields } from './price-fields.ts';
import type { FlatPrice, Price } from './price.ts';

export interface ParsePriceOptions {
  /** False for a quote, where a quantity is given and no meter is read. */
  readonly needsMeter?: boolean;
}

/**
 * Reads one price of a plan. `path` is where it stands in the request, such as `prices[1]`; every error names its field under it.
 * @throws CodedError PRICE_FIELD_MISSING | PRICE_FIELD_NOT_ALLOWED | TIERS_OUT_OF_ORDER | TIERS_NOT_OPEN_ENDED | NEGATIVE_PRICE | TOO_PRECISE |
 *   MINIMUM_ABOVE_MAXIMUM | PACKAGE_SIZE_NOT_POSITIVE | INVALID_DECIMAL | INVALID_MATCH | INVALID_PROPERTY | INVALID_GROUP | INVALID_COUNT | INVALID_TIME |
 *   VALIDITY_EMPTY | KEY_MISSING | KEY_TOO_LONG
 */
export function parsePrice(input: PriceInput, path = '', { needsMeter = true }: ParsePriceOptions = {}): Price {
  const at = fieldPath(path);
  requirePriceFields(input, at, needsMeter);
  const base = { ...parseBase(input, at), ...parseBounds(input, at) };
  if (input.model === 'FLAT') return { ...base, model: 'FLAT', meter: null, ...parseFee(input, at) };
  const meter = input.meter ?? '';
  switch (input.model) {
    case 'PER_UNIT':
      return { ...base, model: 'PER_UNIT', meter, ...unitAmounts(input, at), ...parseGroups(input, at, unitAmounts) };
    case 'PACKAGE':
      return { ...base, model: 'PACKAGE', meter, ...packageAmounts(input, at), ...parseGroups(input, at, packageAmounts) };
    case 'GRADUATED':
    case 'VOLUME':
      return { ...base, model: input.model, meter, ...tierAmounts(input, at), ...parseGroups(input, at, tierAmounts) };
    case 'PERCENTAGE': {
      const valueProperty = parseValueProperty(input.valueProperty ?? null, at('valueProperty'));
      return {
        ...base,
        model: 'PERCENTAGE',
        meter,
        valueProperty,
        ...percentageAmounts(input, at),
        ...parseGroups(input, at, percentageAmounts),
      };
    }
    case 'COST_PLUS':
      return { ...base, model: 'COST_PLUS', meter, ...costPlusAmounts(input, at), ...parseGroups(input, at, costPlusAmounts) };
    default:
      return input.model satisfies never;
  }
}

type Base = Pick<
  Price,
  'key' | 'match' | 'perSeat' | 'validFrom' | 'validUntil' | 'prorateIncluded' | 'rollover' | 'rolloverMaximum' | 'rolloverPeriods'
>;

function parseBase(input: PriceInput, at: FieldPath): Base {
  return {
    key: requireKey(input.key, at('key')),
    match: parseMatch(input.match ?? [], at('match')),
    perSeat: input.perSeat ?? false,
    ...parseValidity(input, at),
    prorateIncluded: input.prorateIncluded ?? false,
    rollover: input.rollover ?? false,
    rolloverMaximum: parseOptional(input.rolloverMaximum, at('rolloverMaximum'), QUANTITY_PRECISION),
    rolloverPeriods: parseOptionalCount(input.rolloverPeriods, at('rolloverPeriods')),
  };
}

function parseValidity(input: PriceInput, at: FieldPath): Pick<Price, 'validFrom' | 'validUntil'> {
  const validFrom = parseOptionalInstant(input.validFrom, at('validFrom'));
  const validUntil = parseOptionalInstant(input.validUntil, at('validUntil'));
  if (validFrom !== null && validUntil !== null && validUntil <= validFrom) {
    throw new CodedError('VALIDITY_EMPTY', 'It ends before it begins: validUntil lies behind validFrom.', at('validUntil'));
  }
  return { validFrom, validUntil };
}

/** A fee for several intervals is paid in advance: what is billed in arrears is billed with the period that it ends. */
function parseFee(input: PriceInput, at: FieldPath): Pick<FlatPrice, 'amount' | 'timing' | 'everyIntervals'> {
  const timing = input.timing ?? 'IN_ADVANCE';
  const everyIntervals = parseOptionalCount(input.everyIntervals, at('everyIntervals')) ?? 1;
  if (everyIntervals > 1 && timing === 'IN_ARREARS') {
    throw new CodedError('PRICE_FIELD_NOT_ALLOWED', 'A fee for several intervals is billed in advance.', at('everyIntervals'));
  }
  return { amount: parseDecimal(input.amount ?? '', at('amount')), timing, everyIntervals };
}

function parseValueProperty(property: string | null, path: string): string | null {
  if (property === null || isNumberProperty(property)) return property;
  throw new CodedError('INVALID_PROPERTY', 'A sum is taken of tokens.<kind>, quantity, gpuSeconds, requests or properties.<path>.', path);
}
