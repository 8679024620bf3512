import { Injectable } from '@nestjs/common';
import { dayStarts, pricesReadEvents, segmentEnd, servicePeriods, subscriptionFor, validityEdges } from '@tare/core';
import type { Instant, Meter, Period, Segment, UsageRecord } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';

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
}

/** A customer's usage by the id of the segment that rates it. What none rates is left out. */
export type RatedUsage = ReadonlyMap<string, readonly UsageRecord[]>;

/** Reads usage so that no record reaches across anything that a bill is cut at (SEMANTICS 12), and gives each to the segment that rates it (3.6). */
@Injectable()
export class RatedUsageReader {
  constructor(private readonly reader: UsageReader) {}

  /** One query, however many prices there are; single events only where a meter in the span needs them. */
  async read(tx: TenantTransaction, query: RatedUsageQuery): Promise<RatedUsage> {
    const { span, segments, meters } = query;
    if (span.start >= span.end) return new Map();
    const active = segments.filter((segment) => segment.start < span.end && (segmentEnd(segment) ?? Infinity) > span.start);
    const reading = {
      customerNo: query.customerNo,
      cuts: allCuts(query, active),
      ...(query.upToSeq === null ? {} : { upToSeq: query.upToSeq }),
    };
    const records = active.some((segment) => pricesReadEvents(segment.terms, meters))
      ? await this.reader.readEventsWhereKept(tx, reading)
      : await this.reader.read(tx, reading);
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
