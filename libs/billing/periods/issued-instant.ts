import { chargesUsageAlike, servicePeriodAt } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import { billingInstants, type BillingInstant, type Part } from './billing-instant.ts';
import type { BillingPeriod } from './billing-period.store.ts';
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts';

/** What an issued invoice billed; of a correction nothing but late usage. `segments`, `rows` of its subscription, `lines` its own. */
export function instantOf(
  { billingAt: at, kind }: Pick<Invoice, 'billingAt' | 'kind'>,
  segments: readonly Segment[],
  rows: readonly BillingPeriod[],
  lines: readonly InvoiceLine[] = [],
): BillingInstant {
  const nothing: BillingInstant = { at, kind: 'REGULAR', closes: [], opens: [], fees: [], change: null };
  if (kind === 'SUPPLEMENTARY') return nothing;
  if (kind === 'THRESHOLD') return { ...nothing, closes: partsSoFar(at, segments, rows, lines) };
  const first = Math.min(at, ...rows.map(({ start }) => start));
  return billingInstants(segments, first, at).find((instant) => instant.at === at) ?? nothing;
}

/** The parts of the billing period that ran at `at`, with the ends that they had then: a change since may have cut the last one. */
function partsSoFar(at: Instant, segments: readonly Segment[], rows: readonly BillingPeriod[], lines: readonly InvoiceLine[]): Part[] {
  const begun = rows
    .filter(({ start }) => start < at)
    .flatMap((row): Part[] => {
      const segment = segments.find(({ id }) => id === row.segmentId);
      const period = segment && servicePeriodAt({ ...segment, end: null }, row.start);
      return segment && period ? [{ segment, period: { ...period, end: Math.min(row.end, period.end) } }] : [];
    });
  const running = begun
    .filter(({ period }) => period.fullStart < at && period.fullEnd > at)
    .sort((a, b) => a.period.start - b.period.start);
  const last = running.at(-1);
  if (last === undefined) return running;
  return [...running.slice(0, -1), { ...last, period: { ...last.period, end: endThen(last, segments, lines) } }];
}

/** Lines of the last part end where it ended then; they bear the name of the first one that it was rated as one with (`joinedParts`). */
function endThen({ segment, period }: Part, segments: readonly Segment[], lines: readonly InvoiceLine[]): Instant {
  const alike = new Set(segments.filter((other) => chargesUsageAlike(other, segment)).map(({ id }) => id));
  const line = lines.find(({ segmentId, period: { end } }) => alike.has(segmentId) && end > period.start);
  return Math.min(line?.period.end ?? period.end, period.fullEnd);
}
