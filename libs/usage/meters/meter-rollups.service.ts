import { Injectable } from '@nestjs/common';
import { MeterStore, type StoredMeter } from '@tare/catalog';
import { SLOT, mergeCount, needsEvents, slotStart, type Instant, type Meter, type MeterCount } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { cellStart } from '../buckets/bucket-cells.ts';
import { retentionHorizons } from '../retention/retention-horizon.ts';
import { UsageBoundaries, type Boundaries } from '../buckets/usage-boundaries.ts';
import { groupTexts, rolledProperties, type GroupTexts, type PlacedCount } from './counted-slots.ts';
import { MeterRollupStore, hashOf, type CustomerSlot, type RollupCell, type RollupState } from './meter-rollup.store.ts';
import { countSlots, type SlotCount, type SlotsToCount } from './slot-counting.ts';
import { SlotEvents } from './slot-events.store.ts';

/** Bounds of the transactions of a run. */
export interface RollupSizes {
  /** Steps of all meters together: then the next tenant has its turn. */
  readonly steps: number;
  /** Bucket rows that one step follows. */
  readonly changedRows: number;
  /** Bucket rows that one step of filling looks at, and the events that it reads, unless a single slot has more. */
  readonly filledRows: number;
  readonly filledEvents: number;
}

const SIZES: RollupSizes = { steps: 100, changedRows: 20_000, filledRows: 5_000, filledEvents: 50_000 };

/** serialization_failure: another worker was faster with the same meter. */
const LOST_RACE = '40001';

/** A meter and its id. */
export type MeterToRead = Meter & Pick<StoredMeter, 'id'>;

/** How far the history of a meter is rolled up. */
export interface MeterBackfill {
  /** Not needed: sums of dimensions answer at once. */
  readonly state: 'NOT_NEEDED' | 'WAITING' | 'RUNNING' | 'DONE';
  /** Slots of 15 minutes per customer with usage that are rolled up, and of how many. */
  readonly done: number;
  readonly total: number;
  /** Slots whose events were dropped before the meter could count them. */
  readonly missing: number;
}

type Step = 'MOVED' | 'IDLE' | 'BUSY';

/**
 * Keeps the roll-ups of meters that read single events (docs/decisions/0016). Pulled: a cursor per meter follows the commits of usage, and what is written
 * commits with the cursor. May be run by several at once, cut short anywhere and run again.
 */
@Injectable()
export class MeterRollups {
  constructor(
    private readonly database: Database,
    private readonly meters: MeterStore,
    private readonly store: MeterRollupStore,
    private readonly events: SlotEvents,
    private readonly boundaries: UsageBoundaries,
  ) {}

  /** Brings every roll-up of the tenant up to now and fills in history, meter by meter in turn. True: there is more to do. */
  async run(tenantId: string, given: Partial<RollupSizes> = {}): Promise<boolean> {
    const sizes = { ...SIZES, ...given };
    const all = await this.database.withTenant(tenantId, (tx) => this.meters.all(tx));
    let open = all.filter((meter) => needsEvents(meter));
    for (let steps = 0; open.length > 0;) {
      const moved: StoredMeter[] = [];
      for (const meter of open) {
        if (steps === sizes.steps) return true;
        steps += 1;
        if ((await this.step(tenantId, meter, sizes)) === 'MOVED') moved.push(meter);
      }
      open = moved;
    }
    return false;
  }

  /** How far each meter's history is filled in, by the meter's id. */
  async backfills(tenantId: string, meters: readonly MeterToRead[]): Promise<Map<string, MeterBackfill>> {
    const ids = meters.map(({ id }) => id);
    const states = await this.database.withTenant(tenantId, (tx) => this.store.states(tx, ids));
    return new Map(meters.map((meter) => [meter.id, needsEvents(meter) ? backfillOf(states.get(meter.id)) : NOT_NEEDED]));
  }

  /**
   * The time from which on roll-ups still need events: before it, every meter that reads events has rolled up all there is, and retention may drop them
   * without loss. Null: none are needed.
   */
  async eventsNeededFrom(tenantId: string): Promise<Instant | null> {
    return this.database.withTenant(tenantId, async (tx) => {
      const meters = (await this.meters.all(tx)).filter((meter) => needsEvents(meter));
      const ids = meters.map(({ id }) => id);
      const states = await this.store.states(tx, ids);
      const { seq } = await this.store.clock(tx);
      const waiting: Instant[] = [];
      for (const id of ids) {
        const state = states.get(id);
        if (state === undefined || state.filledAt === null) return this.store.firstSlot(tx);
        const changed = await this.store.changedSlots(tx, state, seq, null, EVERYWHERE);
        for (const { from } of [...changed, ...(await this.store.slotsToCut(tx, id))]) waiting.push(from);
      }
      return waiting.reduce<Instant | null>((first, from) => (first === null || from < first ? from : first), null);
    });
  }

  private async step(tenantId: string, meter: StoredMeter, sizes: RollupSizes): Promise<Step> {
    try {
      return await this.database.withTenant(tenantId, async (tx) => {
        // One snapshot: events, buckets and the clock are of one moment.
        await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        return this.stepIn(tx, meter, sizes);
      });
    } catch (error) {
      if ((error as { code?: unknown }).code === LOST_RACE) return 'BUSY';
      throw error;
    }
  }

  private async stepIn(tx: TenantTransaction, meter: StoredMeter, sizes: RollupSizes): Promise<Step> {
    const state = await this.store.lock(tx, meter.id);
    const dimensionNos = await this.events.dimensionNos(tx, meter, []);
    if (state === null) {
      if ((await this.store.states(tx, [meter.id])).size > 0) return 'BUSY';
      return (await this.store.begin(tx, meter.id, await this.store.countSlots(tx, dimensionNos))) ? 'MOVED' : 'BUSY';
    }
    const clock = await this.store.clock(tx);
    if (clock.seq !== state.seq || clock.boundaryVersion !== state.boundaryVersion)
      return this.follow(tx, meter, state, { ...clock, rows: sizes.changedRows }, dimensionNos);
    return state.filledAt === null ? this.fill(tx, meter, state, sizes, dimensionNos) : 'IDLE';
  }

  /** Takes in what commits changed in covered slots, and cuts cells at boundaries that are new. */
  private async follow(
    tx: TenantTransaction,
    meter: StoredMeter,
    state: RollupState,
    clock: { seq: number; boundaryVersion: number; rows: number },
    dimensionNos: readonly number[] | null,
  ): Promise<Step> {
    const target = await this.store.nextTarget(tx, state.seq, clock.rows, clock.seq);
    const toCut = clock.boundaryVersion === state.boundaryVersion ? [] : await this.store.slotsToCut(tx, meter.id);
    const isToCut = new Set(toCut.map(nameOf));
    const changed = await this.store.changedSlots(tx, state, target, dimensionNos, EVERYWHERE);
    await this.rollUp(tx, meter, dimensionNos, {
      upToSeq: target,
      isCurrent: target === clock.seq,
      changed: changed.filter((slot) => !isToCut.has(nameOf(slot))),
      afterSeq: state.seq,
      whole: toCut,
    });
    await this.store.save(tx, { ...state, seq: target, boundaryVersion: clock.boundaryVersion });
    return 'MOVED';
  }

  /** Rolls up the next slots of history as they stood at the cursor. */
  private async fill(
    tx: TenantTransaction,
    meter: StoredMeter,
    state: RollupState,
    sizes: RollupSizes,
    dimensionNos: readonly number[] | null,
  ): Promise<Step> {
    const next = await this.store.nextSlots(tx, state, dimensionNos, sizes.filledRows);
    const last = next.at(-1);
    if (last === undefined) {
      await this.store.save(tx, { ...state, filledAt: await now(tx), totalSlots: state.filledSlots });
      return 'MOVED';
    }
    const slots = await this.chunkOf(tx, state, next, sizes.filledEvents, dimensionNos);
    const missed = await this.rollUp(tx, meter, dimensionNos, {
      upToSeq: state.seq,
      isCurrent: true,
      changed: [],
      afterSeq: state.seq,
      whole: slots,
    });
    const filledSlots = state.filledSlots + slots.length;
    await this.store.save(tx, {
      ...state,
      filled: slots.at(-1) ?? last,
      filledSlots,
      totalSlots: Math.max(state.totalSlots, filledSlots),
      missedSlots: state.missedSlots + missed,
    });
    return 'MOVED';
  }

  /** As many of the slots as have a bounded number of events; at least one. */
  private async chunkOf(
    tx: TenantTransaction,
    { seq: upToSeq }: RollupState,
    slots: readonly CustomerSlot[],
    most: number,
    dimensionNos: readonly number[] | null,
  ): Promise<readonly CustomerSlot[]> {
    const expected = await this.events.expected(tx, { slots: slots.map((slot) => ({ ...slot, afterSeq: 0 })), upToSeq, dimensionNos });
    let events = 0;
    const end = expected.findIndex((more, i) => (events += more) > most && i > 0);
    return end < 0 ? slots : slots.slice(0, end);
  }

  /** Writes the cells of slots as they stand after commit `upToSeq`; answers how many could not be counted any more. */
  private async rollUp(
    tx: TenantTransaction,
    meter: StoredMeter,
    dimensionNos: readonly number[] | null,
    work: Pick<SlotsToCount, 'changed' | 'afterSeq' | 'whole' | 'upToSeq' | 'isCurrent'>,
  ): Promise<number> {
    const touched = [...work.changed, ...work.whole];
    if (touched.length === 0) return 0;
    const boundaries = await this.boundaries.read(tx, tx.tenantId, [...new Set(touched.map(({ customerNo }) => customerNo))]);
    const properties = rolledProperties(meter);
    const selection = { ...work, dimensionNos, droppedBefore: (await retentionHorizons(tx)).dropped };
    const { counts, dropped } = await countSlots(tx, this.events, meter, selection, (event, slot) => ({
      place: cellStart(event.from, boundaries.get(slot.customerNo) ?? NO_BOUNDARIES),
      group: groupTexts(properties, event),
    }));
    const written = counts.filter(({ kind, counted }) => kind === 'WHOLE' || counted.counts.size > 0);
    const cells = await this.cellsOf(tx, meter, written, properties, boundaries);
    await this.store.replaceCells(
      tx,
      meter.id,
      written.map(({ slot }) => slot),
      cells,
    );
    return dropped.length;
  }

  private async cellsOf(
    tx: TenantTransaction,
    meter: StoredMeter,
    counts: readonly SlotCount[],
    properties: readonly string[],
    boundaries: Boundaries,
  ): Promise<RollupCell[]> {
    const additions = counts.filter(({ kind }) => kind === 'ADDED');
    const known = await this.store.cellsOf(
      tx,
      meter.id,
      additions.map(({ slot }) => slot),
    );
    const numbers = await this.numbersOf(tx, meter, counts, properties);
    const isUnique = meter.aggregation === 'UNIQUE_COUNT';
    return counts.flatMap((slotCount) => {
      const { slot, counted } = slotCount;
      const cells = new Map((known.get(additions.indexOf(slotCount)) ?? []).map((cell) => [`${cell.from} ${cell.groupNo}`, cell]));
      for (const placed of counted.counts.values()) {
        const groupNo = numbers.get(groupHash(properties, placed.group)) ?? NaN;
        const key = `${placed.place} ${groupNo}`;
        const to = cellEnd(placed.place, boundaries.get(slot.customerNo) ?? NO_BOUNDARIES);
        cells.set(key, cellWith(meter, cells.get(key), placed, { customerNo: slot.customerNo, from: placed.place, to, groupNo }, isUnique));
      }
      return [...cells.values()];
    });
  }

  private numbersOf(
    tx: TenantTransaction,
    meter: StoredMeter,
    counts: readonly SlotCount[],
    properties: readonly string[],
  ): Promise<Map<string, number>> {
    const groups = new Map<string, Record<string, string>>();
    for (const { counted } of counts) {
      for (const { group } of counted.counts.values()) groups.set(groupHash(properties, group), groupObject(properties, group));
    }
    return this.store.groupNumbers(tx, meter.id, groups);
  }
}

const EVERYWHERE = { customerNos: null, from: null, to: null } as const;
const NO_BOUNDARIES: readonly Instant[] = [];
const NOT_NEEDED: MeterBackfill = { state: 'NOT_NEEDED', done: 0, total: 0, missing: 0 };

function backfillOf(state: RollupState | undefined): MeterBackfill {
  if (state === undefined) return { state: 'WAITING', done: 0, total: 0, missing: 0 };
  const progress = { done: state.filledSlots, total: state.totalSlots, missing: state.missedSlots };
  return { state: state.filledAt === null ? 'RUNNING' : 'DONE', ...progress };
}

/** Where the cell that starts at `from` ends: at the next boundary inside its slot, or with the slot. `boundaries` ascend. */
function cellEnd(from: Instant, boundaries: readonly Instant[]): Instant {
  const end = slotStart(from) + SLOT;
  return boundaries.find((boundary) => boundary > from && boundary < end) ?? end;
}

const nameOf = ({ customerNo, from }: CustomerSlot): string => `${customerNo} ${from}`;

async function now(tx: TenantTransaction): Promise<Instant> {
  const [row] = await tx.query<{ now: Instant }>('SELECT now() AS now');
  return row?.now ?? NaN;
}

/** What an event does not have is left out, so that it stays apart from every text. */
function groupObject(properties: readonly string[], group: GroupTexts): Record<string, string> {
  return Object.fromEntries(properties.flatMap((property, i) => (typeof group[i] === 'string' ? [[property, group[i]]] : [])));
}

const groupHash = (properties: readonly string[], group: GroupTexts): string => hashOf(JSON.stringify([properties, group]));

/** The cell, if there is one, and what was counted besides. */
function cellWith(
  meter: StoredMeter,
  known: RollupCell | undefined,
  { count }: PlacedCount,
  place: Pick<RollupCell, 'customerNo' | 'from' | 'to' | 'groupNo'>,
  isUnique: boolean,
): RollupCell {
  const whole: MeterCount = known === undefined ? emptyLike(null) : emptyLike(known);
  const hashed = new Map<string, number>();
  for (const [member, events] of count.members) hashed.set(hashOf(member), events);
  mergeCount(meter.aggregation, whole, { ...count, members: hashed });
  const { events, inexact, value, valueAt, members } = whole;
  return {
    ...place,
    ...(known === undefined ? {} : { to: known.to }),
    events,
    inexact,
    value,
    valueAt,
    members: isUnique ? members : null,
  };
}

function emptyLike(cell: RollupCell | null): MeterCount {
  if (cell === null) return { events: 0, inexact: 0, value: null, valueAt: null, members: new Map() };
  return { events: cell.events, inexact: cell.inexact, value: cell.value, valueAt: cell.valueAt, members: new Map(cell.members ?? []) };
}
