import { periodIndexAt, periodOfIndex } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import type { Segment } from './segment.ts';
import { calendarOf, segmentEnd, servicePeriodAt, servicePeriods } from './service-period.ts';

/** When a discount was given, and for how long. */
export interface DiscountTime {
  /** Null: with the subscription. */
  readonly from: Instant | null;
  /** Billing periods, the first of them the one that begins at `from` or next; null: any number. */
  readonly periods: number | null;
  readonly until: Instant | null;
}

/**
 * The service periods that have a discount: those that begin in `[from, until)`. Periods are counted where charging begins, not in a trial or a pause.
 * `segments`: of the subscription, in order of time.
 */
export function discountSpan(segments: readonly Segment[], time: DiscountTime): { from: Instant; until: Instant | null } {
  const from = Math.max(time.from ?? -Infinity, segments[0]?.start ?? 0);
  if (time.periods === null) return { from, until: time.until };
  const first = segments.find((segment) => chargedFrom(segment, from) < (segmentEnd(segment) ?? Infinity));
  if (first === undefined) return { from, until: time.until };
  const counted = chargedFrom(first, from);
  const calendar = calendarOf(first);
  const isWhole = servicePeriodAt({ ...first, end: null }, counted)?.start === counted;
  const last = periodOfIndex(calendar, periodIndexAt(calendar, counted) + (isWhole ? 0 : 1) + time.periods - 1).end;
  return { from, until: time.until === null ? last : Math.min(last, time.until) };
}

/** Where the billing periods begin that give a discount something to take off, in order, up to `horizon` (SEMANTICS 8.1: for a rest that is carried on). */
export function discountedPeriods(
  segments: readonly Segment[],
  { from, until }: { readonly from: Instant; readonly until: Instant | null },
  horizon: Instant,
): Instant[] {
  const charged = segments.flatMap((segment) => servicePeriods(segment, from, horizon + 1)).filter(({ trial }) => !trial);
  const given = charged.filter(({ start }) => start >= from && (until === null || start < until));
  return [...new Set(given.map(({ fullStart }) => fullStart))].sort((a, b) => a - b);
}

/** The first instant at or after `from` at which the segment charges something; at its end or later where there is none. */
function chargedFrom(segment: Segment, from: Instant): Instant {
  if (segment.paused) return Infinity;
  return Math.max(segment.start, segment.trialEnd ?? segment.start, from);
}
