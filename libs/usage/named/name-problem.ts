import { formatInstant, namedSegment, segmentEnd } from '@tare/core';
import type { Instant, Segment } from '@tare/core';

/** Why the name of a subscription means nothing at an instant. */
export type NameProblem = 'UNKNOWN' | 'OTHER_CUSTOMER' | 'NOT_BEGUN' | 'ENDED';

/** A subscription that events name. */
export interface NamedSubscription {
  readonly id: string;
  readonly customerId: string;
  /** Its own, in order of time. */
  readonly segments: readonly Segment[];
}

/**
 * Why the name means nothing for an event at `at`; null: it means something (SEMANTICS 3.6, docs/decisions/0026).
 * @param named undefined: there is no such subscription @param customerId of the event; null: there is no such customer yet
 */
export function problemOfName(named: NamedSubscription | undefined, customerId: string | null, at: Instant): NameProblem | null {
  if (named === undefined) return 'UNKNOWN';
  if (named.customerId !== customerId) return 'OTHER_CUSTOMER';
  if (namedSegment({ subscription: named.id, from: at }, named.segments) !== null) return null;
  return at < beginOf(named) ? 'NOT_BEGUN' : 'ENDED';
}

/** What the problem is, to be read behind the id of the subscription. */
export function problemText(problem: NameProblem, named: NamedSubscription | undefined): string {
  switch (problem) {
    case 'UNKNOWN':
      return 'which is not there';
    case 'OTHER_CUSTOMER':
      return "which is another customer's";
    case 'NOT_BEGUN':
      return `which begins at ${named === undefined ? 'no time' : formatInstant(beginOf(named))}`;
    case 'ENDED':
      return `which ended at ${named === undefined ? 'no time' : formatInstant(endOf(named))}`;
    default:
      return problem satisfies never;
  }
}

/** Where names begin and stop to mean something. Segments of a subscription follow one another. */
export function edgesOf(named: NamedSubscription): Instant[] {
  return [beginOf(named), endOf(named)].filter(Number.isFinite);
}

function beginOf({ segments }: NamedSubscription): Instant {
  return Math.min(...segments.map(({ start }) => start));
}

function endOf({ segments }: NamedSubscription): Instant {
  return Math.max(...segments.map((segment) => segmentEnd(segment) ?? Infinity));
}
