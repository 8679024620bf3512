import { CodedError } from '../coded-error.ts';
import { Decimal, decimalFromJson } from '../money/index.ts';
import { propertyAt } from './event-properties.ts';
import { isTokenProperty, tokenCount } from './token-pools.ts';
import type { MeterFilter, UsageDimensions, UsageRecord } from './usage-record.ts';

export const PROPERTIES_PREFIX = 'properties.';

/** Dimensions that every record has; `subscription` and cost are not for meters. */
const DIMENSIONS = new Set(['type', 'provider', 'model', 'serviceTier', 'region', 'pool', 'feature', 'outcome'] as const);
export type MeterDimension = typeof DIMENSIONS extends Set<infer Name> ? Name : never;

/** A meter reads either a record of usage or, before it has a cost, an event: what both have is enough to match. */
export type Matchable = Pick<UsageDimensions, MeterDimension> & Pick<UsageRecord, 'user' | 'traceId' | 'properties'>;

export function isMeterDimension(property: string): property is MeterDimension {
  return (DIMENSIONS as ReadonlySet<string>).has(property);
}

/** Whether it is one of an event's free properties: `properties.<path>`. */
export function isFreeProperty(property: string): boolean {
  return property.startsWith(PROPERTIES_PREFIX) && property.length > PROPERTIES_PREFIX.length;
}

/** Whether records can be told apart by it. */
export function isTextProperty(property: string): boolean {
  return isMeterDimension(property) || isEventProperty(property);
}

/** Whether only single events know it: sums don't keep it apart. */
export function isEventProperty(property: string): boolean {
  return property === 'user' || property === 'traceId' || isFreeProperty(property);
}

/** Whether it can be summed. */
export function isNumberProperty(property: string): boolean {
  return (
    property === 'quantity' || property === 'gpuSeconds' || property === 'requests' || isTokenProperty(property) || isFreeProperty(property)
  );
}

/** The text that filters and groups compare; null where the record has none. Numbers and booleans of free properties as JSON writes them. */
export function recordText(property: string, record: Matchable): string | null {
  if (isMeterDimension(property)) return record[property];
  if (property === 'user') return record.user ?? null;
  if (property === 'traceId') return record.traceId ?? null;
  const value = propertyAt(record.properties, property.slice(PROPERTIES_PREFIX.length));
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** Whether the record has one of the values of each filter. No filters: every record. */
export function filterMatches(filters: readonly MeterFilter[], record: Matchable): boolean {
  for (const filter of filters) {
    const text = recordText(filter.property, record);
    if (text === null || !filter.in.includes(text)) return false;
  }
  return true;
}

/** The number that a single event has at a free property; null where there is none. Strings are exact, JSON numbers stand for their shortest form. */
export function propertyNumber(property: string, record: Pick<UsageRecord, 'properties'>): Decimal | null {
  const value = propertyAt(record.properties, property.slice(PROPERTIES_PREFIX.length));
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  try {
    return Decimal.parse(String(value));
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

/** Whether the number there is a JSON number of which nobody knows what was written: more digits than a double certainly keeps (SEMANTICS 1.1). */
export function hasInexactNumber(property: string, record: Pick<UsageRecord, 'properties'>): boolean {
  const value = propertyAt(record.properties, property.slice(PROPERTIES_PREFIX.length));
  if (typeof value !== 'number' || (value < 1e15 && value > -1e15 && Number.isInteger(value))) return false;
  try {
    decimalFromJson(value, property);
    return false;
  } catch (error) {
    if (error instanceof CodedError) return true;
    throw error;
  }
}

/**
 * What the record adds to a sum of the property; negative in a correction. A free property counts as often as the record has events, and as 0
 * where it is no number.
 */
export function recordValue(property: string, record: UsageRecord): Decimal {
  if (isTokenProperty(property)) return tokenCount(property, record.tokens);
  switch (property) {
    case 'quantity':
      return record.quantity;
    case 'gpuSeconds':
      return record.gpuSeconds;
    case 'requests':
      return record.events;
    default:
      return propertyNumber(property, record)?.times(record.events) ?? Decimal.ZERO;
  }
}
