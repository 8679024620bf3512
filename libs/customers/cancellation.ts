import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { periodEndAt } from './plan-change.ts';
import { requireRunning, type HeldSubscription } from './subscription-editor.ts';

/** Arguments of cancelSubscription. */
export interface CancelSubscriptionInput {
  readonly subscription: string;
  /** When the cancellation is made; none: now. */
  readonly at?: Instant | null | undefined;
  /** It ends at `at` itself. */
  readonly immediately?: boolean | null | undefined;
  /** It ends then, to the second. */
  readonly endsAt?: Instant | null | undefined;
  /** What was paid for time after the end is credited; else it is kept. */
  readonly creditUnused?: boolean | null | undefined;
}

/**
 * When a cancellation ends a subscription: at the end of the period, or of a license's term, that `at` lies in; at `at`; or at a date (SEMANTICS 6.3). Before
 * its start a subscription ends where it would have started: it covers no time.
 * @throws CodedError FIELD_NOT_ALLOWED | INVALID_TIME | SUBSCRIPTION_ENDED
 */
export function endOfCancellation(held: HeldSubscription, at: Instant, { immediately, endsAt }: CancelSubscriptionInput): Instant {
  const { startsAt } = held.subscription;
  if (endsAt !== null && endsAt !== undefined) {
    if (immediately === true) throw new CodedError('FIELD_NOT_ALLOWED', 'It ends immediately or at a date, not both.', 'endsAt');
    if (endsAt < at)
      throw new CodedError(
        'INVALID_TIME',
        'A subscription does not end before it is cancelled: leave at out, or set it earlier.',
        'endsAt',
      );
    requireRunning(held, Math.min(endsAt, Math.max(at, startsAt)));
    return Math.max(endsAt, startsAt);
  }
  if (at < startsAt) return startsAt;
  const current = requireRunning(held, at);
  return immediately === true ? at : periodEndAt(current, at);
}
