import { periodContaining, servicePeriodAt } from '@tare/core';
import type { Instant, Period, Segment } from '@tare/core';
import { runningSegmentAt } from '@tare/customers';
import type { CapPeriod } from './cap.ts';

/**
 * The time over which a limit of a subscription counts: its billing period, from where the subscription began, its trial ended or its interval changed if that
 * was inside; of a trial up to its end. A change of plan or seats does not begin it anew. Null where the subscription does not run at `at`.
 * `segments`: of one subscription, in order of time.
 */
export function billingWindow(segments: readonly Segment[], at: Instant): Period | null {
  const segment = runningSegmentAt(segments, at);
  const period = segment && servicePeriodAt(segment, at);
  if (segment === null || period === null) return null;
  const begins = [segments[0]?.start, segment.anchor, segment.trialEnd].filter((begin) => begin != null && begin <= at) as Instant[];
  const trialEnd = segment.trialEnd !== null && at < segment.trialEnd ? segment.trialEnd : period.fullEnd;
  return { start: Math.max(period.fullStart, ...begins), end: Math.min(period.fullEnd, trialEnd) };
}

/** The day, week (from Monday) or month of the zone that the instant lies in (SEMANTICS 2.1). */
export function calendarWindow(interval: Exclude<CapPeriod, 'BILLING'>, at: Instant, timeZone: string): Period {
  return periodContaining({ interval, intervalCount: 1, alignment: 'CALENDAR', timeZone, anchor: 0 }, at);
}
