import { segmentEnd, servicePeriodAt, termEndAt } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import type { Subscription } from './subscription.store.ts';

export type SubscriptionStatus = 'TRIALING' | 'ACTIVE' | 'PENDING' | 'PAUSED' | 'CANCELED' | 'ENDED';

/** Where a subscription stands at some time. */
export interface SubscriptionState {
  readonly status: SubscriptionStatus;
  /** The one that runs, else the one that will run first, else the last one that ran. */
  readonly segment: Segment;
  /** Of the period that runs; null before the start and after the end. */
  readonly currentPeriodStart: Instant | null;
  readonly currentPeriodEnd: Instant | null;
  /** When the period, or the term of a license, is followed by the next one; null where none follows. */
  readonly renewsAt: Instant | null;
  /** When a pause that runs ends; null where none runs, or nothing ends it yet. */
  readonly resumesAt: Instant | null;
}

/** Where a subscription stands at `at`. `segments`: its own, in order of time, at least one. */
export function subscriptionStateAt(subscription: Subscription, segments: readonly Segment[], at: Instant): SubscriptionState {
  const segment = runningSegmentAt(segments, at) ?? segments.find((later) => coversTime(later) && later.start > at) ?? lastOf(segments);
  const status = statusAt(subscription, segment, at);
  const runs = status === 'ACTIVE' || status === 'TRIALING' || status === 'PAUSED';
  const period = runs ? servicePeriodAt(segment, at) : null;
  return {
    status,
    segment,
    currentPeriodStart: period?.start ?? null,
    currentPeriodEnd: period?.end ?? null,
    renewsAt: runs ? renewalOf(segments, segment, at) : null,
    resumesAt:
      status === 'PAUSED' ? (segments.find((later) => coversTime(later) && later.start > at && !later.paused)?.start ?? null) : null,
  };
}

/** The segment that is in force at `at`; null before the start and after the end. */
export function runningSegmentAt(segments: readonly Segment[], at: Instant): Segment | null {
  return segments.find((segment) => coversTime(segment) && segment.start <= at && at < (segmentEnd(segment) ?? Infinity)) ?? null;
}

function statusAt({ endsAt }: Subscription, segment: Segment, at: Instant): SubscriptionStatus {
  if (endsAt !== null && endsAt <= Math.max(at, segment.start)) return 'CANCELED';
  if (at < segment.start) return 'PENDING';
  if (at >= (segmentEnd(segment) ?? Infinity)) return 'ENDED';
  if (segment.paused) return 'PAUSED';
  return segment.trialEnd !== null && at < segment.trialEnd ? 'TRIALING' : 'ACTIVE';
}

function renewalOf(segments: readonly Segment[], segment: Segment, at: Instant): Instant | null {
  const end = termEndAt(segment, at);
  return runningSegmentAt(segments, end) === null ? null : end;
}

/** False for a segment that was replaced before it began. */
function coversTime({ start, end }: Segment): boolean {
  return end === null || end > start;
}

function lastOf(segments: readonly Segment[]): Segment {
  const last = segments.findLast(coversTime) ?? segments[0];
  if (last === undefined) throw new Error('a subscription has no segment');
  return last;
}
