import type Stripe from 'stripe';
import type { BilledInvoice } from './billed-invoice.ts';
import type { Collection } from './collection-method.ts';
import type { ComposedInvoice } from './compose-invoice.ts';

/** By what an invoice at Stripe is known to be ours. */
export type InvoiceTags = { readonly tare_tenant: string; readonly tare_invoice: string };

export const tagsOf = (tenantId: string, invoiceId: string): InvoiceTags => ({ tare_tenant: tenantId, tare_invoice: invoiceId });

/**
 * An empty draft. Stripe neither finalizes it by itself nor adds items that wait for the customer. Our number is shown as a reference: Stripe's own
 * numbers have to be unique in its account, which several tenants may share.
 */
export function draftParams(
  invoice: BilledInvoice,
  { currency }: ComposedInvoice,
  target: { tags: InvoiceTags; stripeCustomerId: string; collection: Collection },
): Stripe.InvoiceCreateParams {
  const { number } = invoice;
  return {
    customer: target.stripeCustomerId,
    currency,
    auto_advance: false,
    pending_invoice_items_behavior: 'exclude',
    ...target.collection,
    metadata: { ...target.tags, ...(number === null ? {} : { tare_number: number }) },
    ...(number === null ? {} : { custom_fields: [{ name: 'Reference', value: number }] }),
  };
}

export function linesParams({ lines }: ComposedInvoice): Stripe.InvoiceAddLinesParams {
  return {
    lines: lines.map(({ amountMinor, description, period, metadata }) => ({
      amount: amountMinor,
      description,
      discountable: false,
      period: { ...period },
      metadata: { ...metadata },
    })),
  };
}
