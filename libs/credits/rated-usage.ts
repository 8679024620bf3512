import { Injectable } from '@nestjs/common';
import { countsRead, dayStarts, pricesReadEvents, segmentEnd, servicePeriods, subscriptionFor, validityEdges } from '@tare/core';
import type { Instant, Meter, Period, Segment, UsageCount, UsageRecord } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { UsageReader, type UsageWindow } from '@tare/usage';

export interface RatedUsageQuery {
  readonly customerNo: number;
  /** All of the customer: which of them rates a record is decided among all (SEMANTICS 3.6). */
  readonly segments: readonly Segment[];
  /** By key. */
  readonly meters: ReadonlyMap<string, Meter>;
  /** The time to read. */
  readonly span: Period;
  /** Further instants that no record reaches across: begins and ends of grants. */
  readonly cuts: readonly Instant[];
  /** Only what commits up to this one brought; null: everything. */
  readonly upToSeq: number | null;
  /** Sums may lack what no price and no burn rate of the segments depends on (`countsRead`): for bills, which look at nothing else. None: all is read. */
  readonly onlyRated?: boolean;
}

/** A customer's usage by the id of the segment that rates it. What none rates is left out. */
export type RatedUsage = ReadonlyMap<string, readonly UsageRecord[]>;

/** Reads usage so that no record reaches across anything that a bill is cut at (SEMANTICS 12), and gives each to the segment that rates it (3.6). */
@Injectable()
export class RatedUsageReader {
  constructor(private readonly reader: UsageReader) {}

  /** One query, however many prices there are; single events only where a meter in the span needs them. */
  async read(tx: TenantTransaction, query: RatedUsageQuery): Promise<RatedUsage> {
    const [rated] = await this.readMany(tx, [query]);
    return rated ?? new Map();
  }

  /**
   * Only what commits after `afterSeq` brought, for a cursor: from sums, so not where prices read single events (`needsSingleEvents`). May be below zero.
   */
  async readSince(tx: TenantTransaction, query: RatedUsageQuery, afterSeq: number): Promise<RatedUsage> {
    const { customerNo, cuts, ofEvents, active, meters } = readingOf(query);
    if (ofEvents) throw new RangeError('what single events tell cannot be read as a difference');
    if (cuts.length === 0) return new Map();
    const upToSeq = query.upToSeq === null ? {} : { upToSeq: query.upToSeq };
    const records = await this.reader.readMany(tx, { customerNos: [customerNo], cuts, afterSeq, ...upToSeq });
    return bySegment(records, active, meters);
  }

  /**
   * The usage of many queries, in their order. Sums of all of them are one query; single events are read by customer, so callers that have many such
   * (`needsSingleEvents`) ask for few at a time. All have the same `upToSeq`.
   */
  async readMany(tx: TenantTransaction, queries: readonly RatedUsageQuery[]): Promise<RatedUsage[]> {
    const readings = queries.map((query) => readingOf(query));
    const [first] = queries;
    const upToSeq = first?.upToSeq ?? undefined;
    if (queries.some((query) => query.upToSeq !== first?.upToSeq)) throw new RangeError('usage of many is read as of one commit');
    const windows = readings.flatMap(({ customerNo, cuts, ofEvents }) => (ofEvents ? [] : windowsOf(customerNo, cuts)));
    const sums = await this.reader.readWindows(tx, windows, upToSeq, countsOf(queries, readings));
    let next = 0;
    const rated: RatedUsage[] = [];
    for (const { customerNo, cuts, ofEvents, active, meters } of readings) {
      const width = Math.max(0, cuts.length - 1);
      const records = ofEvents
        ? await this.reader.readEventsWhereKept(tx, { customerNo, cuts, ...(upToSeq === undefined ? {} : { upToSeq }) })
        : sums.slice(next, next + width).flat();
      if (!ofEvents) next += width;
      rated.push(bySegment(records, active, meters));
    }
    return rated;
  }
}

/** Whether what a query asks for can only be told from single events: their number has no bound, so such queries are read one by one. */
export function needsSingleEvents({ span, segments, meters }: Pick<RatedUsageQuery, 'span' | 'segments' | 'meters'>): boolean {
  return activeIn(span, segments).some((segment) => pricesReadEvents(segment.terms, meters));
}

/** How a query is read. No cuts: its span is empty. */
interface Reading extends Pick<RatedUsageQuery, 'customerNo' | 'meters'> {
  readonly active: readonly Segment[];
  readonly cuts: readonly Instant[];
  readonly ofEvents: boolean;
}

function readingOf(query: RatedUsageQuery): Reading {
  const { span, segments, meters, customerNo } = query;
  if (span.start >= span.end) return { customerNo, meters, active: [], cuts: [], ofEvents: false };
  const active = activeIn(span, segments);
  return {
    customerNo,
    meters,
    active,
    cuts: allCuts(query, active),
    ofEvents: active.some((segment) => pricesReadEvents(segment.terms, meters)),
  };
}

/** What any of them needs; undefined: everything. */
function countsOf(queries: readonly RatedUsageQuery[], readings: readonly Reading[]): ReadonlySet<UsageCount> | undefined {
  if (!queries.every(({ onlyRated }) => onlyRated === true)) return undefined;
  const needed = new Set<ReadonlySet<UsageCount>>();
  for (const { active, meters } of readings) for (const { terms } of active) needed.add(countsRead(terms, meters));
  return new Set([...needed].flatMap((counts) => [...counts]));
}

function windowsOf(customerNo: number, cuts: readonly Instant[]): UsageWindow[] {
  return cuts.slice(1).map((to, i) => ({ customerNo, from: cuts[i] ?? NaN, to }));
}

function activeIn(span: Period, segments: readonly Segment[]): Segment[] {
  return segments.filter((segment) => segment.start < span.end && (segmentEnd(segment) ?? Infinity) > span.start);
}

function bySegment(records: readonly UsageRecord[], active: readonly Segment[], meters: ReadonlyMap<string, Meter>): RatedUsage {
  const rated = new Map<string, UsageRecord[]>();
  for (const record of records) {
    const segment = subscriptionFor(record, active, meters);
    if (segment === null) continue;
    const own = rated.get(segment.id);
    if (own === undefined) rated.set(segment.id, [record]);
    else own.push(record);
  }
  return rated;
}

/** Everything that no record may reach across, ascending, the ends of the span included. */
function allCuts({ span, cuts }: RatedUsageQuery, active: readonly Segment[]): Instant[] {
  const all = [...cuts, ...active.flatMap((segment) => cutsOf(segment, span))];
  const inside = all.filter((cut) => span.start < cut && cut < span.end);
  return [...new Set([span.start, ...inside, span.end])].sort((a, b) => a - b);
}

/** Where the segment's bills are cut: its service periods, where prices begin and end to be valid, and for credits the customer's days. */
function cutsOf(segment: Segment, span: Period): Instant[] {
  const edges = servicePeriods(segment, span.start, span.end).flatMap(({ start, end }) => [start, end]);
  const ends = [segment.start, segmentEnd(segment), segment.trialEnd].flatMap((at) => (at === null ? [] : [at]));
  const days = segment.terms.burnRates.length === 0 ? [] : dayStarts(span, segment.timeZone);
  return [...edges, ...ends, ...days, ...validityEdges(segment.terms)];
}
