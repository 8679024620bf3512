import { CodedError } from '../coded-error.ts';
import { Decimal, PRICE_PRECISION, QUANTITY_PRECISION, decimalFromJson, requirePrecision } from '../money/index.ts';
import type { Precision } from '../money/index.ts';
import { isNumberProperty, isTextProperty } from '../usage/index.ts';
import type { MeterFilter } from '../usage/index.ts';
import type { DecimalInput, MeterFilterInput, PriceInput, TierInput } from './plan-input.ts';
import type { Price, PriceModel, Tier } from './price.ts';

type Field = Exclude<keyof PriceInput, 'key' | 'model'>;

const COMMON: readonly Field[] = ['match', 'minimumAmount', 'maximumAmount'];
const ALLOWANCE: readonly Field[] = ['includedQuantity', 'rollover', 'perSeat'];

/** What each model must and may have; everything else is refused rather than ignored. */
const FIELDS: Readonly<Record<PriceModel, { readonly required: readonly Field[]; readonly optional: readonly Field[] }>> = {
  FLAT: { required: ['amount'], optional: ['perSeat', 'timing'] },
  PER_UNIT: { required: ['meter', 'unitPrice'], optional: [...COMMON, ...ALLOWANCE] },
  PACKAGE: { required: ['meter', 'packageSize', 'packagePrice'], optional: [...COMMON, ...ALLOWANCE] },
  GRADUATED: { required: ['meter', 'tiers'], optional: [...COMMON, ...ALLOWANCE] },
  VOLUME: { required: ['meter', 'tiers'], optional: [...COMMON, ...ALLOWANCE] },
  PERCENTAGE: { required: ['meter', 'rate'], optional: [...COMMON, ...ALLOWANCE, 'fixedFee', 'valueProperty'] },
  COST_PLUS: { required: ['meter', 'markup'], optional: [...COMMON, 'unitFloor', 'unitCeiling'] },
};
const ALL_FIELDS: readonly Field[] = [...new Set(Object.values(FIELDS).flatMap(({ required, optional }) => [...required, ...optional]))];

export interface ParsePriceOptions {
  /** False for a quote, where a quantity is given and no meter is read. */
  readonly needsMeter?: boolean;
}

/**
 * Reads one price of a plan. `path` is where it stands in the request, such as `prices[1]`; every error names its field under it.
 * @throws CodedError PRICE_FIELD_MISSING | PRICE_FIELD_NOT_ALLOWED | TIERS_OUT_OF_ORDER | TIERS_NOT_OPEN_ENDED | NEGATIVE_PRICE | TOO_PRECISE |
 *   MINIMUM_ABOVE_MAXIMUM | PACKAGE_SIZE_NOT_POSITIVE | NOT_AVAILABLE | INVALID_DECIMAL | INVALID_MATCH | INVALID_PROPERTY |
 *   KEY_MISSING | KEY_TOO_LONG
 */
export function parsePrice(input: PriceInput, path = '', { needsMeter = true }: ParsePriceOptions = {}): Price {
  const at = (field: string): string => (path === '' ? field : `${path}.${field}`);
  requireFields(input, at, needsMeter);
  const base = {
    key: requireKey(input.key, at('key')),
    match: parseMatch(input.match ?? [], at('match')),
    includedQuantity: decimalOr(input.includedQuantity, Decimal.ZERO, at('includedQuantity'), QUANTITY_PRECISION),
    ...parseBounds(input, at),
    perSeat: input.perSeat ?? false,
  };
  const meter = input.meter ?? '';
  const amount = (field: Field): Decimal => parseDecimal(input[field] as DecimalInput, at(field));
  const optional = (field: Field): Decimal | null => parseOptional(input[field] as DecimalInput | null | undefined, at(field));
  switch (input.model) {
    case 'FLAT':
      return { ...base, model: 'FLAT', meter: null, amount: amount('amount'), timing: input.timing ?? 'IN_ADVANCE' };
    case 'PER_UNIT':
      return { ...base, model: 'PER_UNIT', meter, unitPrice: amount('unitPrice') };
    case 'PACKAGE':
      return { ...base, model: 'PACKAGE', meter, packageSize: parseSize(input, at('packageSize')), packagePrice: amount('packagePrice') };
    case 'GRADUATED':
    case 'VOLUME':
      return { ...base, model: input.model, meter, tiers: parseTiers(input.tiers ?? [], at('tiers')) };
    case 'PERCENTAGE':
      return {
        ...base,
        model: 'PERCENTAGE',
        meter,
        rate: amount('rate'),
        fixedFee: optional('fixedFee') ?? Decimal.ZERO,
        valueProperty: parseValueProperty(input.valueProperty ?? null, at('valueProperty')),
      };
    case 'COST_PLUS':
      return { ...base, model: 'COST_PLUS', meter, markup: amount('markup'), ...parseUnitBounds(input, at) };
    default:
      return input.model satisfies never;
  }
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

/** Filters of a price or a burn rate. @throws CodedError INVALID_MATCH for an unknown property or no values */
export function parseMatch(filters: readonly MeterFilterInput[], path: string): MeterFilter[] {
  return filters.map((filter, index) => {
    if (!isTextProperty(filter.property)) {
      throw new CodedError(
        'INVALID_MATCH',
        'A property is type, provider, model, serviceTier, region, pool, feature, outcome, user, traceId or properties.<path>.',
        `${path}[${index}].property`,
      );
    }
    if (filter.in.length === 0)
      throw new CodedError('INVALID_MATCH', 'At least one value is needed, else nothing matches.', `${path}[${index}].in`);
    return { property: filter.property, in: [...filter.in] };
  });
}

/** A key is 1 to 255 characters. @throws CodedError KEY_MISSING | KEY_TOO_LONG */
export function requireKey(key: string, path: string): string {
  if (key.trim() === '') throw new CodedError('KEY_MISSING', 'A key is needed.', path);
  if (key.length > 255) throw new CodedError('KEY_TOO_LONG', 'A key has at most 255 characters.', path);
  return key;
}

function requireFields(input: PriceInput, at: (field: string) => string, needsMeter: boolean): void {
  const { required, optional } = FIELDS[input.model];
  const missing = required.find((field) => isAbsent(input[field]) && (field !== 'meter' || needsMeter));
  if (missing !== undefined) throw new CodedError('PRICE_FIELD_MISSING', `A ${input.model} price needs ${missing}.`, at(missing));
  const extra = ALL_FIELDS.find((field) => !isAbsent(input[field]) && !required.includes(field) && !optional.includes(field));
  const isHarmless = extra === 'timing' && input.timing === 'IN_ARREARS';
  if (extra !== undefined && !isHarmless)
    throw new CodedError('PRICE_FIELD_NOT_ALLOWED', `A ${input.model} price has no ${extra}.`, at(extra));
  if (input.rollover === true)
    throw new CodedError('NOT_AVAILABLE', 'Rolling over what is left of an allowance is not available yet.', at('rollover'));
}

function parseValueProperty(property: string | null, path: string): string | null {
  if (property === null || isNumberProperty(property)) return property;
  throw new CodedError('INVALID_PROPERTY', 'A sum is taken of tokens.<kind>, quantity, gpuSeconds, requests or properties.<path>.', path);
}

function isAbsent(value: PriceInput[Field]): boolean {
  return value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}

function decimalOr(value: DecimalInput | null | undefined, otherwise: Decimal, path: string, precision: Precision): Decimal {
  return parseOptional(value, path, precision) ?? otherwise;
}

function parseBounds(input: PriceInput, at: (field: string) => string): Pick<Price, 'minimumAmount' | 'maximumAmount'> {
  const minimumAmount = parseOptional(input.minimumAmount, at('minimumAmount'));
  const maximumAmount = parseOptional(input.maximumAmount, at('maximumAmount'));
  requireOrder(minimumAmount, maximumAmount, at('minimumAmount'));
  return { minimumAmount, maximumAmount };
}

function parseUnitBounds(input: PriceInput, at: (field: string) => string): { unitFloor: Decimal | null; unitCeiling: Decimal | null } {
  const unitFloor = parseOptional(input.unitFloor, at('unitFloor'));
  const unitCeiling = parseOptional(input.unitCeiling, at('unitCeiling'));
  requireOrder(unitFloor, unitCeiling, at('unitFloor'));
  return { unitFloor, unitCeiling };
}

function requireOrder(least: Decimal | null, most: Decimal | null, path: string): void {
  if (least === null || most === null || least.compare(most) <= 0) return;
  throw new CodedError('MINIMUM_ABOVE_MAXIMUM', 'The lower bound is above the upper one.', path);
}

function parseSize(input: PriceInput, path: string): Decimal {
  const size = parseDecimal(input.packageSize ?? '', path, QUANTITY_PRECISION);
  if (size.isZero()) throw new CodedError('PACKAGE_SIZE_NOT_POSITIVE', 'A package holds more than nothing.', path);
  return size;
}

function parseTiers(inputs: readonly TierInput[], path: string): Tier[] {
  const tiers = inputs.map((input, index) => ({
    upTo: parseOptional(input.upTo, `${path}[${index}].upTo`, QUANTITY_PRECISION),
    unitPrice: parseOptional(input.unitPrice, `${path}[${index}].unitPrice`) ?? Decimal.ZERO,
    flatFee: parseOptional(input.flatFee, `${path}[${index}].flatFee`) ?? Decimal.ZERO,
  }));
  requireTierOrder(tiers, path);
  return tiers;
}

function requireTierOrder(tiers: readonly Tier[], path: string): void {
  let from: Decimal = Decimal.ZERO;
  for (const [index, { upTo }] of tiers.entries()) {
    const isLast = index === tiers.length - 1;
    const at = `${path}[${index}].upTo`;
    if (isLast && upTo !== null) throw new CodedError('TIERS_NOT_OPEN_ENDED', 'The last tier has no upper bound.', at);
    if (isLast) return;
    if (upTo === null) throw new CodedError('TIERS_OUT_OF_ORDER', 'Only the last tier is without an upper bound.', at);
    if (upTo.compare(from) <= 0)
      throw new CodedError('TIERS_OUT_OF_ORDER', 'Each tier ends above the one before it, the first one above 0.', at);
    from = upTo;
  }
}
