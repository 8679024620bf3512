import { queryDocument } from '../graphql/query-document.ts';
import invoice from './invoice.graphql?raw';
import invoices from './invoices.graphql?raw';

export const INVOICE_STATUSES = ['DRAFT', 'FINALIZED', 'PAID', 'VOID', 'UNCOLLECTIBLE'] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];
export type InvoiceKind = 'REGULAR' | 'PRORATION' | 'THRESHOLD' | 'PREPAID' | 'SUPPLEMENTARY';
export type InvoiceSyncState = 'NOT_SYNCED' | 'SYNCING' | 'SYNCED' | 'FAILED';

export interface ListedInvoice {
  readonly id: string;
  readonly number: string | null;
  readonly kind: InvoiceKind;
  readonly status: InvoiceStatus;
  readonly sync: InvoiceSyncState;
  readonly currency: string;
  readonly total: string;
  readonly periodStart: string;
  readonly periodEnd: string;
  readonly customer: { readonly key: string; readonly name: string; readonly timeZone: string };
}

export interface InvoiceLine {
  readonly id: string;
  readonly description: string;
  readonly priceKey: string | null;
  readonly quantity: string;
  readonly amount: string;
  readonly periodStart: string;
  readonly periodEnd: string;
}

export interface Invoice extends ListedInvoice {
  /** Id of the invoice that it corrects. */
  readonly adjusts: string | null;
  readonly stripeInvoiceId: string | null;
  readonly lines: readonly InvoiceLine[];
  readonly subtotal: string;
  readonly discounts: string;
  readonly creditsApplied: string;
  readonly tax: string;
  /** Taken from what earlier invoices left on the customer's balance. */
  readonly balanceApplied: string;
  /** What would have been below zero, kept for the next invoice. */
  readonly balanceCarried: string;
}

export interface InvoicesAnswer {
  readonly invoices: {
    readonly edges: readonly { readonly cursor: string; readonly node: ListedInvoice }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

export interface InvoicesAsked {
  readonly customer: string | null;
  readonly status: InvoiceStatus | null;
  readonly first: number;
  readonly after: string | null;
}

export const INVOICES = queryDocument<InvoicesAnswer, InvoicesAsked>(invoices);
export const INVOICE = queryDocument<{ readonly invoice: Invoice | null }, { readonly id: string }>(invoice);
