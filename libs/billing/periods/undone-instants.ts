import type { Instant, Segment } from '@tare/core';
import { billingInstants, type BillingInstant } from './billing-instant.ts';
import type { BillingPeriod } from './billing-period.store.ts';

/** What is known of a service period's row here. */
type PeriodProgress = Pick<BillingPeriod, 'segmentId' | 'start' | 'closedAt' | 'end'>;

/** The instant with what is not done of it; null when nothing is left to do. */
export function undoneInstant(segments: readonly Segment[], rows: readonly PeriodProgress[], at: Instant): BillingInstant | null {
  return undoneInstants(segments, rows, at).find((instant) => instant.at === at) ?? null;
}

/** The instants of a subscription up to and including `until` with what is not done of them, in order. `segments`: its own, `rows`: its unfinished periods. */
export function undoneInstants(segments: readonly Segment[], rows: readonly PeriodProgress[], until: Instant): BillingInstant[] {
  return billingInstants(segments, openFrom(rows), until).flatMap((instant) => undonePart(instant, rows) ?? []);
}

/** Before it everything is done: where open periods begin, else where closed ones end. */
export function openFrom(rows: readonly Pick<BillingPeriod, 'start' | 'end' | 'closedAt'>[]): Instant {
  const open = rows.filter(({ closedAt }) => closedAt === null).map(({ start }) => start);
  if (open.length > 0) return Math.min(...open);
  return rows.length === 0 ? 0 : Math.max(...rows.map(({ end }) => end)) - 1;
}

function undonePart(instant: BillingInstant, rows: readonly PeriodProgress[]): BillingInstant | null {
  const row = (segmentId: string, start: Instant) =>
    rows.find((candidate) => candidate.segmentId === segmentId && candidate.start === start);
  const opens = instant.opens.filter(({ segment, period }) => row(segment.id, period.start) === undefined);
  const closes = instant.closes.filter(({ segment, period }) => (row(segment.id, period.start)?.closedAt ?? null) === null);
  if (opens.length === 0 && closes.length === 0) return null;
  if (opens.length > 0 || instant.opens.length === 0) return { ...instant, opens, closes };
  return { ...instant, kind: 'REGULAR', opens, closes, fees: [], change: null };
}
