import { Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { StripeConfiguration } from './stripe-configuration.ts';
import { isMissing } from './stripe-failure.ts';
import { SyncTiming } from './sync-timing.ts';

const SIGNATURE_TOLERANCE_S = 300;
/** Our clock and Stripe's may differ by that much when an object is looked for by the time it was made. */
const CLOCK_SKEW_S = 3_600;
const PAGE = 100;

/** Every call to Stripe that we make, one method each. Retries nothing (its caller knows what is safe). Throws the SDK's errors. */
@Injectable()
export class StripeClient {
  private readonly sdk: Stripe;

  constructor(
    private readonly configuration: StripeConfiguration,
    timing: SyncTiming,
  ) {
    const { secretKey, apiBase } = configuration.options;
    this.sdk = new Stripe(secretKey ?? 'sk_test_none', {
      maxNetworkRetries: 0,
      telemetry: false,
      timeout: timing.callTimeoutMs,
      ...(apiBase === null ? {} : endpointOf(new URL(apiBase))),
    });
  }

  createCustomer(params: Stripe.CustomerCreateParams, idempotencyKey: string): Promise<Stripe.Customer> {
    return this.sdk.customers.create(params, { idempotencyKey });
  }

  customer(id: string): Promise<Stripe.Customer | Stripe.DeletedCustomer> {
    return this.sdk.customers.retrieve(id);
  }

  /** By metadata, among those made since; listing lags nothing, unlike searching. Oldest first. `sinceS`: seconds. */
  async customersWith(metadata: Readonly<Record<string, string>>, sinceS: number): Promise<Stripe.Customer[]> {
    const list = this.sdk.customers.list({ created: { gte: Math.floor(sinceS) - CLOCK_SKEW_S }, limit: PAGE });
    return matching(list, metadata);
  }

  createDraft(params: Stripe.InvoiceCreateParams, idempotencyKey: string): Promise<Stripe.Invoice> {
    return this.sdk.invoices.create(params, { idempotencyKey });
  }

  /** Invoices of a customer by metadata, among those made since. Oldest first. `sinceS`: seconds. */
  async invoicesWith(customer: string, metadata: Readonly<Record<string, string>>, sinceS: number): Promise<Stripe.Invoice[]> {
    const list = this.sdk.invoices.list({ customer, created: { gte: Math.floor(sinceS) - CLOCK_SKEW_S }, limit: PAGE });
    return matching(list, metadata);
  }

  /** Null when there is none with the id (a deleted draft). */
  async invoice(id: string): Promise<Stripe.Invoice | null> {
    try {
      return await this.sdk.invoices.retrieve(id);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  addLines(id: string, params: Stripe.InvoiceAddLinesParams, idempotencyKey: string): Promise<Stripe.Invoice> {
    return this.sdk.invoices.addLines(id, params, { idempotencyKey });
  }

  async lines(id: string): Promise<Stripe.InvoiceLineItem[]> {
    const lines: Stripe.InvoiceLineItem[] = [];
    for await (const line of this.sdk.invoices.listLineItems(id, { limit: PAGE })) lines.push(line);
    return lines;
  }

  finalize(id: string, params: Stripe.InvoiceFinalizeInvoiceParams, idempotencyKey: string): Promise<Stripe.Invoice> {
    return this.sdk.invoices.finalizeInvoice(id, params, { idempotencyKey });
  }

  void(id: string, params: Stripe.InvoiceVoidInvoiceParams, idempotencyKey: string): Promise<Stripe.Invoice> {
    return this.sdk.invoices.voidInvoice(id, params, { idempotencyKey });
  }

  /** As if the customer paid; `paid_out_of_band`: past Stripe. */
  pay(id: string, params: Stripe.InvoicePayParams, idempotencyKey: string): Promise<Stripe.Invoice> {
    return this.sdk.invoices.pay(id, params, { idempotencyKey });
  }

  markUncollectible(id: string, params: Stripe.InvoiceMarkUncollectibleParams, idempotencyKey: string): Promise<Stripe.Invoice> {
    return this.sdk.invoices.markUncollectible(id, params, { idempotencyKey });
  }

  createCreditNote(params: Stripe.CreditNoteCreateParams, idempotencyKey: string): Promise<Stripe.CreditNote> {
    return this.sdk.creditNotes.create(params, { idempotencyKey });
  }

  /** Credit notes of an invoice by metadata. Oldest first. */
  async creditNotesWith(invoice: string, metadata: Readonly<Record<string, string>>): Promise<Stripe.CreditNote[]> {
    return matching(this.sdk.creditNotes.list({ invoice, limit: PAGE }), metadata);
  }

  creditNote(id: string): Promise<Stripe.CreditNote> {
    return this.sdk.creditNotes.retrieve(id);
  }

  /** Deleting what is gone is no error. */
  async deleteDraft(id: string): Promise<void> {
    try {
      await this.sdk.invoices.del(id);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** The event in a webhook's body, or null when no secret of ours signed it within the last five minutes. */
  eventOf(rawBody: Buffer, signature: string): Stripe.Event | null {
    for (const secret of this.configuration.options.webhookSecrets) {
      try {
        return this.sdk.webhooks.constructEvent(rawBody, signature, secret, SIGNATURE_TOLERANCE_S);
      } catch (error) {
        if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error;
      }
    }
    return null;
  }
}

function endpointOf({ hostname, port, protocol }: URL): { host: string; port: string; protocol: 'http' | 'https' } {
  const secure = protocol === 'https:';
  return { host: hostname, port: port === '' ? (secure ? '443' : '80') : port, protocol: secure ? 'https' : 'http' };
}

async function matching<Row extends { metadata: Stripe.Metadata | null }>(
  rows: AsyncIterable<Row>,
  metadata: Readonly<Record<string, string>>,
): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of rows) {
    if (Object.entries(metadata).every(([key, value]) => row.metadata?.[key] === value)) found.unshift(row);
  }
  return found;
}
