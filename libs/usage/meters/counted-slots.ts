import {
  SLOT,
  countEvent,
  emptyCount,
  isMeterDimension,
  recordText,
  type Instant,
  type Meter,
  type MeterCount,
  type UsageRecord,
} from '@tare/core';

/** A slot of a customer, and the commit after which its events are of interest; 0: all of them. */
export interface Slot {
  readonly customerNo: number;
  readonly from: Instant;
  readonly afterSeq: number;
}

/** Texts of the properties that usage is told apart by, in their order; null where an event has none. */
export type GroupTexts = readonly (string | null)[];

/** What was counted at one place (the start of a cell, the number of a window) for one group. */
export interface PlacedCount {
  readonly place: number;
  readonly group: GroupTexts;
  readonly count: MeterCount;
}

/** What the events of a slot came to. */
export interface CountedSlot {
  /** Events that were seen, whether the meter counts them or not: what the buckets expect. */
  events: number;
  /** An event that had been counted before was cancelled: what is there cannot be added to. */
  removed: boolean;
  readonly counts: Map<string, PlacedCount>;
}

/** Where an event counts, and in which group; null: nowhere. */
export type Placing = (event: UsageRecord, slot: Slot) => { readonly place: number; readonly group: GroupTexts } | null;

export const slotEnd = (slot: Pick<Slot, 'from'>): Instant => slot.from + SLOT;

export function emptySlot(): CountedSlot {
  return { events: 0, removed: false, counts: new Map() };
}

export function countInSlot(meter: Meter, counted: CountedSlot, event: UsageRecord, placed: ReturnType<Placing>): void {
  counted.events += 1;
  if (placed === null) return;
  const key = `${placed.place} ${JSON.stringify(placed.group)}`;
  const known = counted.counts.get(key);
  const count = known?.count ?? emptyCount();
  if (countEvent(meter, count, event) && known === undefined) counted.counts.set(key, { ...placed, count });
}

/** The properties that a meter's roll-up keeps apart: the dimensions of usage and what only events know, if the meter says so in `groupBy`. */
export function rolledProperties(meter: Meter): string[] {
  return [...DIMENSIONS, 'subscription', ...meter.groupBy.filter((property) => !isMeterDimension(property))];
}

const DIMENSIONS = ['type', 'provider', 'model', 'serviceTier', 'region', 'pool', 'feature', 'outcome'];

export function groupTexts(properties: readonly string[], event: UsageRecord): GroupTexts {
  return properties.map((property) => (property === 'subscription' ? event.subscription : recordText(property, event)));
}
