import { handedOverFees } from '@tare/core';
import type { Instant, Segment } from '@tare/core';
import type { InvoiceLine } from '../invoices/invoice.ts';
import { billingInstants } from './billing-instant.ts';

/**
 * Lines of a subscription with those that changes before `until` would have had that left a fee as it was and made no invoice (core's `handedOverFees`): they
 * are on none. `lines`: what standing invoices billed; `segments`: its own, in order of time; `until`: changes from there on are not billed yet.
 */
export function withFeesHandedOver(lines: readonly InvoiceLine[], segments: readonly Segment[], until: Instant): readonly InvoiceLine[] {
  if (segments.length < 2 || lines.length === 0) return lines;
  const from = Math.min(...lines.map(({ period }) => period.start));
  const changes = billingInstants(segments, from, until - 1).flatMap(({ at, change }) => (change === null ? [] : [{ at, ...change }]));
  const handedOver = handedOverFees(lines, changes);
  return [...lines, ...handedOver.map((line, position) => ({ ...line, id: line.scopeKey, invoiceId: NO_INVOICE, position }))];
}

const NO_INVOICE = '';
