import type { Instant } from '../time/index.ts';
import type { PlanTerms, PriceOverride } from '../pricing/index.ts';

/** An add-on that a subscription has, so many times. */
export interface AttachedAddOn {
  readonly planKey: string;
  readonly planVersionId: string;
  /** A whole number of at least 1. */
  readonly quantity: number;
}

/**
 * A stretch of a subscription, `[start, end)`, in which nothing of what decides its bills changes: plan version, seats, add-ons, agreed prices, whether it is
 * paused. A change of any begins the next one (SEMANTICS 6.2).
 */
export interface Segment {
  readonly id: string;
  readonly subscriptionId: string;
  readonly planVersionId: string;
  readonly planKey: string;
  readonly planName: string;
  /** What it is billed by: the plan version's terms with add-ons and agreed prices in them (`effectiveTerms`). */
  readonly terms: PlanTerms;
  readonly seats: number;
  readonly addOns: readonly AttachedAddOn[];
  readonly overrides: readonly PriceOverride[];
  /** Nothing is charged, and no usage is rated (a pause). */
  readonly paused: boolean;
  /** Where it ends for good inside a period that was paid in advance, the unused part is credited: a cancellation that asked for it. */
  readonly creditsUnused: boolean;
  readonly start: Instant;
  /** Null while nothing ends it. */
  readonly end: Instant | null;
  /** Where periods are counted from: the subscription's start, a trial's end, or the last change of interval. */
  readonly anchor: Instant;
  /** From where a license counts its terms: where it began, or was changed to another plan. */
  readonly termStart: Instant;
  /** Usage before it is not charged (SEMANTICS 6.4). */
  readonly trialEnd: Instant | null;
  /** The subscription said that it may stand beside another one on the same meter (SEMANTICS 3.6). */
  readonly overlap: boolean;
  /** When the subscription (not the segment) was made: "the oldest" of SEMANTICS 3.6. */
  readonly createdAt: Instant;
  /** IANA zone of the customer. */
  readonly timeZone: string;
}
