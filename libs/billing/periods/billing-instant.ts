import { billingTimes, isSameBillingPeriod, servicePeriodAt, servicePeriods, spanOfIntervals } from '@tare/core';
import type { AdvanceFee, Instant, Segment, ServicePeriod } from '@tare/core';

/** A service period of a segment. */
export interface Part {
  readonly segment: Segment;
  readonly period: ServicePeriod;
}

/** An instant at which a subscription bills, and what (SEMANTICS 8.5). */
export interface BillingInstant {
  readonly at: Instant;
  /** PRORATION where a change or a pause takes effect inside a period that was paid in advance, else REGULAR. */
  readonly kind: 'REGULAR' | 'PRORATION';
  /** Service periods whose usage is billed now: all parts of one billing period together, at its end. */
  readonly closes: readonly Part[];
  /** Service periods that begin now. */
  readonly opens: readonly Part[];
  /** Fees due in advance. */
  readonly fees: readonly AdvanceFee[];
  readonly change: { readonly from: Segment; readonly to: AdvanceFee | null } | null;
}

/**
 * The instants of one subscription up to and including `until`, in order. `segments`: of that subscription, in order of time; `from`: service periods that
 * end before it are left out. Fees are for the period as it was known at its start: a change that comes later is credited then, not foreseen (6.1).
 */
export function billingInstants(segments: readonly Segment[], from: Instant, until: Instant): BillingInstant[] {
  const parts = segments.flatMap((segment) => servicePeriods(segment, from, until + 1).map((period) => ({ segment, period })));
  const closings = billingTimes(parts.map(({ period }) => period));
  const times = [...new Set([...parts.map(({ period }) => period.start), ...closings])].filter((at) => at <= until).sort((a, b) => a - b);
  return times.map((at) => instantAt(at, parts, closings));
}

function instantAt(at: Instant, parts: readonly Part[], closings: readonly Instant[]): BillingInstant {
  const closes = parts.filter((_, index) => closings[index] === at);
  const opens = parts.filter(({ period }) => period.start === at);
  const change = changeAt(at, parts);
  const fees = change === null ? opens.filter(({ period }) => !period.trial).map((part) => resumedFee(part, parts)) : [];
  const isInside = parts.some(({ period, segment }) => segment.id === change?.from.id && period.end === at && at < period.fullEnd);
  return { at, kind: isInside && opens.length > 0 ? 'PRORATION' : 'REGULAR', closes, opens, fees, change };
}

/**
 * A segment that ends before what was paid for has run out, be it the billing period or the several ones of a fee: another one takes over, it is paused, or
 * it is cancelled with its unused time credited. What a trial or a pause leaves has cost nothing: the fee after it is an ordinary one.
 */
function changeAt(at: Instant, parts: readonly Part[]): BillingInstant['change'] {
  const to = parts.find(({ period }) => period.start === at);
  const from = parts.find(({ period, segment }) => period.end === at && segment.id !== to?.segment.id);
  if (from === undefined || from.period.trial || paidUntil(from) <= at) return null;
  if (to === undefined && !from.segment.creditsUnused) return null;
  return { from: from.segment, to: to === undefined || to.period.trial ? null : feeOf(to) };
}

/** The end of the billing period, or of the last one that a fee in advance is for. */
function paidUntil({ segment, period }: Part): Instant {
  const open = { ...segment, end: null };
  const spans = segment.terms.prices.flatMap((price) =>
    price.model === 'FLAT' && price.everyIntervals > 1 ? [spanOfIntervals(open, period, price.everyIntervals).end] : [],
  );
  return Math.max(period.fullEnd, ...spans);
}

/** After a pause inside of one billing period the credits that were bought for it are still there. */
function resumedFee(part: Part, parts: readonly Part[]): AdvanceFee {
  const before = parts[parts.indexOf(part) - 1];
  const isResumed =
    before?.segment.paused === true &&
    parts.some((other) => !other.period.trial && other.period.end <= before.period.start && isSameBillingPeriod(other.period, part.period));
  return isResumed ? { ...feeOf(part), resumed: true } : feeOf(part);
}

/** The fee's period as it looks at its start: an end of the segment that lies inside of it is not known yet. */
function feeOf({ segment, period }: Part): AdvanceFee {
  const open = { ...segment, end: null };
  return { segment, period: servicePeriodAt(open, period.start) ?? period };
}
