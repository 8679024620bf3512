import { Decimal } from '../money/index.ts';
import { filterMatches, isEventProperty, PROPERTIES_PREFIX, propertyNumber, recordText, recordValue } from './record-property.ts';
import type { Matchable } from './record-property.ts';
import type { Meter, MeterFilter, UsageRecord } from './usage-record.ts';

/** Whether the meter counts the record: its event type and all of its filters. */
export function meterMatches(meter: Meter, record: Matchable): boolean {
  return (meter.eventType === '*' || meter.eventType === record.type) && filterMatches(meter.filters, record);
}

/** Whether sums are not enough, so that the meter has to read single events. */
export function needsEvents(meter: Meter, match: readonly MeterFilter[] = []): boolean {
  if (meter.aggregation !== 'SUM' && meter.aggregation !== 'COUNT') return true;
  const isRead = meter.aggregation === 'SUM' && meter.valueProperty !== null;
  return (
    (isRead && isEventProperty(meter.valueProperty)) ||
    meter.filters.some((filter) => isEventProperty(filter.property)) ||
    match.some((filter) => isEventProperty(filter.property)) ||
    meter.groupBy.some(isEventProperty)
  );
}

/**
 * The meter's quantity over the records that it and `match` keep; 0 where there are none. The order of records does not matter. MAX, UNIQUE_COUNT
 * and LATEST read single events (see needsEvents); the latest of several at one instant is the greatest.
 */
export function aggregate(meter: Meter, match: readonly MeterFilter[], records: Iterable<UsageRecord>): Decimal {
  switch (meter.aggregation) {
    case 'COUNT':
      return sumOf('requests', meter, match, records);
    case 'SUM':
      return sumOf(meter.valueProperty ?? 'requests', meter, match, records);
    case 'MAX':
      return greatest(meter, match, records);
    case 'LATEST':
      return latest(meter, match, records);
    case 'UNIQUE_COUNT':
      return Decimal.of(uniqueMembers(meter, match, records).size);
    default:
      return meter.aggregation satisfies never;
  }
}

/** The different values that a UNIQUE_COUNT meter counts: what one part of a period has charged is not charged again in the next (SEMANTICS 6.2). */
export function uniqueMembers(meter: Meter, match: readonly MeterFilter[], records: Iterable<UsageRecord>): Set<string> {
  const members = new Set<string>();
  if (meter.valueProperty === null) return members;
  for (const record of records) {
    const member = isCounted(meter, match, record) ? recordText(meter.valueProperty, record) : null;
    if (member !== null && record.events.isPositive()) members.add(member);
  }
  return members;
}

function isCounted(meter: Meter, match: readonly MeterFilter[], record: UsageRecord): boolean {
  return meterMatches(meter, record) && filterMatches(match, record);
}

function sumOf(property: string, meter: Meter, match: readonly MeterFilter[], records: Iterable<UsageRecord>): Decimal {
  let sum = Decimal.ZERO;
  for (const record of records) {
    if (isCounted(meter, match, record)) sum = sum.plus(recordValue(property, record));
  }
  return sum;
}

function greatest(meter: Meter, match: readonly MeterFilter[], records: Iterable<UsageRecord>): Decimal {
  let best: Decimal | null = null;
  for (const record of records) {
    const value = isCounted(meter, match, record) ? valueOfEvent(meter, record) : null;
    if (value !== null && (best === null || value.compare(best) > 0)) best = value;
  }
  return best ?? Decimal.ZERO;
}

function latest(meter: Meter, match: readonly MeterFilter[], records: Iterable<UsageRecord>): Decimal {
  let best: { at: number; value: Decimal } | null = null;
  for (const record of records) {
    const value = isCounted(meter, match, record) ? valueOfEvent(meter, record) : null;
    if (value === null || (best !== null && record.from < best.at)) continue;
    if (best === null || record.from > best.at || value.compare(best.value) > 0) best = { at: record.from, value };
  }
  return best?.value ?? Decimal.ZERO;
}

/**
 * A single event's own value; null where a free property has none, which is not 0: it neither is the greatest nor the latest. Counts that an event does not
 * name (tokens, quantity, gpuSeconds) are 0: no event says one from the other.
 */
export function valueOfEvent(meter: Meter, record: UsageRecord): Decimal | null {
  // A sum of events, as dropped time is told by, is no event's value.
  if (meter.valueProperty === null || !record.events.isPositive() || record.properties === undefined) return null;
  if (meter.valueProperty.startsWith(PROPERTIES_PREFIX)) return propertyNumber(meter.valueProperty, record);
  return recordValue(meter.valueProperty, record);
}
