import { billingInstants, openFrom, undoneInstant, type BillingPeriod } from '@tare/billing';
import { servicePeriodAt } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import type { ReplayStep } from './billing-replay.ts';

/**
 * What billing has not billed yet of a subscription by `until`: its instants that are not done, then the usage so far of what still runs. `segments`: its own,
 * in order of time; `rows`: what billing has opened and closed.
 */
export function openSteps(
  subscriptionId: string,
  segments: readonly Segment[],
  rows: readonly BillingPeriod[],
  until: Instant,
): ReplayStep[] {
  const done = rows.some(({ closedAt }) => closedAt === null) ? -Infinity : Math.max(-Infinity, ...rows.map(({ end }) => end));
  const undone = billingInstants(segments, openFrom(rows), until)
    .filter(({ at }) => at > done)
    .flatMap(({ at }) => undoneInstant(segments, rows, at) ?? [])
    .map((instant) => ({ subscriptionId, instant, isSoFar: false }));
  const isClosed = (segmentId: string, start: Instant): boolean =>
    rows.some((row) => row.segmentId === segmentId && row.start === start && row.closedAt !== null);
  return [...undone, ...runningStep(subscriptionId, segments, openFrom(rows), until, isClosed)];
}

/** Everything that a subscription bills from one instant to another, both included, and what is used of the periods that still run at the end. */
export function allSteps(subscriptionId: string, segments: readonly Segment[], from: Instant, until: Instant): ReplayStep[] {
  const steps = billingInstants(segments, from, until)
    .map((instant) => ({ ...instant, closes: instant.closes.filter(({ period }) => period.start >= from) }))
    .filter(({ at }) => at >= from)
    .map((instant) => ({ subscriptionId, instant, isSoFar: false }));
  return [...steps, ...runningStep(subscriptionId, segments, from, until, () => false)];
}

/** Usage so far of the billing periods that run at `until`; none where all of them ended with it. */
function runningStep(
  subscriptionId: string,
  segments: readonly Segment[],
  from: Instant,
  until: Instant,
  isClosed: (segmentId: string, start: Instant) => boolean,
): ReplayStep[] {
  const end = Math.max(until, ...segments.map((segment) => servicePeriodAt(segment, until - 1)?.fullEnd ?? until));
  const running = billingInstants(segments, from, end)
    .filter(({ at }) => at > until)
    .flatMap(({ closes }) => closes)
    .filter(({ segment, period }) => period.start >= from && period.start < until && !isClosed(segment.id, period.start));
  if (running.length === 0) return [];
  return [{ subscriptionId, isSoFar: true, instant: { at: until, kind: 'REGULAR', closes: running, opens: [], fees: [], change: null } }];
}

/** Steps of several subscriptions of one customer share its wallet: in order of time. */
export function inOrder(steps: readonly ReplayStep[]): ReplayStep[] {
  return [...steps].sort((a, b) => a.instant.at - b.instant.at || Number(a.isSoFar) - Number(b.isSoFar));
}
