import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { meterMatches, valueOfEvent } from './aggregate.ts';
import { hasInexactNumber, isFreeProperty, recordText, recordValue } from './record-property.ts';
import type { Aggregation, Meter, UsageRecord } from './usage-record.ts';

/**
 * What a meter counted over some events, kept so that counts of parts merge into the count of the whole, in any order: a pre-aggregate. Of the same
 * events it always says the same, however they were divided and whenever they came.
 */
export interface MeterCount {
  /** Events that the meter counts. */
  events: number;
  /** Those among them whose value is a JSON number with more digits than a double certainly keeps (SEMANTICS 1.1). */
  inexact: number;
  /** SUM and COUNT: the sum. MAX and LATEST: the greatest, the latest; null where no event has a value. UNIQUE_COUNT: null. */
  value: Decimal | null;
  /** LATEST: the time of `value`. */
  valueAt: Instant | null;
  /** UNIQUE_COUNT: how many events name each value. */
  readonly members: Map<string, number>;
}

export function emptyCount(): MeterCount {
  return { events: 0, inexact: 0, value: null, valueAt: null, members: new Map() };
}

/** Counts a single event; false where the meter does not keep it. */
export function countEvent(meter: Meter, count: MeterCount, event: UsageRecord): boolean {
  if (!meterMatches(meter, event)) return false;
  count.events += 1;
  if (meter.aggregation === 'UNIQUE_COUNT') addMember(count, recordText(meter.valueProperty ?? '', event), 1);
  else addValue(meter.aggregation, count, valueIn(meter, event), event.from);
  if (isReadAsNumber(meter) && hasInexactNumber(meter.valueProperty ?? '', event)) count.inexact += 1;
  return true;
}

/** Adds what another part counted. */
export function mergeCount(aggregation: Aggregation, count: MeterCount, part: MeterCount): void {
  count.events += part.events;
  count.inexact += part.inexact;
  addValue(aggregation, count, part.value, part.valueAt);
  for (const [member, events] of part.members) addMember(count, member, events);
}

/** The quantity that `aggregate` gives for the same events; 0 where there are none. */
export function quantityOfCount(aggregation: Aggregation, count: MeterCount): Decimal {
  return aggregation === 'UNIQUE_COUNT' ? Decimal.of(count.members.size) : (count.value ?? Decimal.ZERO);
}

function valueIn(meter: Meter, event: UsageRecord): Decimal | null {
  if (meter.aggregation === 'COUNT') return event.events;
  return meter.aggregation === 'SUM' ? recordValue(meter.valueProperty ?? 'requests', event) : valueOfEvent(meter, event);
}

function addValue(aggregation: Aggregation, count: MeterCount, value: Decimal | null, at: Instant | null): void {
  if (value === null) return;
  switch (aggregation) {
    case 'SUM':
    case 'COUNT':
      count.value = count.value === null ? value : count.value.plus(value);
      return;
    case 'MAX':
      if (count.value === null || value.compare(count.value) > 0) count.value = value;
      return;
    case 'LATEST':
      if (at !== null && isLater(count, at, value)) [count.value, count.valueAt] = [value, at];
      return;
    case 'UNIQUE_COUNT':
      return;
    default:
      aggregation satisfies never;
  }
}

/** Of several values at one instant the greatest is the latest: no order of arrival decides. */
function isLater(count: MeterCount, at: Instant, value: Decimal): boolean {
  if (count.value === null || count.valueAt === null || at > count.valueAt) return true;
  return at === count.valueAt && value.compare(count.value) > 0;
}

function addMember(count: MeterCount, member: string | null, events: number): void {
  if (member !== null) count.members.set(member, (count.members.get(member) ?? 0) + events);
}

function isReadAsNumber({ aggregation, valueProperty }: Meter): boolean {
  return aggregation !== 'COUNT' && aggregation !== 'UNIQUE_COUNT' && valueProperty !== null && isFreeProperty(valueProperty);
}
