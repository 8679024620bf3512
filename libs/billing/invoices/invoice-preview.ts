import type { AssembledInvoice, AssembledLine, Instant } from '@tare/core';
import type { Customer, Subscription } from '@tare/customers';
import type { BillingInstant } from '../periods/billing-instant.ts';
import { invoiceDetailOf, type InvoiceLine, type InvoiceWithLines } from './invoice.ts';

/** An invoice that does not exist: its id says so. */
export interface InvoicePreview extends InvoiceWithLines {
  readonly customer: Customer;
}

interface PreviewOf {
  readonly customer: Customer;
  readonly subscription: Subscription;
  readonly instant: BillingInstant;
  readonly at: Instant;
}

/** What was assembled, in the shape of a draft. */
export function previewOf(assembled: AssembledInvoice, { customer, subscription, instant, at }: PreviewOf): InvoicePreview {
  const id = `preview:${subscription.id}:${at}:REGULAR`;
  const { currency, subtotal, discounts, creditsApplied, tax, total } = assembled;
  return {
    ...{
      id,
      number: null,
      kind: 'REGULAR',
      adjusts: null,
      customerId: customer.id,
      customer,
      subscriptionId: subscription.id,
      billingAt: at,
      sequence: 0,
    },
    ...{ status: 'DRAFT', currency, subtotal, discounts, creditsApplied, tax, total, seenSeq: null, draftedAt: at, finalizeAt: at },
    ...{
      finalizedAt: null,
      paidAt: null,
      voidedAt: null,
      voidedPlace: null,
      replaces: null,
      createdAt: at,
      detail: invoiceDetailOf(assembled),
    },
    periodStart: Math.min(at, ...instant.closes.map(({ period }) => period.start)),
    periodEnd: at,
    lines: assembled.lines.map((line, position) => previewLine(line, id, position)),
  };
}

function previewLine(line: AssembledLine, invoiceId: string, position: number): InvoiceLine {
  return { ...line, id: `${invoiceId}:${position}`, invoiceId, position };
}
