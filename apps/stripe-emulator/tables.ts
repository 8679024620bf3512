import { type CreditNote } from './objects/credit-note.ts';
import { type Customer } from './objects/customer.ts';
import { type StripeEvent } from './objects/event.ts';
import { type Invoice } from './objects/invoice.ts';
import { type LineItem } from './objects/line-item.ts';
import { type StoredResponse } from './objects/stored-response.ts';
import { type WebhookEndpoint } from './objects/webhook-endpoint.ts';

/** What an account holds. Every row has an id; rows are never changed in place. */
export interface Tables {
  customers: Customer;
  invoices: Invoice;
  /** The lines of one invoice, under the invoice's id. */
  lines: { id: string; data: LineItem[] };
  creditNotes: CreditNote;
  events: StripeEvent;
  webhookEndpoints: WebhookEndpoint;
  /** Under the idempotency key. */
  responses: StoredResponse;
  /** `endpoint/event` pairs that need no further delivery. */
  deliveries: { id: string };
}

export type TableName = keyof Tables;
