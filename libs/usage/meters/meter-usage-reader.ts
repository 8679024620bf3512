import { Injectable } from '@nestjs/common';
import type { StoredMeter } from '@tare/catalog';
import {
  CodedError,
  Decimal,
  aggregate,
  emptyCount,
  filterMatches,
  isMeterDimension,
  mergeCount,
  meterMatches,
  needsEvents,
  quantityOfCount,
  slotStart,
  type Instant,
  type Meter,
  type MeterCount,
  type MeterFilter,
  type UsageRecord,
} from '@tare/core';
import { plainArray, sqlInstant, type TenantTransaction } from '@tare/database';
import { retentionHorizons } from '../retention/retention-horizon.ts';
import { UsageReader } from '../buckets/usage-reader.ts';
import { groupTexts, type GroupTexts } from './counted-slots.ts';
import { MeterRollupStore, hashOf, lastCovered, type CustomerSlot, type RollupState } from './meter-rollup.store.ts';
import { rolledMembers, rolledValues, type RolledSelection } from './meter-rollup.sql.ts';
import { countSlots, type SlotCount } from './slot-counting.ts';
import { SlotEvents, nullableArray } from './slot-events.store.ts';

export interface MeterUsageQuery {
  /** Null: all customers, those that exist only by their usage too. */
  readonly customerNos: readonly number[] | null;
  /** False: all of them together. */
  readonly perCustomer: boolean;
  /** Ascending, at least two: windows are [cuts[i], cuts[i + 1]). Any instants. */
  readonly cuts: readonly Instant[];
  /** Dimensions, and what the meter's own groupBy names. */
  readonly groupBy: readonly string[];
  /** The same: usage is kept that has one of the values of each. */
  readonly filters: readonly MeterFilter[];
}

/** What a meter counts in a window, of a customer and group; windows without usage have none. */
export interface MeterUsage {
  /** 0 where customers are not kept apart. */
  readonly customerNo: number;
  /** Position of the window. */
  readonly window: number;
  readonly group: GroupTexts;
  readonly value: Decimal;
  /** Events whose value is a JSON number of which nobody knows what was written (SEMANTICS 1.1). */
  readonly inexactEvents: number;
}

interface RolledRow {
  readonly customer_no: number;
  readonly window_no: number;
  readonly group: GroupTexts;
  readonly events: number;
  readonly inexact: number;
  readonly value: string | null;
  readonly value_at: Instant | null;
}

interface Counted extends Omit<MeterUsage, 'value' | 'inexactEvents'> {
  readonly count: MeterCount;
}

/** Slots that are counted from events at once. */
const CHUNK_SLOTS = 2_000;
/** Rows that one read may come to: a group for each trace or user of a large tenant would be more. */
const MOST_ROWS = 100_000;
/** Parameters that the statements over roll-ups name themselves. */
const VALUE_PARAMETERS = 8;
const MEMBER_PARAMETERS = 13;

/**
 * Usage of a meter in any windows, exact at every moment: from buckets where sums of dimensions are enough, else from roll-ups and, for what changed since
 * they were made or what a cut divides, from events. What it costs depends on cells, not on events.
 */
@Injectable()
export class MeterUsageReader {
  constructor(
    private readonly store: MeterRollupStore,
    private readonly events: SlotEvents,
    private readonly sums: UsageReader,
  ) {}

  /**
   * Needs a transaction of one snapshot (REPEATABLE READ).
   * @throws CodedError NOT_GROUPED_BY, TOO_MANY_ROWS
   */
  async read(tx: TenantTransaction, meter: StoredMeter, query: MeterUsageQuery): Promise<MeterUsage[]> {
    requireKnown(meter, query);
    const usage = needsEvents(meter) ? await this.readRolled(tx, meter, query) : await this.readSums(tx, meter, query);
    if (usage.length > MOST_ROWS) {
      throw new CodedError(
        'TOO_MANY_ROWS',
        `The answer has more than ${MOST_ROWS} rows. Ask for fewer groups, a shorter span or filter.`,
        'groupBy',
      );
    }
    return usage;
  }

  private async readSums(tx: TenantTransaction, meter: Meter, query: MeterUsageQuery): Promise<MeterUsage[]> {
    const records = await this.sums.readMany(tx, { customerNos: query.customerNos, cuts: query.cuts });
    const windows = new Map(query.cuts.map((cut, i) => [cut, i]));
    const places = new Map<string, Omit<MeterUsage, 'value' | 'inexactEvents'> & { readonly records: UsageRecord[] }>();
    for (const record of records) {
      if (!meterMatches(meter, record) || !filterMatches(query.filters, record)) continue;
      const customerNo = query.perCustomer ? record.customerNo : 0;
      const place = { customerNo, window: windows.get(record.from) ?? NaN, group: groupTexts(query.groupBy, record) };
      const known = places.get(keyOf(place));
      if (known === undefined) places.set(keyOf(place), { ...place, records: [record] });
      else known.records.push(record);
    }
    return [...places.values()]
      .filter(({ records: own }) => own.some(({ events }) => !events.isZero()))
      .map(({ records: own, ...place }) => ({ ...place, value: aggregate(meter, query.filters, own), inexactEvents: 0 }));
  }

  private async readRolled(tx: TenantTransaction, meter: StoredMeter, query: MeterUsageQuery): Promise<MeterUsage[]> {
    const state = (await this.store.states(tx, [meter.id])).get(meter.id) ?? null;
    const fresh = new Map<string, Counted>();
    const read = await this.countFresh(tx, meter, query, state, fresh);
    if (state === null) return [...fresh.values()].map(({ count, ...place }) => usageOf(meter, place, count));
    const rows = await this.rolledRows(tx, meter, query, state, read, fresh);
    if (meter.aggregation === 'UNIQUE_COUNT') return mergedMembers(rows, fresh);
    for (const row of rows) {
      const place = { customerNo: row.customer_no, window: row.window_no - 1, group: row.group };
      mergeCount(meter.aggregation, countAt(fresh, place), countOf(row));
    }
    return [...fresh.values()].map(({ count, ...place }) => usageOf(meter, place, count));
  }

  /** Counts what the roll-up does not say, or not any more, into `fresh`; answers the slots whose cells are to be left out for that. */
  private async countFresh(
    tx: TenantTransaction,
    meter: StoredMeter,
    query: MeterUsageQuery,
    state: RollupState | null,
    fresh: Map<string, Counted>,
  ): Promise<CustomerSlot[]> {
    const { seq: upToSeq } = await this.store.clock(tx);
    const dimensionNos = await this.events.dimensionNos(tx, meter, query.filters);
    const within = { customerNos: query.customerNos, from: slotStart(query.cuts[0] ?? NaN), to: query.cuts.at(-1) ?? NaN };
    const offGrid = query.cuts.filter((cut) => slotStart(cut) !== cut);
    const divided = state === null ? [] : await this.store.dividedSlots(tx, meter.id, query.customerNos, offGrid);
    const isDivided = new Set(divided.map(nameOf));
    const touched = state === null ? [] : await this.store.changedSlots(tx, state, upToSeq, dimensionNos, within);
    const changed = touched.filter((slot) => !isDivided.has(nameOf(slot)));
    const uncovered = await this.store.uncoveredSlots(tx, state, upToSeq, dimensionNos, within);
    const { dropped: droppedBefore } = await retentionHorizons(tx);
    const selection = { afterSeq: state?.seq ?? 0, upToSeq, isCurrent: true, droppedBefore, dimensionNos };
    const read: CustomerSlot[] = [];
    const count = async (slots: { changed: readonly CustomerSlot[]; whole: readonly CustomerSlot[] }): Promise<readonly SlotCount[]> => {
      const { counts } = await countSlots(tx, this.events, meter, { ...selection, ...slots }, (event) => {
        const window = windowOf(query.cuts, event.from);
        return window === null || !filterMatches(query.filters, event) ? null : { place: window, group: groupTexts(query.groupBy, event) };
      });
      for (const one of counts) fold(meter, query, fresh, one);
      return counts;
    };
    for (const slots of chunksOf(changed)) read.push(...wholesOf(await count({ changed: slots, whole: [] })));
    for (const slots of chunksOf(divided)) read.push(...wholesOf(await count({ changed: [], whole: slots })));
    for (const slots of chunksOf(uncovered)) await count({ changed: [], whole: slots });
    return read;
  }

  private rolledRows(
    tx: TenantTransaction,
    meter: StoredMeter,
    query: MeterUsageQuery,
    state: RollupState,
    read: readonly CustomerSlot[],
    fresh: ReadonlyMap<string, Counted>,
  ): Promise<RolledRow[]> {
    const isUnique = meter.aggregation === 'UNIQUE_COUNT';
    const values: unknown[] = [
      tx.tenantId,
      meter.id,
      nullableArray(query.customerNos),
      plainArray(query.cuts.map(sqlInstant)),
      plainArray(read.map(({ customerNo }) => customerNo)),
      plainArray(read.map(({ from }) => sqlInstant(from))),
      ...lastCovered(state),
      ...(isUnique ? memberParameters(fresh) : []),
    ];
    if (values.length !== (isUnique ? MEMBER_PARAMETERS : VALUE_PARAMETERS)) throw new Error('a parameter of a roll-up is missing');
    const parameter = (value: unknown): string => `$${values.push(value)}`;
    const selection: RolledSelection = {
      perCustomer: query.perCustomer,
      groupBy: query.groupBy.map((property) => `${parameter(property)}::text`),
      conditions: query.filters.map(
        ({ property, in: texts }) => `g.properties ->> ${parameter(property)}::text = ANY (${parameter([...texts])}::text[])`,
      ),
    };
    const statement = isUnique ? rolledMembers(selection) : rolledValues(selection, sqlAggregation(meter));
    return tx.query<RolledRow>(`${statement} LIMIT ${MOST_ROWS + 1}`, values);
  }
}

/** Sums of dimensions know dimensions only; a roll-up besides what its meter groups by. */
function requireKnown(meter: Meter, { groupBy, filters }: MeterUsageQuery): void {
  const requireProperty = (property: string, path: string): void => {
    if (isMeterDimension(property) || meter.groupBy.includes(property)) return;
    throw new CodedError(
      'NOT_GROUPED_BY',
      `The meter "${meter.key}" does not tell usage apart by "${property}". Make a meter that names it in groupBy; dimensions need no naming.`,
      path,
    );
  };
  for (const [i, property] of groupBy.entries()) requireProperty(property, `groupBy[${i}]`);
  for (const [i, { property }] of filters.entries()) requireProperty(property, `filters[${i}].property`);
}

/** COUNT and SUM add values up, MAX and LATEST choose one. */
function sqlAggregation({ aggregation }: Meter): 'SUM' | 'MAX' | 'LATEST' {
  return aggregation === 'MAX' || aggregation === 'LATEST' ? aggregation : 'SUM';
}

const keyOf = ({ customerNo, window, group }: Omit<Counted, 'count'>): string => `${customerNo} ${window} ${JSON.stringify(group)}`;
const nameOf = ({ customerNo, from }: CustomerSlot): string => `${customerNo} ${from}`;
const wholesOf = (counts: readonly SlotCount[]): CustomerSlot[] => counts.filter(({ kind }) => kind === 'WHOLE').map(({ slot }) => slot);

function chunksOf<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / CHUNK_SLOTS) }, (_, i) => items.slice(i * CHUNK_SLOTS, (i + 1) * CHUNK_SLOTS));
}

/** The window that an instant lies in; null outside of all. */
function windowOf(cuts: readonly Instant[], at: Instant): number | null {
  let [low, high] = [0, cuts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cuts[middle] ?? NaN) <= at) low = middle + 1;
    else high = middle;
  }
  return low === 0 || low === cuts.length ? null : low - 1;
}

function countAt(counts: Map<string, Counted>, place: Omit<Counted, 'count'>): MeterCount {
  const known = counts.get(keyOf(place));
  if (known !== undefined) return known.count;
  const count = emptyCount();
  counts.set(keyOf(place), { ...place, count });
  return count;
}

function fold(meter: Meter, query: MeterUsageQuery, fresh: Map<string, Counted>, { slot, counted }: SlotCount): void {
  const customerNo = query.perCustomer ? slot.customerNo : 0;
  for (const { place: window, group, count } of counted.counts.values()) {
    mergeCount(meter.aggregation, countAt(fresh, { customerNo, window, group }), count);
  }
}

function countOf(row: RolledRow): MeterCount {
  const value = row.value === null ? null : Decimal.parse(row.value);
  return { events: row.events, inexact: row.inexact, value, valueAt: row.value_at, members: new Map() };
}

function usageOf(meter: Meter, place: Omit<Counted, 'count'>, count: MeterCount): MeterUsage {
  return { ...place, value: quantityOfCount(meter.aggregation, count), inexactEvents: count.inexact };
}

/** The database has counted the members of both: rolled-up ones and those of events that were read just now. */
function mergedMembers(rows: readonly RolledRow[], fresh: ReadonlyMap<string, Counted>): MeterUsage[] {
  const merged = new Map<string, MeterUsage>();
  for (const { count: _, ...place } of fresh.values()) merged.set(keyOf(place), { ...place, value: Decimal.ZERO, inexactEvents: 0 });
  for (const row of rows) {
    const place = { customerNo: row.customer_no, window: row.window_no - 1, group: row.group };
    merged.set(keyOf(place), { ...place, value: Decimal.parse(row.value ?? '0'), inexactEvents: row.inexact });
  }
  return [...merged.values()];
}

/** Customers, windows, positions of groups, groups and hashes of the members of events that were read just now. */
function memberParameters(fresh: ReadonlyMap<string, Counted>): string[] {
  const places = [...fresh.values()];
  const named = places.flatMap((place, position) => [...place.count.members.keys()].map((member) => ({ place, position, member })));
  return [
    plainArray(named.map(({ place }) => place.customerNo)),
    plainArray(named.map(({ place }) => place.window + 1)),
    plainArray(named.map(({ position }) => position)),
    JSON.stringify(places.map(({ group }) => group)),
    plainArray(named.map(({ member }) => hashOf(member))),
  ];
}
