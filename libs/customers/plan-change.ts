import { classifyChange, resetsAnchor, servicePeriodAt, termEndAt } from '@tare/core';
import type { ChangeTiming, Instant, PlanTerms, Segment } from '@tare/core';

/** How a subscription goes over to other terms. */
export interface PlannedChange {
  readonly timing: ChangeTiming | 'BEFORE_START';
  /** When the new segment starts and the running one ends. */
  readonly effectiveAt: Instant;
  readonly anchor: Instant;
  readonly trialEnd: Instant | null;
}

/** What is asked for. */
export interface AskedChange {
  readonly terms: PlanTerms;
  readonly seats: number;
  readonly at: Instant;
  readonly startsAt: Instant;
  /** It takes effect at once whatever it is. */
  readonly immediately?: boolean;
}

/**
 * When a change that is asked for at `at` takes effect and where its calendar is anchored (SEMANTICS 6.2): an upgrade at once, everything else at the end of
 * the period (of a license: of its term) unless asked otherwise; before `startsAt`, when the subscription starts, there is nothing to wait for. Where only
 * seats change, more of them are an upgrade whatever they cost. A trial goes on under the new terms, and charging starts at its end.
 */
export function planChange(current: Segment, { terms, seats, at, startsAt, immediately = false }: AskedChange): PlannedChange {
  const timing = at < startsAt ? 'BEFORE_START' : immediately ? 'UPGRADE' : timingOf(current, terms, seats, at);
  const effectiveAt = timing === 'AT_PERIOD_END' ? periodEndAt(current, at) : Math.max(at, current.start);
  const trialEnd = current.trialEnd !== null && current.trialEnd > effectiveAt ? current.trialEnd : null;
  const anchor = trialEnd ?? (resetsAnchor(current.terms, terms) ? effectiveAt : current.anchor);
  return { timing, effectiveAt, anchor, trialEnd };
}

/** The end of the period, of the trial, or of a license's term, that `at` lies in; a change that is already planned does not cut it short. */
export function periodEndAt(segment: Segment, at: Instant): Instant {
  const from = Math.max(at, segment.start);
  const period = servicePeriodAt({ ...segment, end: null }, from);
  if (period === null) throw new Error(`segment ${segment.id} has no period at ${at}`);
  return period.trial && !segment.paused ? period.end : termEndAt(segment, from);
}

function timingOf(current: Segment, terms: PlanTerms, seats: number, at: Instant): ChangeTiming {
  if (terms === current.terms && seats !== current.seats) return seats > current.seats ? 'UPGRADE' : 'AT_PERIOD_END';
  return classifyChange(current, { terms, seats }, at);
}
