import { Injectable } from '@nestjs/common';
import { InvoicesService, type InvoiceView } from '@tare/billing';
import { Database } from '@tare/database';
import type Stripe from 'stripe';
import { collectionFor } from './collection-method.ts';
import { composeInvoice } from './compose-invoice.ts';
import { unsentCreditNotes } from './due-work.store.ts';
import type { HeldSync } from './held-sync.ts';
import { InvoiceOutcome, laterStatus, type RemoteStatus } from './invoice-outcome.ts';
import { draftParams, linesParams, tagsOf } from './invoice-payload.ts';
import { performOnce, reading, type CallStep } from './remote-call.ts';
import { StripeClient } from './stripe-client.ts';
import { StripeConfiguration } from './stripe-configuration.ts';
import { only, StripeCustomers } from './stripe-customers.service.ts';
import { Postponed, Refused } from './stripe-failure.ts';
import { StripeSyncStore, type SyncPatch, type SyncStep } from './stripe-sync.store.ts';
import { SyncAlerts } from './sync-alerts.ts';
import { after, SyncTiming } from './sync-timing.ts';
import { differencesOf } from './verify-draft.ts';

/** The steps of an invoice's way to Stripe. Each can run twice. */
@Injectable()
export class SyncSteps {
  constructor(
    private readonly database: Database,
    private readonly configuration: StripeConfiguration,
    private readonly client: StripeClient,
    private readonly timing: SyncTiming,
    private readonly store: StripeSyncStore,
    private readonly customers: StripeCustomers,
    private readonly invoices: InvoicesService,
    private readonly outcome: InvoiceOutcome,
    private readonly alerts: SyncAlerts,
  ) {}

  /**
   * Takes the step that the row stands before. True: the next one can be taken; false: the row was given back, it waits or is done.
   * @throws Postponed, Refused, LeaseLost, and CodedError for an invoice that cannot be sent
   */
  async take(held: HeldSync): Promise<boolean> {
    const { step, voidRequested, payRequested, writeOffRequested, remoteStatus, request } = held.row;
    // A call under way is brought to its end first: only then it is known what there is to void.
    if (voidRequested && request === null && step !== 'VOID') return this.moveOn(held, 'VOID');
    if (step === 'TRACK' && payRequested) return this.moveOn(held, 'PAY');
    if (step === 'TRACK' && writeOffRequested && remoteStatus === 'open') return this.moveOn(held, 'WRITE_OFF');
    switch (step) {
      case 'CUSTOMER':
        return this.ensureCustomer(held);
      case 'DRAFT':
        return this.createDraft(held);
      case 'LINES':
        return this.addLines(held);
      case 'VERIFY':
        return this.verify(held);
      case 'FINALIZE':
        return this.finalize(held);
      case 'TRACK':
        return this.track(held);
      case 'PAY':
        return this.payOutside(held);
      case 'WRITE_OFF':
        return this.writeOff(held);
      case 'VOID':
        return this.void(held);
      case 'DONE':
        return this.finish(held, held.row.remoteStatus);
    }
  }

  private async ensureCustomer(held: HeldSync): Promise<boolean> {
    const invoice = await this.invoiceOf(held);
    // Refuses what cannot be sent before anything is made at Stripe.
    composeInvoice(invoice);
    await this.customers.ensure(held.tenantId, invoice.customer);
    return this.moveOn(held, 'DRAFT');
  }

  private async createDraft(held: HeldSync): Promise<boolean> {
    const invoice = await this.invoiceOf(held);
    const customer = await this.customers.ensure(held.tenantId, invoice.customer);
    const tags = tagsOf(held.tenantId, invoice.id);
    const draft = await this.perform<Stripe.InvoiceCreateParams, Stripe.Invoice>(held, {
      step: 'DRAFT',
      params: () => this.draftParams(held.tenantId, invoice, customer),
      send: (params, key) => this.client.createDraft(params, key),
      find: async () => only(await this.client.invoicesWith(customer, tags, held.row.createdAt / 1_000_000), `invoice ${invoice.id}`),
    });
    return this.moveOn(held, 'LINES', { stripeInvoiceId: draft.id, remoteStatus: 'draft' });
  }

  private async draftParams(tenantId: string, invoice: InvoiceView, stripeCustomerId: string): Promise<Stripe.InvoiceCreateParams> {
    const composed = composeInvoice(invoice);
    const { email } = await this.customers.current(stripeCustomerId);
    const collection = collectionFor(email, composed.totalMinor, invoice.currency);
    if (collection === null) {
      throw new Refused(
        'Stripe cannot ask for so small an amount without an email address: give the customer one in Stripe and try again.',
        'EMAIL_MISSING_AT_STRIPE',
      );
    }
    return draftParams(invoice, composed, { tags: tagsOf(tenantId, invoice.id), stripeCustomerId, collection });
  }

  private async addLines(held: HeldSync): Promise<boolean> {
    const composed = composeInvoice(await this.invoiceOf(held));
    const id = stripeIdOf(held);
    if (composed.lines.length === 0) return this.moveOn(held, 'VERIFY');
    await this.perform<Stripe.InvoiceAddLinesParams, unknown>(held, {
      step: 'LINES',
      params: () => linesParams(composed),
      send: (params, key) => this.client.addLines(id, params, key),
      // One call adds all of them or none.
      find: async () => (await this.client.lines(id)).find(({ metadata }) => metadata['line_id'] === composed.lines[0]?.lineId) ?? null,
    });
    return this.moveOn(held, 'VERIFY');
  }

  /** What Stripe would ask for is what we ask for, or it is not finalized. */
  private async verify(held: HeldSync): Promise<boolean> {
    const invoice = await this.invoiceOf(held);
    const id = stripeIdOf(held);
    const theirs = await this.existing(id);
    const differences = differencesOf(composeInvoice(invoice), theirs, await reading(() => this.client.lines(id)));
    if (differences.length > 0)
      throw new Refused(`The draft in Stripe is not our invoice: ${differences.join('; ')}.`, 'STRIPE_AMOUNTS_DIFFER');
    const { balance } = await this.customers.current(await this.customers.ensure(held.tenantId, invoice.customer));
    if (balance !== 0)
      throw new Refused(
        `The customer has a balance of ${balance} in Stripe, which Stripe would apply: set it to 0 and try again.`,
        'BALANCE_AT_STRIPE',
      );
    return this.moveOn(held, 'FINALIZE');
  }

  private async finalize(held: HeldSync): Promise<boolean> {
    const id = stripeIdOf(held);
    const lookedAt = this.timing.now();
    const final = await this.perform<Stripe.InvoiceFinalizeInvoiceParams, Stripe.Invoice>(held, {
      step: 'FINALIZE',
      params: () => ({ auto_advance: true }),
      send: (params, key) => this.client.finalize(id, params, key),
      find: () => this.inAnyStatusBut(id, 'draft'),
    });
    return this.heard(held, final, lookedAt);
  }

  private async track(held: HeldSync): Promise<boolean> {
    const lookedAt = this.timing.now();
    return this.heard(held, await this.existing(stripeIdOf(held)), lookedAt);
  }

  /** Settles our invoice first, then remembers that it did: a crash in between settles it again, which changes nothing. */
  private async heard(held: HeldSync, remote: Stripe.Invoice, lookedAt: number): Promise<boolean> {
    const { row, tenantId } = held;
    const status = laterStatus(row.remoteStatus, remote.status as RemoteStatus);
    const now = this.timing.now();
    if (status !== row.remoteStatus) await this.outcome.apply(tenantId, row.invoiceId, remote, status, now);
    const rechecks = row.step === 'TRACK' ? row.attempts + 1 : 0;
    await held.release(
      {
        step: status === 'paid' || status === 'void' ? 'DONE' : 'TRACK',
        state: 'SYNCED',
        request: null,
        remoteStatus: status,
        attempts: rechecks,
        lastError: null,
        nextAttemptAt: after(now, this.timing.recheckDelayMs(rechecks)),
      },
      async (tx) => {
        await this.store.markEventsApplied(tx, remote.id, lookedAt, now);
        await this.alerts.resolve(tx, row.invoiceId);
      },
    );
    return false;
  }

  /** It was paid here: Stripe asks for nothing any more. Credit notes from before the payment lower what was paid, so they go first. */
  private async payOutside(held: HeldSync): Promise<boolean> {
    const { invoiceId, request } = held.row;
    const waits = await this.database.withTenant(held.tenantId, (tx) => unsentCreditNotes(tx, invoiceId));
    if (waits) throw new Postponed('Credit notes from before the payment are on their way.');
    return this.settled(
      held,
      ['open', 'uncollectible'],
      () => {
        const id = stripeIdOf(held);
        return this.perform<Stripe.InvoicePayParams, Stripe.Invoice>(held, {
          step: 'PAY',
          params: () => ({ paid_out_of_band: true }),
          send: (params, key) => this.client.pay(id, params, key),
          find: () => this.inStatus(id, ['paid', 'void']),
        });
      },
      request === null,
    );
  }

  private async writeOff(held: HeldSync): Promise<boolean> {
    return this.settled(
      held,
      ['open'],
      () => {
        const id = stripeIdOf(held);
        return this.perform<Stripe.InvoiceMarkUncollectibleParams, Stripe.Invoice>(held, {
          step: 'WRITE_OFF',
          params: () => ({}),
          send: (params, key) => this.client.markUncollectible(id, params, key),
          find: () => this.inStatus(id, ['uncollectible', 'paid', 'void']),
        });
      },
      held.row.request === null,
    );
  }

  /** Acts where Stripe's invoice stands so that it can; where it went another way meanwhile, that is heard. */
  private async settled(
    held: HeldSync,
    from: readonly RemoteStatus[],
    act: () => Promise<Stripe.Invoice>,
    looksFirst: boolean,
  ): Promise<boolean> {
    const lookedAt = this.timing.now();
    const remote = looksFirst ? await this.existing(stripeIdOf(held)) : null;
    const isElsewhere = remote !== null && !from.includes(remote.status as RemoteStatus);
    return this.heard(held, isElsewhere ? remote : await act(), lookedAt);
  }

  private async inStatus(id: string, statuses: readonly RemoteStatus[]): Promise<Stripe.Invoice | null> {
    const invoice = await this.client.invoice(id);
    return invoice !== null && statuses.includes(invoice.status as RemoteStatus) ? invoice : null;
  }

  private async void(held: HeldSync): Promise<boolean> {
    const { stripeInvoiceId: id, request } = held.row;
    if (id === null) return this.finish(held, null);
    const remote = request === null ? await reading(() => this.client.invoice(id)) : null;
    if (request === null && (remote === null || remote.status === 'draft')) {
      await reading(() => this.client.deleteDraft(id));
      return this.finish(held, null);
    }
    if (remote?.status === 'paid') return this.finishPaid(held, remote);
    await this.perform<Stripe.InvoiceVoidInvoiceParams, unknown>(held, {
      step: 'VOID',
      params: () => ({}),
      send: (params, key) => this.client.void(id, params, key),
      find: async () => {
        const found = await this.client.invoice(id);
        return found?.status === 'void' ? found : null;
      },
    });
    return this.finish(held, 'void');
  }

  /** Nothing was taken for a total of 0, so there is nothing to give back either. */
  private finishPaid(held: HeldSync, { amount_paid: amountPaid }: Stripe.Invoice): Promise<boolean> {
    if (amountPaid === 0) return this.finish(held, 'paid');
    throw new Refused(
      'The invoice was paid in Stripe and cannot be voided there: refund it or issue a credit note.',
      'INVOICE_PAID_AT_STRIPE',
    );
  }

  /** `remoteStatus`: null when nothing of it is left at Stripe. */
  private async finish(held: HeldSync, remoteStatus: string | null): Promise<boolean> {
    const { invoiceId, stripeInvoiceId } = held.row;
    const isThere = remoteStatus !== null;
    await held.release(
      {
        step: 'DONE',
        state: isThere ? 'SYNCED' : 'NOT_SYNCED',
        stripeInvoiceId: isThere ? stripeInvoiceId : null,
        remoteStatus,
        request: null,
        lastError: null,
      },
      (tx) => this.alerts.resolve(tx, invoiceId),
    );
    return false;
  }

  private async moveOn(held: HeldSync, step: SyncStep, learnt: SyncPatch = {}): Promise<boolean> {
    await held.save({ ...learnt, step, state: 'SYNCING', request: null, attempts: 0, lastError: null });
    return true;
  }

  private perform<Params extends object, Answer>(
    held: HeldSync,
    call: {
      step: CallStep;
      params: () => Params | Promise<Params>;
      send: (params: Params, key: string) => Promise<Answer>;
      find: () => Promise<Answer | null>;
    },
  ): Promise<Answer> {
    const { invoiceId, request, generation } = held.row;
    const scope = `${this.configuration.environment}:${held.tenantId}:${invoiceId}`;
    const store = (next: typeof request, nextGeneration: number) => held.save({ request: next, generation: nextGeneration });
    return performOnce({ ...call, scope, request, generation, store }, this.timing.now());
  }

  private async invoiceOf(held: HeldSync): Promise<InvoiceView> {
    const [invoice] = await this.database.withTenant(held.tenantId, (tx) => this.invoices.viewsIn(tx, [held.row.invoiceId]));
    if (invoice === undefined) throw new Refused('The invoice or its customer is gone.', 'NOT_FOUND');
    return invoice;
  }

  private async existing(id: string): Promise<Stripe.Invoice> {
    const invoice = await reading(() => this.client.invoice(id));
    if (invoice === null) throw new Refused(`Stripe has no invoice ${id} any more.`, 'INVOICE_NOT_AT_STRIPE');
    return invoice;
  }

  private async inAnyStatusBut(id: string, status: RemoteStatus): Promise<Stripe.Invoice | null> {
    const invoice = await this.client.invoice(id);
    return invoice === null || invoice.status === status ? null : invoice;
  }
}

function stripeIdOf({ row }: HeldSync): string {
  if (row.stripeInvoiceId === null) throw new Error(`invoice ${row.invoiceId} is at step ${row.step} without an invoice at Stripe`);
  return row.stripeInvoiceId;
}
