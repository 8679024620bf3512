import type { AssembledInvoice, AssembledLine, Instant } from '@tare/core';
import type { Customer, Subscription } from '@tare/customers';
import type { BillingInstant } from '../periods/billing-instant.ts';
import { invoiceDetailOf, type Invoice, type InvoiceLine, type InvoiceWithLines } from './invoice.ts';

/**
 * What an invoice that does not exist stands for. DUE: a run at the time of the preview issues it; IN_GRACE: such a run makes a draft of it, which is issued when the
 * grace period is over; SO_FAR: the usage so far of a billing period that goes on.
 */
export type PreviewState = 'DUE' | 'IN_GRACE' | 'SO_FAR';

/** An invoice that does not exist: its id says so. */
export interface InvoicePreview extends InvoiceWithLines {
  readonly customer: Customer;
  readonly preview: PreviewState;
}

interface PreviewOf {
  readonly customer: Customer;
  readonly subscription: Subscription;
  readonly instant: BillingInstant;
  readonly at: Instant;
}

/** What was billed in a transaction that is rolled back. */
export function previewOfBilled(
  invoice: Invoice,
  lines: readonly InvoiceLine[],
  { customer, preview }: Pick<InvoicePreview, 'customer' | 'preview'>,
): InvoicePreview {
  const { subscriptionId, billingAt, kind, sequence } = invoice;
  const id = `preview:${subscriptionId ?? lines[0]?.scopeKey ?? ''}:${billingAt}:${kind}:${sequence}`;
  const own = lines.map((line) => ({ ...line, id: `${id}:${line.position}`, invoiceId: id }));
  return { ...invoice, id, status: 'DRAFT', finalizedAt: null, customer, preview, lines: own };
}

/** The usage so far of a billing period that goes on, in the shape of a draft. */
export function previewOfSoFar(assembled: AssembledInvoice, { customer, subscription, instant, at }: PreviewOf): InvoicePreview {
  const id = `preview:${subscription.id}:${at}:SO_FAR:${assembled.currency}`;
  const { currency, subtotal, discounts, creditsApplied, tax, total } = assembled;
  return {
    ...{
      id,
      number: null,
      kind: 'REGULAR',
      adjusts: null,
      customerId: customer.id,
      customer,
      preview: 'SO_FAR',
      subscriptionId: subscription.id,
      billingAt: at,
      sequence: 0,
    },
    ...{
      status: 'DRAFT',
      currency,
      subtotal,
      discounts,
      creditsApplied,
      tax,
      total,
      seenSeq: null,
      seenRates: null,
      draftedAt: at,
      finalizeAt: at,
    },
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
