import { CodedError } from '../coded-error.ts';
import type { FieldPath } from './parse-fields.ts';
import type { PriceAmountsInput, PriceGroupInput, PriceInput } from './plan-input.ts';
import type { PriceModel } from './price.ts';

type Field = Exclude<keyof PriceInput, 'key' | 'model'>;
type GroupField = keyof PriceAmountsInput;

const VALIDITY: readonly Field[] = ['validFrom', 'validUntil'];
const COMMON: readonly Field[] = ['match', 'minimumAmount', 'maximumAmount', 'groupBy', 'groups', ...VALIDITY];
const ALLOWANCE: readonly Field[] = ['includedQuantity', 'prorateIncluded', 'rollover', 'rolloverMaximum', 'rolloverPeriods', 'perSeat'];

/** What each model must and may have; everything else is refused rather than ignored. */
const FIELDS: Readonly<Record<PriceModel, { readonly required: readonly Field[]; readonly optional: readonly Field[] }>> = {
  FLAT: { required: ['amount'], optional: ['perSeat', 'timing', 'everyIntervals', ...VALIDITY] },
  PER_UNIT: { required: ['meter', 'unitPrice'], optional: [...COMMON, ...ALLOWANCE] },
  PACKAGE: { required: ['meter', 'packageSize', 'packagePrice'], optional: [...COMMON, ...ALLOWANCE] },
  GRADUATED: { required: ['meter', 'tiers'], optional: [...COMMON, ...ALLOWANCE] },
  VOLUME: { required: ['meter', 'tiers'], optional: [...COMMON, ...ALLOWANCE] },
  PERCENTAGE: { required: ['meter', 'rate'], optional: [...COMMON, ...ALLOWANCE, 'fixedFee', 'valueProperty'] },
  COST_PLUS: { required: ['meter', 'markup'], optional: [...COMMON, 'unitFloor', 'unitCeiling'] },
};
const ALL_FIELDS: readonly Field[] = [...new Set(Object.values(FIELDS).flatMap(({ required, optional }) => [...required, ...optional]))];
const GROUP_FIELDS: readonly GroupField[] = [
  'unitPrice',
  'packageSize',
  'packagePrice',
  'tiers',
  'rate',
  'fixedFee',
  'markup',
  'unitFloor',
  'unitCeiling',
  'includedQuantity',
  'minimumAmount',
  'maximumAmount',
];

/** @throws CodedError PRICE_FIELD_MISSING | PRICE_FIELD_NOT_ALLOWED */
export function requirePriceFields(input: PriceInput, at: FieldPath, needsMeter: boolean): void {
  const { required, optional } = FIELDS[input.model];
  const missing = required.find((field) => isAbsent(input[field]) && (field !== 'meter' || needsMeter));
  if (missing !== undefined) throw new CodedError('PRICE_FIELD_MISSING', `A ${input.model} price needs ${missing}.`, at(missing));
  const extra = ALL_FIELDS.find((field) => !isAbsent(input[field]) && !required.includes(field) && !optional.includes(field));
  const isHarmless = extra === 'timing' && input.timing === 'IN_ARREARS';
  if (extra !== undefined && !isHarmless)
    throw new CodedError('PRICE_FIELD_NOT_ALLOWED', `A ${input.model} price has no ${extra}.`, at(extra));
  requireTogether(input, at);
}

/** A group states the amounts that its model needs, and only its model's. @throws CodedError PRICE_FIELD_MISSING | PRICE_FIELD_NOT_ALLOWED */
export function requireGroupFields(model: PriceModel, input: PriceGroupInput, at: FieldPath): void {
  const { required, optional } = FIELDS[model];
  const missing = GROUP_FIELDS.find((field) => required.includes(field) && isAbsent(input[field]));
  if (missing !== undefined) throw new CodedError('PRICE_FIELD_MISSING', `A group of a ${model} price needs ${missing}.`, at(missing));
  const extra = GROUP_FIELDS.find((field) => !isAbsent(input[field]) && !required.includes(field) && !optional.includes(field));
  if (extra !== undefined) throw new CodedError('PRICE_FIELD_NOT_ALLOWED', `A group of a ${model} price has no ${extra}.`, at(extra));
}

/** Fields that say nothing without another one. */
function requireTogether(input: PriceInput, at: FieldPath): void {
  const needs = (field: Field, other: Field, isThere = !isAbsent(input[other])): void => {
    if (!isAbsent(input[field]) && !isThere) throw new CodedError('PRICE_FIELD_MISSING', `${field} needs ${other}.`, at(other));
  };
  needs('groups', 'groupBy');
  needs('groupBy', 'groups');
  const hasAllowance = [input, ...(input.groups ?? [])].some(({ includedQuantity }) => !isAbsent(includedQuantity));
  needs('rollover', 'includedQuantity', hasAllowance);
  needs('prorateIncluded', 'includedQuantity', hasAllowance);
  needs('rolloverMaximum', 'rollover');
  needs('rolloverPeriods', 'rollover');
}

function isAbsent(value: PriceInput[Field]): boolean {
  return value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}
