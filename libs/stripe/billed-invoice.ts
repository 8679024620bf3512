import type { InvoiceLine, InvoiceWithLines } from '@tare/billing';

/** What the sync sends of a line. */
export type BilledLine = Pick<InvoiceLine, 'id' | 'kind' | 'description' | 'priceKey' | 'quantity' | 'amount' | 'period'>;

/** A finalized invoice as the sync sees it; it never changes any more (SEMANTICS 8.2). */
export type BilledInvoice = Pick<
  InvoiceWithLines,
  'id' | 'customerId' | 'number' | 'currency' | 'subtotal' | 'discounts' | 'creditsApplied' | 'tax' | 'total' | 'periodStart' | 'periodEnd'
> & { readonly lines: readonly BilledLine[] };
