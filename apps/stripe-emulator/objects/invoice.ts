import { type Metadata } from '../params.ts';
import { type LineTax } from './line-item.ts';

export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'void' | 'uncollectible';

export type CollectionMethod = 'charge_automatically' | 'send_invoice';

/** What follows from an invoice's lines, in minor units. */
export interface InvoiceTotals {
  amount_due: number;
  amount_remaining: number;
  subtotal: number;
  subtotal_excluding_tax: number;
  total: number;
  total_excluding_tax: number;
  total_taxes: LineTax[];
}

/** An invoice as it is stored: without its lines and its links. Amounts are minor units, times are Unix seconds. */
export interface Invoice extends InvoiceTotals {
  id: string;
  object: 'invoice';
  amount_overpaid: number;
  amount_paid: number;
  /** Of what was paid, what came past Stripe: nothing of it can be refunded there. */
  amount_paid_off_stripe: number;
  amount_shipping: number;
  attempt_count: number;
  attempted: boolean;
  auto_advance: boolean;
  automatic_tax: { disabled_reason: null; enabled: boolean; liability: null; provider: string | null; status: string | null };
  automatically_finalizes_at: number | null;
  billing_reason: 'manual';
  collection_method: CollectionMethod;
  created: number;
  currency: string;
  custom_fields: { name: string; value: string }[] | null;
  customer: string;
  customer_email: string | null;
  customer_name: string | null;
  description: string | null;
  discounts: [];
  due_date: number | null;
  effective_at: number | null;
  ending_balance: number | null;
  footer: string | null;
  livemode: false;
  metadata: Metadata;
  number: string | null;
  paid_out_of_band: boolean;
  parent: null;
  period_end: number;
  period_start: number;
  post_payment_credit_notes_amount: number;
  pre_payment_credit_notes_amount: number;
  starting_balance: number;
  statement_descriptor: string | null;
  status: InvoiceStatus;
  status_transitions: {
    finalized_at: number | null;
    marked_uncollectible_at: number | null;
    paid_at: number | null;
    voided_at: number | null;
  };
}
