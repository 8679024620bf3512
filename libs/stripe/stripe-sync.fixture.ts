import { AlertsModule } from '@tare/alerts';
import { AccessModule } from '@tare/access';
import {
  BillingPeriodStore,
  CreditNotesService,
  CreditNoteStore,
  CustomerBalances,
  InvoicesService,
  InvoiceStore,
  NumberSeries,
  OverpaidNotes,
  type CreditNoteInput,
} from '@tare/billing';
import { Decimal, instantOfDate, parseInstant, type AssembledInvoice, type AssembledLine, type Instant } from '@tare/core';
import { CreditStore, SettlementStore, Wallets } from '@tare/credits';
import { CustomerStore, type Customer } from '@tare/customers';
import { createTestDatabase, Database, type TestDatabase } from '@tare/database';
import { Test } from '@nestjs/testing';
import { Module, Global } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { CreditNoteSteps } from './credit-notes/credit-note-steps.ts';
import { CreditNoteSync } from './credit-notes/credit-note-sync.service.ts';
import { CreditNoteSyncStore, type CreditNoteSyncRow } from './credit-notes/credit-note-sync.store.ts';
import { Emulator, type EmulatedCreditNote, type EmulatedInvoice, type FaultRule } from './emulator.fixture.ts';
import { InvoiceOutcome } from './invoice-outcome.ts';
import { StripeClient } from './stripe-client.ts';
import { StripeConfiguration } from './stripe-configuration.ts';
import { StripeCustomerStore } from './stripe-customer.store.ts';
import { StripeCustomers } from './stripe-customers.service.ts';
import { StripeSync } from './stripe-sync.service.ts';
import { StripeSyncStore, type SyncRow } from './stripe-sync.store.ts';
import { StripeWebhooks } from './stripe-webhooks.service.ts';
import { SyncAlerts } from './sync-alerts.ts';
import { SyncSteps } from './sync-steps.ts';
import { SyncTiming } from './sync-timing.ts';

export const RETRY_MS = 60_000;
export const WEBHOOK_SECRET = 'whsec_current';
const FROM = parseInstant('2026-02-01T00:00:00Z');
const TO = parseInstant('2026-03-01T00:00:00Z');

/** A clock that moves by hand, and waits without chance. */
export class HandMovedTiming extends SyncTiming {
  private movedMs = 0;

  override now(): Instant {
    return instantOfDate(new Date()) + this.movedMs * 1_000;
  }

  override retryDelayMs(): number {
    return RETRY_MS;
  }

  move(ms: number): void {
    this.movedMs += ms;
  }
}

/** One process that syncs. */
export interface Worker {
  readonly sync: StripeSync;
  readonly webhooks: StripeWebhooks;
  readonly creditNotes: CreditNotesService;
  readonly invoices: InvoicesService;
  readonly stop: () => Promise<void>;
}

export interface WorkerOptions {
  readonly secretKey?: string | null;
  readonly webhookSecrets?: readonly string[];
  /** In place of the real ones. */
  readonly client?: typeof StripeClient;
  readonly store?: typeof StripeSyncStore;
  readonly creditNoteStore?: typeof CreditNoteSyncStore;
}

export interface InvoiceTerms {
  readonly currency?: string;
  /** Of the lines, in major units. */
  readonly amounts: readonly string[];
  readonly discount?: string;
  readonly tax?: string;
  readonly creditsApplied?: string;
  readonly balanceApplied?: string;
  readonly balanceCarried?: string;
  readonly customer?: Customer;
  readonly email?: string | null;
  readonly tenantId?: string;
}

/** A tenant with invoices, a Stripe account of its own at the emulator, and workers between the two. */
export class SyncBench {
  readonly timing = new HandMovedTiming();
  readonly key = `sk_test_${randomUUID().replaceAll('-', '')}`;
  private readonly invoices = new InvoiceStore();
  private readonly customers = new CustomerStore();
  private readonly workers: Worker[] = [];

  private constructor(
    readonly test: TestDatabase,
    readonly emulator: Emulator,
    readonly tenantId: string,
  ) {}

  static async open(): Promise<SyncBench> {
    const [test, emulator] = await Promise.all([createTestDatabase(), Emulator.start()]);
    return new SyncBench(test, emulator, await test.createTenant());
  }

  async close(): Promise<void> {
    for (const worker of this.workers) await worker.stop();
    await this.emulator.stop();
    await this.test.drop();
  }

  get database(): Database {
    return this.test.database;
  }

  async worker(options: WorkerOptions = {}): Promise<Worker> {
    const configuration = new StripeConfiguration({
      secretKey: options.secretKey === undefined ? this.key : options.secretKey,
      apiBase: this.emulator.url,
      webhookSecrets: options.webhookSecrets ?? [WEBHOOK_SECRET],
    });
    const module = await Test.createTestingModule({
      imports: [databaseModule(this.database), AccessModule, AlertsModule],
      providers: [
        { provide: StripeConfiguration, useValue: configuration },
        { provide: SyncTiming, useValue: this.timing },
        { provide: StripeClient, useClass: options.client ?? StripeClient },
        { provide: StripeSyncStore, useClass: options.store ?? StripeSyncStore },
        { provide: CreditNoteSyncStore, useClass: options.creditNoteStore ?? CreditNoteSyncStore },
        ...[CreditNoteSteps, CreditNoteSync, CreditNotesService, OverpaidNotes],
        ...[StripeCustomerStore, StripeCustomers, SyncAlerts, InvoiceOutcome, SyncSteps, StripeSync, StripeWebhooks],
        ...[
          InvoicesService,
          InvoiceStore,
          BillingPeriodStore,
          CreditNoteStore,
          CustomerBalances,
          NumberSeries,
          CustomerStore,
          CreditStore,
          SettlementStore,
          Wallets,
        ],
      ],
    }).compile();
    module.useLogger(false);
    const worker = {
      sync: module.get(StripeSync),
      webhooks: module.get(StripeWebhooks),
      creditNotes: module.get(CreditNotesService),
      invoices: module.get(InvoicesService),
      stop: () => module.close(),
    };
    this.workers.push(worker);
    return worker;
  }

  /** A finalized invoice with its announcement, as billing leaves it. Answers its id. */
  async finalized(terms: InvoiceTerms): Promise<string> {
    const customer = terms.customer ?? (await this.customer(terms));
    const assembled = assembledOf(terms);
    const key = { subscriptionId: randomUUID(), billingAt: TO, kind: 'REGULAR' as const, sequence: 0 };
    const times = { periodStart: FROM, periodEnd: TO, draftedAt: TO, finalizeAt: TO };
    return this.database.withTenant(terms.tenantId ?? this.tenantId, async (tx) => {
      const { id } = await this.invoices.saveDraft(tx, { ...key, ...times, customerId: customer.id, adjusts: null }, assembled, 0);
      const [number = null] = await this.invoices.takeNumbers(tx, 1);
      await this.invoices.finalize(tx, id, { number, finalizedAt: TO });
      await this.invoices.announce(tx, id, 'FINALIZED');
      return id;
    });
  }

  async customer({ email, currency, tenantId }: Pick<InvoiceTerms, 'email' | 'currency' | 'tenantId'> = {}): Promise<Customer> {
    const key = `customer-${randomUUID()}`;
    const made = await this.database.withTenant(tenantId ?? this.tenantId, (tx) =>
      this.customers.insert(tx, {
        key,
        name: 'Ada',
        email: email === undefined ? 'ada@example.com' : email,
        currency: currency ?? 'USD',
        timeZone: 'UTC',
      }),
    );
    if (made === null) throw new Error('the customer is there already');
    return made;
  }

  /** What billing's voidInvoice leaves. */
  async voided(invoiceId: string): Promise<void> {
    await this.database.withTenant(this.tenantId, async (tx) => {
      await this.invoices.markVoid(tx, invoiceId, this.timing.now(), 1);
      await this.invoices.announce(tx, invoiceId, 'VOIDED');
    });
  }

  /** Time passes here and at Stripe. */
  async pass(ms: number): Promise<void> {
    this.timing.move(ms);
    await this.emulator.control('POST', '/emulator/clock', { advanceSeconds: Math.round(ms / 1_000) });
  }

  /** Steps and lets time pass until the invoice waits for nothing but its payment. */
  async drive({ sync }: Worker, invoiceId: string): Promise<SyncRow> {
    for (let round = 0; round < 12; round += 1) {
      await sync.step(this.tenantId, invoiceId);
      const row = await this.row(invoiceId);
      if (row.state !== 'SYNCING') return row;
      await this.pass(RETRY_MS + 1_000);
    }
    return this.row(invoiceId);
  }

  async row(invoiceId: string): Promise<SyncRow> {
    const [row] = await this.database.withTenant(this.tenantId, (tx) => new StripeSyncStore().byInvoices(tx, [invoiceId]));
    if (row === undefined) throw new Error(`invoice ${invoiceId} has no sync row`);
    return row;
  }

  async status(invoiceId: string): Promise<{ status: string; paidAt: Instant | null }> {
    const found = await this.database.withTenant(this.tenantId, (tx) => this.invoices.byId(tx, invoiceId));
    if (found === null) throw new Error(`there is no invoice ${invoiceId}`);
    return { status: found.status, paidAt: found.paidAt };
  }

  /** A credit note on an invoice, as billing makes it. Answers its id. */
  async credited({ creditNotes }: Worker, invoice: string, input: Partial<CreditNoteInput> = {}): Promise<string> {
    return (await creditNotes.create(this.tenantId, { invoice, reason: 'The model was down', ...input }, 'tester')).id;
  }

  /** Like `drive`, of a credit note whose invoice was driven. */
  async driveNote({ sync }: Worker, creditNoteId: string): Promise<CreditNoteSyncRow> {
    for (let round = 0; round < 12; round += 1) {
      await sync.stepCreditNote(this.tenantId, creditNoteId);
      const row = await this.noteRow(creditNoteId);
      if (row.state !== 'SYNCING' || row.errorCode !== null) return row;
      await this.pass(RETRY_MS + 1_000);
    }
    return this.noteRow(creditNoteId);
  }

  async noteRow(creditNoteId: string): Promise<CreditNoteSyncRow> {
    const [row] = await this.database.withTenant(this.tenantId, (tx) => new CreditNoteSyncStore().byCreditNotes(tx, [creditNoteId]));
    if (row === undefined) throw new Error(`credit note ${creditNoteId} has no sync row`);
    return row;
  }

  /** What Stripe has of one of our credit notes. */
  async noteAtStripe(creditNoteId: string): Promise<EmulatedCreditNote[]> {
    const { creditNotes } = await this.emulator.account(this.key);
    return creditNotes.filter(({ metadata }) => metadata['tare_credit_note'] === creditNoteId);
  }

  /** The customer pays, and we hear of it. */
  async paidAtStripe({ sync }: Worker, invoiceId: string): Promise<void> {
    const { stripeInvoiceId } = await this.row(invoiceId);
    await this.emulator.control('POST', `/emulator/invoices/${stripeInvoiceId}/pay`);
    await this.pass(7 * 3_600_000);
    await sync.step(this.tenantId, invoiceId);
  }

  /** Paid past Stripe, as billing's `pay` leaves it. */
  async paidHere({ invoices }: Worker, invoiceId: string): Promise<void> {
    await invoices.pay(this.tenantId, invoiceId, this.timing.now(), 'tester');
  }

  /** Paid without a word to Stripe, as it was before payments were announced. */
  async paidUnannounced(invoiceId: string): Promise<void> {
    await this.database.withTenant(this.tenantId, (tx) => this.invoices.markPaid(tx, invoiceId, this.timing.now()));
  }

  /** What we keep for a customer. */
  async balance(customerId: string): Promise<string> {
    const [row] = await this.database.withTenant(this.tenantId, (tx) =>
      tx.query<{ sum: string }>(
        'SELECT coalesce(sum(amount), 0) AS sum FROM customer_balance_entry WHERE tenant_id = $1 AND customer_id = $2',
        [tx.tenantId, customerId],
      ),
    );
    return Decimal.parse(row?.sum ?? '0').toString();
  }

  /** What Stripe has of one of our invoices. */
  async atStripe(invoiceId: string): Promise<EmulatedInvoice[]> {
    const { invoices } = await this.emulator.account(this.key);
    return invoices.filter(({ metadata }) => metadata['tare_invoice'] === invoiceId);
  }

  async fault(...rules: readonly FaultRule[]): Promise<void> {
    await this.emulator.control('POST', '/emulator/faults', rules);
  }

  async noFaults(): Promise<void> {
    await this.emulator.control('DELETE', '/emulator/faults');
  }

  async openAlerts(invoiceId: string): Promise<string[]> {
    return (await this.alertsOf(invoiceId)).map(({ kind }) => kind);
  }

  /** Why the sync stopped, as its open alerts say for programs. */
  async alertCodes(invoiceId: string): Promise<unknown[]> {
    return (await this.alertsOf(invoiceId)).map(({ detail }) => detail['code']);
  }

  private alertsOf(subject: string): Promise<{ kind: string; detail: Record<string, unknown> }[]> {
    return this.database.withTenant(this.tenantId, (tx) =>
      tx.query('SELECT kind, detail FROM alert WHERE tenant_id = $1 AND subject = $2 AND resolved_at IS NULL', [tx.tenantId, subject]),
    );
  }
}

function databaseModule(database: Database) {
  @Global()
  @Module({ providers: [{ provide: Database, useValue: database }], exports: [Database] })
  class GivenDatabaseModule {}
  return GivenDatabaseModule;
}

function assembledOf(terms: InvoiceTerms): AssembledInvoice {
  const amountOf = (text: string | undefined): Decimal => Decimal.parse(text ?? '0');
  const lines = terms.amounts.map((amount, index) => lineOf(Decimal.parse(amount), index));
  const subtotal = Decimal.sum(lines.map(({ amount }) => amount));
  const [discounts, tax, creditsApplied] = [amountOf(terms.discount), amountOf(terms.tax), amountOf(terms.creditsApplied)];
  const [balanceApplied, balanceCarried] = [amountOf(terms.balanceApplied), amountOf(terms.balanceCarried)];
  const taxBase = subtotal.minus(discounts);
  const total = taxBase.plus(tax).minus(creditsApplied).minus(balanceApplied).plus(balanceCarried);
  return {
    ...{
      currency: terms.currency ?? 'USD',
      lines,
      subtotal,
      discounts,
      creditsApplied,
      taxBase,
      taxes: tax.isZero() ? [] : [{ name: 'Tax', percent: null, base: taxBase, amount: tax }],
      creditsTaxed: 'AT_PURCHASE',
      untaxedBurns: Decimal.ZERO,
      tax,
      total,
      balanceApplied,
      balanceCarried,
    },
    ...{ grants: [], discountUses: [], allowances: [], awaitingCost: [], leakage: [] },
  };
}

function lineOf(amount: Decimal, index: number): AssembledLine {
  return {
    scopeKey: `line ${index}`,
    kind: 'USAGE',
    priceKey: `price-${index}`,
    group: null,
    description: `Tokens, part ${index}`,
    quantity: Decimal.of(1_000),
    exactAmount: amount,
    amount,
    lineDiscount: Decimal.ZERO,
    discount: Decimal.ZERO,
    discounts: [],
    period: { start: FROM, end: TO },
    segmentId: randomUUID(),
    subscriptionId: randomUUID(),
    planVersionId: randomUUID(),
    walk: [{ description: 'all', quantity: Decimal.of(1_000), unitPrice: null, amount }],
    rounding: { exactAmount: amount, increment: Decimal.parse('0.01'), rounded: amount, alreadyBilled: Decimal.ZERO },
    adjusts: null,
    adjustsKind: null,
    credits: Decimal.ZERO,
  };
}
