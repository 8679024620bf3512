import { Injectable } from '@nestjs/common';
import { CreditNoteStore, InvoicesService, OverpaidNotes, type CreditNote } from '@tare/billing';
import { Decimal } from '@tare/core';
import { Database } from '@tare/database';
import type Stripe from 'stripe';
import { WAITS_FOR_INVOICE } from '../due-work.store.ts';
import type { HeldSync } from '../held-sync.ts';
import { performOnce, reading, type StoredRequest } from '../remote-call.ts';
import { StripeClient } from '../stripe-client.ts';
import { StripeConfiguration } from '../stripe-configuration.ts';
import { only } from '../stripe-customers.service.ts';
import { Postponed, Refused } from '../stripe-failure.ts';
import { StripeSyncStore, type SyncRow } from '../stripe-sync.store.ts';
import { SyncAlerts } from '../sync-alerts.ts';
import { after, SyncTiming } from '../sync-timing.ts';
import {
  cameThroughStripe,
  composeCreditNote,
  creditNoteDifferences,
  creditNoteParams,
  creditNoteTags,
  partsAt,
  type ComposedCreditNote,
} from './compose-credit-note.ts';
import type { CreditNoteSyncRow } from './credit-note-sync.store.ts';

type Held = HeldSync<CreditNoteSyncRow>;

/** The steps of a credit note's way to Stripe. Each can run twice. */
@Injectable()
export class CreditNoteSteps {
  constructor(
    private readonly database: Database,
    private readonly configuration: StripeConfiguration,
    private readonly client: StripeClient,
    private readonly timing: SyncTiming,
    private readonly invoiceSyncs: StripeSyncStore,
    private readonly invoices: InvoicesService,
    private readonly notes: CreditNoteStore,
    private readonly overpaid: OverpaidNotes,
    private readonly alerts: SyncAlerts,
  ) {}

  /**
   * Takes the step that the row stands before. True: the next one can be taken; false: the row was given back, it waits or is done.
   * @throws Postponed, Refused, LeaseLost, and CodedError for a credit note that cannot be sent
   */
  async take(held: Held): Promise<boolean> {
    switch (held.row.step) {
      case 'CREATE':
        return this.create(held);
      case 'VERIFY':
        return this.verify(held);
      case 'TRACK':
        return this.track(held);
      case 'DONE':
        return this.finish(held, held.row.state);
    }
  }

  private async create(held: Held): Promise<boolean> {
    const invoiceSync = await this.invoiceSyncOf(held);
    const { note, composed } = await this.composed(held);
    if (invoiceSync === null || !isReady(invoiceSync, note)) return this.waitForInvoice(held);
    if (composed.totalMinor === 0) return this.finish(held, 'NOT_SYNCED');
    const id = invoiceSync.stripeInvoiceId;
    if (id === null) throw new Refused('The invoice of this credit note is not in Stripe.', 'INVOICE_NOT_AT_STRIPE');
    const call: { params?: Stripe.CreditNoteCreateParams } = {};
    try {
      const made = await this.perform(held, id, {
        params: async () => {
          const remote = await this.existing(id);
          requireOurs(remote, composed);
          return creditNoteParams(note, composed, { tags: creditNoteTags(held.tenantId, note.id), remote });
        },
        send: (params, key) => this.client.createCreditNote((call.params = params), key),
      });
      return await this.moveOn(held, made.id);
    } catch (error) {
      if (error instanceof Refused && call.params !== undefined) await this.requireUnchanged(id, composed, call.params);
      throw error;
    }
  }

  /** A customer who pays between our look and our call makes the parts wrong: then Stripe is only to be asked again. @throws Postponed */
  private async requireUnchanged(id: string, composed: ComposedCreditNote, sent: Stripe.CreditNoteCreateParams): Promise<void> {
    const { paid } = partsAt(composed, await this.existing(id));
    const assumed = (sent.refund_amount ?? 0) + (sent.out_of_band_amount ?? 0);
    if (paid !== assumed) throw new Postponed('The invoice in Stripe changed while the credit note was made.');
  }

  /** What Stripe has credited is what we have; what the customer paid before Stripe knew of it is settled. */
  private async verify(held: Held): Promise<boolean> {
    const { note, composed } = await this.composed(held);
    const theirs = await this.remote(held);
    const differences = creditNoteDifferences(composed, theirs);
    if (differences.length > 0)
      throw new Refused(`The credit note in Stripe is not ours: ${differences.join('; ')}.`, 'STRIPE_AMOUNTS_DIFFER');
    const paidBefore = await this.paidBefore(held, composed, theirs);
    const amount = note.offInvoice.times(Decimal.of(paidBefore)).dividedBy(Decimal.of(Math.max(1, composed.offInvoiceMinor)), 12);
    await held.release(
      {
        step: theirs.pre_payment_amount > 0 ? 'TRACK' : 'DONE',
        state: 'SYNCED',
        attempts: 0,
        errorCode: null,
        lastError: null,
        nextAttemptAt: after(this.timing.now(), this.timing.recheckDelayMs(0)),
      },
      async (tx) => {
        if (paidBefore > 0) await this.overpaid.keep(tx, note, amount);
        await this.alerts.resolve(tx, note.id);
      },
    );
    return false;
  }

  /** What the customer paid through Stripe of what was not owed any more; money that came past Stripe was counted by whoever took it. */
  private async paidBefore(held: Held, composed: ComposedCreditNote, theirs: Stripe.CreditNote): Promise<number> {
    const tooMuch = composed.offInvoiceMinor - theirs.pre_payment_amount;
    const id = (await this.invoiceSyncOf(held))?.stripeInvoiceId;
    if (tooMuch <= 0 || id == null) return 0;
    return cameThroughStripe(await this.existing(id)) ? tooMuch : 0;
  }

  /** While the invoice is open, somebody can void its credit notes in Stripe; ours never change. */
  private async track(held: Held): Promise<boolean> {
    const lookedAt = this.timing.now();
    const theirs = await this.remote(held);
    const isSettled = (await this.invoiceSyncOf(held))?.step === 'DONE';
    const attempts = held.row.attempts + 1;
    await held.release(
      {
        step: isSettled ? 'DONE' : 'TRACK',
        state: 'SYNCED',
        attempts,
        errorCode: null,
        lastError: null,
        nextAttemptAt: after(lookedAt, this.timing.recheckDelayMs(attempts)),
      },
      (tx) => this.invoiceSyncs.markEventsApplied(tx, theirs.id, lookedAt, lookedAt),
    );
    return false;
  }

  private async waitForInvoice(held: Held): Promise<boolean> {
    await held.release({
      nextAttemptAt: after(this.timing.now(), this.timing.recheckDelayMs(0)),
      errorCode: WAITS_FOR_INVOICE,
      lastError: 'The invoice of this credit note, or its payment, is not in Stripe yet.',
    });
    return false;
  }

  private async finish(held: Held, state: CreditNoteSyncRow['state']): Promise<boolean> {
    await held.release({ step: 'DONE', state, request: null, errorCode: null, lastError: null }, (tx) =>
      this.alerts.resolve(tx, held.row.creditNoteId),
    );
    return false;
  }

  private async moveOn(held: Held, stripeCreditNoteId: string): Promise<true> {
    await held.save({
      ...{ step: 'VERIFY', state: 'SYNCING', stripeCreditNoteId, request: null, attempts: 0 },
      ...{ errorCode: null, lastError: null },
    });
    return true;
  }

  private perform(
    held: Held,
    stripeInvoiceId: string,
    call: {
      params: () => Promise<Stripe.CreditNoteCreateParams>;
      send: (params: Stripe.CreditNoteCreateParams, key: string) => Promise<Stripe.CreditNote>;
    },
  ): Promise<Stripe.CreditNote> {
    const { creditNoteId, request, generation } = held.row;
    const tags = creditNoteTags(held.tenantId, creditNoteId);
    return performOnce<Stripe.CreditNoteCreateParams, Stripe.CreditNote>(
      {
        step: 'CREDIT_NOTE',
        scope: `${this.configuration.environment}:${held.tenantId}:${creditNoteId}`,
        ...{ request, generation },
        ...call,
        find: async () => only(await this.client.creditNotesWith(stripeInvoiceId, tags), `credit note ${creditNoteId}`),
        store: (next: StoredRequest | null, nextGeneration) => held.save({ request: next, generation: nextGeneration }),
      },
      this.timing.now(),
    );
  }

  private async composed({ row, tenantId }: Held): Promise<{ note: CreditNote; composed: ComposedCreditNote }> {
    return this.database.withTenant(tenantId, async (tx) => {
      const [invoice] = await this.invoices.viewsIn(tx, [row.invoiceId]);
      const notes = await this.notes.ofInvoices(tx, [row.invoiceId]);
      const note = notes.find(({ id }) => id === row.creditNoteId);
      if (invoice === undefined || note === undefined) throw new Refused('The credit note or its invoice is gone.', 'NOT_FOUND');
      return { note, composed: composeCreditNote(note, invoice, notes) };
    });
  }

  private async invoiceSyncOf({ row, tenantId }: Held): Promise<SyncRow | null> {
    const [sync] = await this.database.withTenant(tenantId, (tx) => this.invoiceSyncs.byInvoices(tx, [row.invoiceId]));
    return sync ?? null;
  }

  private async existing(id: string): Promise<Stripe.Invoice> {
    const invoice = await reading(() => this.client.invoice(id));
    if (invoice === null) throw new Refused(`Stripe has no invoice ${id} any more.`, 'INVOICE_NOT_AT_STRIPE');
    return invoice;
  }

  /** @throws Refused VOIDED_AT_STRIPE */
  private async remote({ row }: Held): Promise<Stripe.CreditNote> {
    const id = row.stripeCreditNoteId;
    if (id === null) throw new Error(`credit note ${row.creditNoteId} is at step ${row.step} without one at Stripe`);
    const theirs = await reading(() => this.client.creditNote(id));
    if (theirs.status === 'void')
      throw new Refused(
        'The credit note was voided in Stripe, which asks for its amount again; ours stands: credit it there by hand.',
        'VOIDED_AT_STRIPE',
      );
    return theirs;
  }
}

/** The invoice is at Stripe; where it was paid here, Stripe knows that before it hears of what goes back of the payment. */
function isReady({ step, state, payRequested }: SyncRow, note: CreditNote): boolean {
  if (step === 'DONE') return true;
  const isAsking = step === 'TRACK' || step === 'PAY' || step === 'WRITE_OFF';
  return isAsking && (!payRequested || state === 'FAILED' || !note.offInvoice.isZero());
}

/** @throws Refused when Stripe's invoice asks for something else than ours does */
function requireOurs(remote: Stripe.Invoice, composed: ComposedCreditNote): void {
  if (remote.status === 'void')
    throw new Refused('The invoice was voided in Stripe: there is nothing to credit.', 'INVOICE_VOID_AT_STRIPE');
  const { unpaid } = partsAt(composed, remote);
  if (unpaid <= composed.offInvoiceMinor) return;
  throw new Refused(
    'The invoice was paid here and is still open in Stripe: mark it as paid outside of Stripe there, then try again.',
    'INVOICE_UNPAID_AT_STRIPE',
  );
}
