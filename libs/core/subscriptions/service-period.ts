import { addIntervals, periodIndexAt, periodOfIndex } from '../time/index.ts';
import type { BillingCalendar, Instant, Period } from '../time/index.ts';
import type { PeriodShare } from '../pricing/index.ts';
import type { Segment } from './segment.ts';

/** What one charge is for: a billing period, or what a segment's or trial's boundary leaves of it. */
export interface ServicePeriod {
  /** Number of the billing period in the segment's calendar. */
  readonly index: number;
  readonly start: Instant;
  readonly end: Instant;
  /** The whole billing period that this lies in; the same as start and end unless it was shortened. The denominator of every proration. */
  readonly fullStart: Instant;
  readonly fullEnd: Instant;
  /** Nothing of it is charged: a trial, or a pause (SEMANTICS 6.4). */
  readonly trial: boolean;
  /** Microseconds between start and end that are not served: pauses between parts that are rated as one (`joinedParts`). None: zero. */
  readonly unserved?: number;
}

/** How the segment's time is cut into billing periods. A SITE_LICENSE bills its fee per interval too: the term says how long it runs. */
export function calendarOf(segment: Segment): BillingCalendar {
  const { interval, intervalCount, alignment } = segment.terms;
  return { interval, intervalCount, alignment, timeZone: segment.timeZone, anchor: segment.anchor };
}

/** When the segment ends: its own end, or the end of the term of a license that does not renew; null while nothing ends it. */
export function segmentEnd(segment: Segment): Instant | null {
  if (segment.terms.kind !== 'SITE_LICENSE' || segment.terms.autoRenew) return segment.end;
  const termEnd = termEndOf(segment, 0);
  return segment.end === null ? termEnd : Math.min(segment.end, termEnd);
}

/** The end of the term of a license that `at` lies in, the end of the billing period for everything else; an end of the segment inside of it does not count. */
export function termEndAt(segment: Segment, at: Instant): Instant {
  const calendar = calendarOf(segment);
  const index = periodIndexAt(calendar, Math.max(at, segment.start));
  if (segment.terms.kind !== 'SITE_LICENSE') return periodOfIndex(calendar, index).end;
  const passed = Math.max(0, index - periodIndexAt(calendar, firstTermStart(segment)));
  return termEndOf(segment, Math.floor(passed / (segment.terms.termIntervals ?? 1)));
}

/** The end of the license's term number `term`, from 0. */
function termEndOf(segment: Segment, term: number): Instant {
  const calendar = calendarOf(segment);
  const first = periodIndexAt(calendar, firstTermStart(segment));
  return periodOfIndex(calendar, first + (term + 1) * (segment.terms.termIntervals ?? 1) - 1).end;
}

/** A trial comes before the first term. */
function firstTermStart({ termStart, trialEnd }: Segment): Instant {
  return Math.max(termStart, trialEnd ?? termStart);
}

/** All service periods of the segment that share time with `[from, to)`, whole, in order: billing periods cut at the segment's ends and at the trial's. */
export function servicePeriods(segment: Segment, from: Instant, to: Instant): ServicePeriod[] {
  const end = Math.min(segmentEnd(segment) ?? to, to);
  const start = Math.max(segment.start, from);
  if (start >= end) return [];
  const calendar = calendarOf(segment);
  const periods: ServicePeriod[] = [];
  let index = periodIndexAt(calendar, start);
  let billing = periodOfIndex(calendar, index);
  while (billing.start < end) {
    for (const period of pieces(segment, calendar, index, billing)) if (period.start < end && period.end > start) periods.push(period);
    index += 1;
    billing = { start: billing.end, end: periodOfIndex(calendar, index).end };
  }
  return periods;
}

/** The service period that the instant lies in; null outside of the segment. */
export function servicePeriodAt(segment: Segment, at: Instant): ServicePeriod | null {
  return servicePeriods(segment, at, at + 1)[0] ?? null;
}

/** The instants in `[from, to)` at which something is billed: the segment's start, and every start and end of a service period (SEMANTICS 8.5). */
export function billingInstants(segment: Segment, from: Instant, to: Instant): Instant[] {
  const edges = servicePeriods(segment, from - 1, to).flatMap(({ start, end }) => [start, end]);
  return [...new Set(edges)].filter((at) => at >= from && at < to).sort((a, b) => a - b);
}

/** What a shortened period is of its whole one; undefined for a whole period (SEMANTICS 6.2). */
export function shareOf({ start, end, fullStart, fullEnd, unserved = 0 }: ServicePeriod): PeriodShare | undefined {
  if (start === fullStart && end === fullEnd && unserved === 0) return undefined;
  return { from: BigInt(start - fullStart), numerator: BigInt(end - start - unserved), denominator: BigInt(fullEnd - fullStart) };
}

/**
 * The `count` billing periods that the service period belongs to, counted from the segment's anchor: of a yearly fee in a monthly plan its year. Cut where
 * the segment begins or ends, and where its trial ends; `index` is that of the first billing period.
 */
export function spanOfIntervals(segment: Segment, period: ServicePeriod, count: number): ServicePeriod {
  if (count === 1) return period;
  const calendar = calendarOf(segment);
  const index = Math.floor(period.index / count) * count;
  const fullEnd = periodOfIndex(calendar, index + count - 1).end;
  return {
    index,
    start: Math.max(periodOfIndex(calendar, index).start, segment.start, segment.trialEnd ?? segment.start),
    end: Math.min(fullEnd, segmentEnd(segment) ?? fullEnd),
    fullStart: wholePeriod(calendar, index).start,
    fullEnd,
    trial: false,
  };
}

/** The parts of one billing period that lie in the segment: two where a trial ends inside it. `cut`: the period of the index. */
function pieces(segment: Segment, calendar: BillingCalendar, index: number, cut: Period): ServicePeriod[] {
  const full = wholePeriod(calendar, index, cut);
  const start = Math.max(cut.start, segment.start);
  const end = Math.min(cut.end, segmentEnd(segment) ?? cut.end);
  const trialEnd = segment.paused ? end : Math.max(start, Math.min(end, segment.trialEnd ?? start));
  const found: ServicePeriod[] = [];
  if (start < trialEnd) found.push({ index, start, end: trialEnd, fullStart: full.start, fullEnd: full.end, trial: true });
  if (trialEnd < end) found.push({ index, start: trialEnd, end, fullStart: full.start, fullEnd: full.end, trial: false });
  return found;
}

/** A calendar-aligned anchor cuts the unit that it lies in: the whole of both parts is that unit. */
function wholePeriod(calendar: BillingCalendar, index: number, period = periodOfIndex(calendar, index)): Period {
  if (calendar.alignment === 'ANNIVERSARY' || (index !== 0 && index !== -1)) return period;
  const first = periodOfIndex(calendar, 0);
  const start = addIntervals(first.end, { interval: calendar.interval, count: -calendar.intervalCount }, calendar.timeZone);
  if (index === -1 && start === first.start) return period;
  return { start, end: first.end };
}

/** When the usage of each service period of a subscription is billed: at the end of the last part of its billing period (SEMANTICS 6.2, 8.5). In order of time. */
export function billingTimes(periods: readonly ServicePeriod[]): Instant[] {
  const times: Instant[] = [];
  for (let index = periods.length - 1; index >= 0; index -= 1) {
    const [period, next] = [periods[index], periods[index + 1]];
    if (period === undefined) continue;
    const goesOn = next !== undefined && period.end === next.start && isSameBillingPeriod(period, next);
    times[index] = goesOn ? (times[index + 1] ?? next.end) : period.end;
  }
  return times;
}

/** Whether they are parts of one billing period. */
export function isSameBillingPeriod(a: ServicePeriod, b: ServicePeriod): boolean {
  return a.fullStart === b.fullStart && a.fullEnd === b.fullEnd;
}

/** When the subscription ends for good; null while nothing ends it. `segments`: its own. */
export function subscriptionEnd(segments: readonly Segment[]): Instant | null {
  const ends = segments.filter((segment) => segment.end === null || segment.end > segment.start).map(segmentEnd);
  return ends.length === 0 || ends.includes(null) ? null : Math.max(...ends.map((end) => end ?? 0));
}
