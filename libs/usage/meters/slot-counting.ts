import type { Instant, Meter } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import type { CountedSlot, Placing, Slot } from './counted-slots.ts';
import type { CustomerSlot } from './meter-rollup.store.ts';
import type { SlotEvents } from './slot-events.store.ts';

/** A slot that was counted, and how. */
export interface SlotCount {
  readonly slot: CustomerSlot;
  readonly counted: CountedSlot;
  /** ADDED: only what came after the cursor, to be added to the cells. WHOLE: all of its events, instead of the cells. */
  readonly kind: 'ADDED' | 'WHOLE';
}

export interface SlotsCounted {
  readonly counts: readonly SlotCount[];
  /** Slots whose events are not all there any more: what was rolled up of them is all that is known, and stays as it is. */
  readonly dropped: readonly CustomerSlot[];
}

export interface SlotsToCount {
  /** Slots whose cells say what stood after `afterSeq`. */
  readonly changed: readonly CustomerSlot[];
  readonly afterSeq: number;
  /** Slots without cells, or with cells that are of no use. */
  readonly whole: readonly CustomerSlot[];
  readonly upToSeq: number;
  /** Whether `upToSeq` is the current commit: then buckets and events have to agree. */
  readonly isCurrent: boolean;
  /** Events before it may be gone: buckets and roll-ups outlive them (retention). Null: none are. */
  readonly droppedBefore: Instant | null;
  readonly dimensionNos: readonly number[] | null;
}

/**
 * Counts slots from their events. Where events were only added since the cells were made, only those are counted; where one was cancelled, all of them.
 * A slot whose events are gone, or not all there although the buckets count them, is never counted from the rest.
 */
export async function countSlots(
  tx: TenantTransaction,
  events: SlotEvents,
  meter: Meter,
  { changed, afterSeq, whole, droppedBefore, isCurrent, ...selected }: SlotsToCount,
  placing: Placing,
): Promise<SlotsCounted> {
  const added = changed.map((slot): Slot => ({ ...slot, afterSeq }));
  const addedCounts = await events.count(tx, meter, { ...selected, slots: added }, placing);
  const isAddition = addedCounts.map(({ removed }) => !removed);
  const wanted = [...added.filter((_, i) => isAddition[i] !== true), ...whole].map((slot): Slot => ({ ...slot, afterSeq: 0 }));
  const slots = wanted.filter(({ from }) => droppedBefore === null || from >= droppedBefore);
  const wholeCounts = await events.count(tx, meter, { ...selected, slots }, placing);
  const expected = isCurrent ? await events.expected(tx, { ...selected, slots }) : [];
  const isThere = wholeCounts.map((counted, i) => counted.events >= (expected[i] ?? 0));
  return {
    counts: [
      ...paired(added, addedCounts, 'ADDED').filter((_, i) => isAddition[i]),
      ...paired(slots, wholeCounts, 'WHOLE').filter((_, i) => isThere[i]),
    ],
    dropped: [
      ...wanted.filter(({ from }) => droppedBefore !== null && from < droppedBefore),
      ...slots.filter((_, i) => isThere[i] !== true),
    ],
  };
}

function paired(slots: readonly CustomerSlot[], counts: readonly CountedSlot[], kind: SlotCount['kind']): SlotCount[] {
  return counts.map((counted, i) => ({ slot: slots[i] as CustomerSlot, counted, kind }));
}
