import { Injectable } from '@nestjs/common';
import { dayStarts, isEventDimension, pricesReadEvents, segmentEnd, servicePeriods, validityEdges } from '@tare/core';
import type { Instant, MarginQuery, Period, RevenueItem, Segment, UsageRecord } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';

export interface MarginUsageRequest {
  readonly customerNo: number;
  readonly timeZone: string;
  readonly segments: readonly Segment[];
  /** What revenue is spread over usage decides how far it is read. */
  readonly items: readonly RevenueItem[];
  readonly upToSeq: number | null;
}

/** Reads a customer's usage as a margin needs it: one query, and no record reaches across anything that days or bills are cut at. */
@Injectable()
export class MarginUsage {
  constructor(private readonly reader: UsageReader) {}

  async read(tx: TenantTransaction, query: MarginQuery, request: MarginUsageRequest): Promise<UsageRecord[]> {
    const span = spanOf(query, request.items);
    const upTo = request.upToSeq === null ? {} : { upToSeq: request.upToSeq };
    const reading = { customerNo: request.customerNo, cuts: cutsOf(query, request, span), ...upTo };
    return readsEvents(query, request.segments, span) ? this.reader.readEventsWhereKept(tx, reading) : this.reader.read(tx, reading);
  }

  /** Single events of the span of the query itself. */
  events(tx: TenantTransaction, { from, to }: MarginQuery, customerNo: number): Promise<UsageRecord[]> {
    return this.reader.readEvents(tx, { customerNo, from, to });
  }
}

/** From the first to the last service period whose line is spread over usage: tiers stand where they stood. */
function spanOf({ from, to }: MarginQuery, items: readonly RevenueItem[]): Period {
  const periods = items.flatMap(({ spread }) => (spread.kind === 'BY_USAGE' ? [spread.period] : []));
  return {
    start: Math.min(from, ...periods.map(({ start, fullStart }) => Math.min(start, fullStart))),
    end: Math.max(to, ...periods.map(({ end }) => end)),
  };
}

function readsEvents({ groupBy, meters }: MarginQuery, segments: readonly Segment[], span: Period): boolean {
  const active = segments.filter((segment) => segment.start < span.end && (segmentEnd(segment) ?? Infinity) > span.start);
  return groupBy.some(isEventDimension) || active.some((segment) => pricesReadEvents(segment.terms, meters));
}

function cutsOf({ from, to, asOf }: MarginQuery, { segments, timeZone, items }: MarginUsageRequest, span: Period): Instant[] {
  const edges = segments.flatMap((segment) => [
    segment.start,
    segment.trialEnd,
    segmentEnd(segment),
    ...periodEdges(segment, span),
    ...validityEdges(segment.terms),
  ]);
  const ofItems = items.flatMap(({ spread }) => (spread.kind === 'BY_USAGE' ? [spread.period.start, spread.period.end] : []));
  const all = [from, to, asOf, ...dayStarts(span, timeZone), ...edges, ...ofItems];
  const inside = all.flatMap((at) => (at !== null && span.start < at && at < span.end ? [at] : []));
  return [...new Set([span.start, ...inside, span.end])].sort((a, b) => a - b);
}

function periodEdges(segment: Segment, span: Period): Instant[] {
  return servicePeriods(segment, span.start, span.end).flatMap(({ start, end }) => [start, end]);
}
