import { type Metadata } from '../params.ts';

export interface CreditNoteLine {
  id: string;
  object: 'credit_note_line_item';
  amount: number;
  description: string | null;
  invoice_line_item?: string;
  livemode: false;
  metadata: Metadata;
  quantity: number | null;
  type: 'custom_line_item' | 'invoice_line_item';
}

export interface CreditNote {
  id: string;
  object: 'credit_note';
  amount: number;
  created: number;
  currency: string;
  customer: string;
  /** The entry in the balance that Stripe keeps of the customer, when the note was credited there. */
  customer_balance_transaction: string | null;
  effective_at: number;
  invoice: string;
  lines: { object: 'list'; data: CreditNoteLine[]; has_more: false; url: string };
  livemode: false;
  memo: string | null;
  metadata: Metadata;
  number: string;
  out_of_band_amount: number | null;
  post_payment_amount: number;
  pre_payment_amount: number;
  reason: string | null;
  refunds: { amount_refunded: number; payment_record_refund: null; refund: string; type: 'refund' }[];
  status: 'issued' | 'void';
  subtotal: number;
  total: number;
  type: 'pre_payment' | 'post_payment';
  voided_at: number | null;
}
