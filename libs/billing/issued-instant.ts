import type { Segment } from '@tare/core';
import { billingInstants, type BillingInstant } from './billing-instant.ts';
import type { BillingPeriod } from './billing-period.store.ts';
import type { Invoice } from './invoice.ts';

/** What an issued invoice billed; of a correction nothing but late usage. `segments` and `rows` of its subscription. */
export function instantOf(
  { billingAt: at, kind }: Pick<Invoice, 'billingAt' | 'kind'>,
  segments: readonly Segment[],
  rows: readonly BillingPeriod[],
): BillingInstant {
  const nothing: BillingInstant = { at, kind: 'REGULAR', closes: [], opens: [], fees: [], change: null };
  if (kind === 'SUPPLEMENTARY') return nothing;
  const first = Math.min(at, ...rows.map(({ start }) => start));
  return billingInstants(segments, first, at).find((instant) => instant.at === at) ?? nothing;
}
