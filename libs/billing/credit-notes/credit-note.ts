import type { AssembledCreditNote, Decimal, Instant } from '@tare/core';

/** Where money goes that was paid: to the customer's balance, for the next invoices; back to the customer; or it is settled outside. */
export type CreditNoteSettlement = 'CUSTOMER_BALANCE' | 'REFUND' | 'OUT_OF_BAND';

/** Takes back a part of a finalized invoice, and never changes. Amounts in major units of `currency`. */
export interface CreditNote {
  readonly id: string;
  /** TARE-CN-000001; gapless per tenant, in a series of its own. */
  readonly number: string;
  /** The caller's own; null: none was given. */
  readonly key: string | null;
  readonly invoiceId: string;
  readonly customerId: string;
  /** ISO 4217, the invoice's. */
  readonly currency: string;
  readonly reason: string;
  readonly settlement: CreditNoteSettlement;
  readonly lines: readonly CreditNoteLine[];
  /** Of the lines, without tax. */
  readonly subtotal: Decimal;
  readonly taxes: AssembledCreditNote['taxes'];
  readonly tax: Decimal;
  /** subtotal + tax = offInvoice + settled. */
  readonly total: Decimal;
  /** What was not paid yet and is not asked for any more. */
  readonly offInvoice: Decimal;
  /** What was paid, and is settled. */
  readonly settled: Decimal;
  readonly finalizedAt: Instant;
  readonly createdAt: Instant;
}

export interface CreditNoteLine {
  readonly id: string;
  readonly creditNoteId: string;
  readonly invoiceLineId: string;
  readonly description: string;
  /** Null: it was credited by amount. */
  readonly quantity: Decimal | null;
  /** Without tax. */
  readonly amount: Decimal;
}

/** What credit notes took of an invoice. */
export interface Credited {
  /** Total of all of them. */
  readonly total: Decimal;
  /** The part that the customer had not paid. */
  readonly offInvoice: Decimal;
}
