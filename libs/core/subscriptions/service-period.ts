import type { Instant } from '../time/index.ts';

/** What one charge is for: a billing period, or what a segment's or trial's boundary leaves of it. */
export interface ServicePeriod {
  /** Number of the billing period in the segment's calendar. */
  readonly index: number;
  readonly start: Instant;
  readonly end: Instant;
  /** The whole billing period that this lies in; the same as start and end unless it was shortened. The denominator of every proration. */
  readonly fullStart: Instant;
  readonly fullEnd: Instant;
  /** Nothing of it is charged (SEMANTICS 6.4). */
  readonly trial: boolean;
}
