import type { Instant, Segment } from '@tare/core';
import { billingInstants, type BillingInstant } from './billing-instant.ts';
import type { BillingPeriod } from './billing-period.store.ts';
import { openFrom } from './undone-instants.ts';

/** The billing period that runs at `at`, as an instant that closes its parts so far; null where none runs. */
export function runningPeriod(segments: readonly Segment[], rows: readonly BillingPeriod[], at: Instant): BillingInstant | null {
  const open = rows.filter(({ closedAt, start }) => closedAt === null && start < at).map(({ segmentId, start }) => `${segmentId} ${start}`);
  const end = Math.max(at, ...rows.filter(({ closedAt }) => closedAt === null).map((row) => row.end));
  const parts = billingInstants(segments, openFrom(rows), end)
    .flatMap(({ closes }) => closes)
    .filter(({ segment, period }) => open.includes(`${segment.id} ${period.start}`));
  return parts.length === 0 ? null : { at, kind: 'REGULAR', closes: parts, opens: [], fees: [], change: null };
}
