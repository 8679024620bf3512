import { CodedError } from '../coded-error.ts';
import { isNumberProperty, isTextProperty } from './record-property.ts';
import type { Aggregation, Meter, MeterFilter } from './usage-record.ts';
import { MAX_TEXT_LENGTH, requiredText } from './wire-fields.ts';

const AGGREGATIONS: ReadonlySet<Aggregation> = new Set(['SUM', 'COUNT', 'MAX', 'UNIQUE_COUNT', 'LATEST']);
const MAX_FILTERS = 20;
const MAX_FILTER_VALUES = 500;
const MAX_GROUPS = 10;

/**
 * Gives the meter back when it can be read: known properties of the right sort, within bounds.
 * @throws CodedError FIELD_MISSING, FIELD_TOO_LONG, INVALID_CHARACTER, INVALID_FIELD, VALUE_PROPERTY_MISSING, UNKNOWN_PROPERTY, FILTER_EMPTY, TOO_MANY
 */
export function validateMeter(meter: Meter): Meter {
  requiredText(meter.key, 'key');
  requiredText(meter.eventType, 'eventType');
  if (!AGGREGATIONS.has(meter.aggregation)) throw new CodedError('INVALID_FIELD', 'There is no such aggregation.', 'aggregation');
  validateValueProperty(meter);
  validateFilters(meter.filters, 'filters');
  requireAtMost(MAX_GROUPS, meter.groupBy, 'groupBy');
  for (const [index, property] of meter.groupBy.entries()) requireText(property, `groupBy[${index}]`);
  return meter;
}

/** Filters of a meter, a price or a burn rate. @throws CodedError UNKNOWN_PROPERTY, FILTER_EMPTY, TOO_MANY, FIELD_TOO_LONG */
export function validateFilters(filters: readonly MeterFilter[], path: string): readonly MeterFilter[] {
  requireAtMost(MAX_FILTERS, filters, path);
  for (const [index, filter] of filters.entries()) {
    requireText(filter.property, `${path}[${index}].property`);
    if (filter.in.length === 0) throw new CodedError('FILTER_EMPTY', 'A filter without values would keep nothing.', `${path}[${index}].in`);
    requireAtMost(MAX_FILTER_VALUES, filter.in, `${path}[${index}].in`);
    for (const [position, value] of filter.in.entries()) requiredText(value, `${path}[${index}].in[${position}]`);
  }
  return filters;
}

function validateValueProperty({ aggregation, valueProperty }: Meter): void {
  if (valueProperty === null) {
    if (aggregation === 'COUNT') return;
    throw new CodedError('VALUE_PROPERTY_MISSING', `${aggregation} needs to know what it reads.`, 'valueProperty');
  }
  const isKnown = aggregation === 'UNIQUE_COUNT' ? isTextProperty(valueProperty) : isNumberProperty(valueProperty);
  if (!isKnown || valueProperty.length > MAX_TEXT_LENGTH) {
    throw new CodedError('UNKNOWN_PROPERTY', `${aggregation} cannot read this property.`, 'valueProperty');
  }
}

function requireText(property: string, path: string): void {
  requiredText(property, path);
  if (!isTextProperty(property)) throw new CodedError('UNKNOWN_PROPERTY', 'Usage is not told apart by this property.', path);
}

function requireAtMost(limit: number, list: readonly unknown[], path: string): void {
  if (list.length > limit) throw new CodedError('TOO_MANY', `At most ${limit} are allowed here.`, path);
}
