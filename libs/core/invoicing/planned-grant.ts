import { servicePeriodAt } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { Instant } from '../time/index.ts';
import type { GrantToIssue } from './assembled-invoice.ts';
import type { DraftLine } from './draft-line.ts';
import { advanceLines, openEnded } from './fee-lines.ts';
import { grantsOf } from './granted-credits.ts';
import type { BilledFee } from './invoice-facts.ts';
import { prorationLines } from './proration-lines.ts';

/**
 * The credits that come with the invoice of the service period which `at` lies in, by the code that makes that invoice (SEMANTICS 7.6): of a change inside of
 * a billing period what it adds. Null where the plan grants none for the period, in a trial and in a pause. Its price is without discounts, which the invoice knows.
 * @param segments of one subscription, in order of time
 */
export function plannedGrant(segments: readonly Segment[], at: Instant): GrantToIssue | null {
  const segment = segments.find(({ start, end }) => start <= at && at < (end ?? Infinity));
  const period = segment && servicePeriodAt(segment, at);
  if (segment === undefined || period === null || period === undefined || period.trial) return null;
  if (segment.terms.creditsPerInterval?.isPositive() !== true) return null;
  const begun = servicePeriodAt(openEnded(segment), period.start) ?? period;
  const [grant] = grantsOf(linesOf(segments, segment, begun), segment.terms.currency);
  return grant ?? null;
}

function linesOf(segments: readonly Segment[], segment: Segment, period: ServicePeriod): readonly DraftLine[] {
  const before = segmentBefore(segments, segment, period);
  const left = before && servicePeriodAt(before, period.start - 1);
  if (before === undefined || left === null || left === undefined || left.fullEnd <= period.start) return advanceLines({ segment, period });
  if (left.trial) return advanceLines({ segment, period, resumed: isResumed(segments, before, period) });
  const billed = creditsBilled(segments, before, left).filter((fee) => fee.period.end > period.start);
  return prorationLines({ at: period.start, from: before, billed, to: { segment, period } }, 0);
}

/**
 * The credits that run where the period ends, as they were billed last, up to the end of the billing period: it was not known to be cut. A change that adds
 * none leaves those of the segment before it (`billedFeesOf`).
 */
function creditsBilled(segments: readonly Segment[], segment: Segment, { start }: ServicePeriod): BilledFee[] {
  const period = servicePeriodAt(openEnded(segment), start);
  if (period === null) return [];
  const own = linesOf(segments, segment, period).filter(({ credits }) => credits.isPositive());
  if (own.length > 0) {
    return own.map(({ priceKey, description, quantity, amount, credits }) => ({
      ...{ kind: 'CREDITS' as const, priceKey, description, quantity, amount, credits },
      ...{ discounts: [], period: { start: period.start, end: period.end } },
    }));
  }
  const before = segmentBefore(segments, segment, period);
  const left = before && servicePeriodAt(before, period.start - 1);
  return before && left && left.fullEnd > period.start ? creditsBilled(segments, before, left) : [];
}

/** The one that the period takes over from. */
function segmentBefore(segments: readonly Segment[], { id }: Segment, { start }: ServicePeriod): Segment | undefined {
  return segments.find((one) => one.id !== id && one.end === start && one.start < start);
}

/** After a pause inside of one billing period the credits that were bought for it are still there. */
function isResumed(segments: readonly Segment[], pause: Segment, { fullStart, fullEnd }: ServicePeriod): boolean {
  if (!pause.paused) return false;
  return segments.some((segment) => {
    const part = segment.end === null || segment.end > pause.start ? null : servicePeriodAt(segment, segment.end - 1);
    return part !== null && !part.trial && part.fullStart === fullStart && part.fullEnd === fullEnd;
  });
}
