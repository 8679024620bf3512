import type { CreditCarry } from '../credits/index.ts';
import { Decimal } from '../money/index.ts';
import { billingTimes, servicePeriods, subscriptionEnd } from '../subscriptions/index.ts';
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

/**
 * The same of every billing period that ends after `closedUntil` and by `until`, in order of time: a period that is over limits what is left from its end on, also
 * while its invoice waits for the end of the grace period. `segments`: of one subscription, in order of time.
 */
export function creditCarriesUntil(segments: readonly Segment[], closedUntil: Instant, until: Instant): CreditCarry[] {
  if (!segments.some(({ terms }) => terms.creditRollover)) return [];
  const parts = segments.flatMap((segment) => servicePeriods(segment, closedUntil, until + 1).map((period) => ({ segment, period })));
  const times = billingTimes(parts.map(({ period }) => period));
  const last = subscriptionEnd(segments);
  return [...new Set(times)]
    .filter((at) => closedUntil < at && at <= until)
    .flatMap((at) => {
      const ended = parts.filter((_, index) => times[index] === at).map(({ segment }) => segment);
      const next = parts.findLast(({ period }) => period.start === at)?.segment ?? null;
      const subscriptionId = ended[0]?.subscriptionId ?? '';
      return creditCarry({ subscriptionId, at, ended, next, isLast: last === at }) ?? [];
    });
}
