import type { CreditCarry } from '../credits/index.ts';
import { Decimal } from '../money/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import type { Instant } from '../time/index.ts';

/** A billing period that is over, and what comes after it. */
export interface EndedPeriod {
  readonly subscriptionId: string;
  readonly at: Instant;
  /** Whose usage is closed, in order of time. */
  readonly ended: readonly Segment[];
  /** What begins at the instant; null where nothing does. */
  readonly next: Segment | null;
  /** The subscription is over. */
  readonly isLast: boolean;
}

/**
 * What becomes of plan credits that roll over where a billing period ends. The maximum is that of the plan whose period begins; one without rollover leaves
 * the rule of the plan that ended. Credits are carried into a period: where the subscription is over they are gone. Null: nothing is limited.
 */
export function creditCarry({ subscriptionId, at, ended, next, isLast }: EndedPeriod): CreditCarry | null {
  const rolling = [...(next === null ? [] : [next]), ...[...ended].reverse()].find(({ terms }) => terms.creditRollover);
  if (rolling === undefined) return null;
  const maximum = isLast ? Decimal.ZERO : rolling.terms.creditRolloverMaximum;
  return maximum === null ? null : { subscriptionId, at, maximum };
}
