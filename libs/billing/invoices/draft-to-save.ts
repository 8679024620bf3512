import type { AssembledInvoice, Instant } from '@tare/core';
import type { InvoiceKind } from './invoice.ts';

/** What names an invoice: it exists once (SEMANTICS 8.5). */
export interface InvoiceKey {
  readonly subscriptionId: string;
  readonly billingAt: Instant;
  readonly kind: InvoiceKind;
  readonly sequence: number;
}

export interface NewInvoice extends InvoiceKey {
  readonly customerId: string;
  readonly adjusts: string | null;
  readonly periodStart: Instant;
  readonly periodEnd: Instant;
  readonly draftedAt: Instant;
  readonly finalizeAt: Instant;
}

/** A draft on its way to the tables. */
export interface DraftToSave extends Omit<NewInvoice, 'subscriptionId'> {
  readonly id: string;
  /** Null: it is of none (PREPAID). */
  readonly subscriptionId: string | null;
  readonly assembled: AssembledInvoice;
  /** Null: it bills no usage. */
  readonly seenSeq: number | null;
  /** How many exchange rates had been recorded. Null: it bills no usage. */
  readonly seenRates: number | null;
  /** There is a draft with this id: it is replaced, lines and all. */
  readonly replaces: boolean;
  /** The voided invoice whose periods it bills again. */
  readonly again?: string | null;
}
