import type { Instant } from '../time/index.ts';
import type { PlanTerms } from '../pricing/index.ts';

/** A stretch of a subscription under one plan version and one number of seats, `[start, end)`. A change of either begins the next one (SEMANTICS 6.2). */
export interface Segment {
  readonly id: string;
  readonly subscriptionId: string;
  readonly planVersionId: string;
  readonly planKey: string;
  readonly planName: string;
  readonly terms: PlanTerms;
  readonly seats: number;
  readonly start: Instant;
  /** Null while nothing ends it. */
  readonly end: Instant | null;
  /** Where periods are counted from: the subscription's start, a trial's end, or the last change of interval. */
  readonly anchor: Instant;
  /** Usage before it is not charged (SEMANTICS 6.4). */
  readonly trialEnd: Instant | null;
  /** The subscription said that it may stand beside another one on the same meter (SEMANTICS 3.6). */
  readonly overlap: boolean;
  /** When the subscription (not the segment) was made: "the oldest" of SEMANTICS 3.6. */
  readonly createdAt: Instant;
  /** IANA zone of the customer. */
  readonly timeZone: string;
}
