import { classifyChange, resetsAnchor, servicePeriodAt } from '@tare/core';
import type { ChangeTiming, Instant, PlanTerms, Segment } from '@tare/core';

/** How a subscription goes over to another plan. */
export interface PlannedChange {
  readonly timing: ChangeTiming | 'BEFORE_START';
  /** When the new segment starts and the running one ends. */
  readonly effectiveAt: Instant;
  readonly anchor: Instant;
  readonly trialEnd: Instant | null;
}

/**
 * When a change that is asked for at `at` takes effect and where its calendar is anchored (SEMANTICS 6.2): an upgrade at once, everything else at the end of
 * the period; before `startsAt`, when the subscription starts, there is nothing to wait for. A trial goes on under the new plan, and charging starts at its end.
 */
export function planChange(current: Segment, next: PlanTerms, at: Instant, startsAt: Instant): PlannedChange {
  const timing = at < startsAt ? 'BEFORE_START' : classifyChange(current, { terms: next, seats: current.seats }, at);
  const effectiveAt = timing === 'AT_PERIOD_END' ? periodEndAt(current, at) : Math.max(at, current.start);
  const trialEnd = current.trialEnd !== null && current.trialEnd > effectiveAt ? current.trialEnd : null;
  const anchor = trialEnd ?? (resetsAnchor(current.terms, next) ? effectiveAt : current.anchor);
  return { timing, effectiveAt, anchor, trialEnd };
}

/** The end of the period, or of the trial, that `at` lies in; a change that is already planned does not cut it short. */
export function periodEndAt(segment: Segment, at: Instant): Instant {
  const period = servicePeriodAt({ ...segment, end: null }, Math.max(at, segment.start));
  if (period === null) throw new Error(`segment ${segment.id} has no period at ${at}`);
  return period.end;
}
