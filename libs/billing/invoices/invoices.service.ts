import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import type { Page, PageRequest } from '@tare/catalog';
import { CreditStore, Wallets } from '@tare/credits';
import { CustomerStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { BillingPeriodStore } from '../periods/billing-period.store.ts';
import { InvoiceStore } from './invoice.store.ts';
import type { Invoice, InvoiceStatus, InvoiceWithLines } from './invoice.ts';
import type { Credited } from '../credit-notes/credit-note.ts';
import { CreditNoteStore } from '../credit-notes/credit-note.store.ts';
import { CustomerBalances } from '../credit-notes/customer-balance.store.ts';
import { NumberSeries } from './number-series.store.ts';

/** An invoice with everything that shows it. */
export interface InvoiceView extends InvoiceWithLines {
  readonly customer: Customer;
  /** What credit notes took of it; none: nothing. */
  readonly credited?: Credited | undefined;
}

export interface InvoiceListRequest extends PageRequest {
  /** The tenant's own key of a customer; none: all customers. */
  readonly customer?: string | null | undefined;
  readonly status?: InvoiceStatus | null | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Hears of an invoice in the transaction that changes it, once; `at`: when that counts. */
export type InvoiceListener = (tx: TenantTransaction, invoice: Invoice, at: Instant) => Promise<void>;

/** Invoices that exist. */
@Injectable()
export class InvoicesService {
  private readonly paid: InvoiceListener[] = [];
  private readonly voided: InvoiceListener[] = [];

  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly credits: CreditStore,
    private readonly wallets: Wallets,
    private readonly invoices: InvoiceStore,
    private readonly periods: BillingPeriodStore,
    private readonly notes: CreditNoteStore,
    private readonly balances: CustomerBalances,
    private readonly numbers: NumberSeries,
    private readonly audit: AuditLog,
  ) {}

  /** For what an invoice brings when it is paid. */
  onPaid(listener: InvoiceListener): void {
    this.paid.push(listener);
  }

  /** For what an invoice takes back when it is voided. */
  onVoided(listener: InvoiceListener): void {
    this.voided.push(listener);
  }

  /** Null for an id of nothing or of another tenant. */
  async byId(tenantId: string, id: string): Promise<InvoiceView | null> {
    if (!UUID.test(id)) return null;
    return this.database.withTenant(tenantId, async (tx) => {
      const invoice = await this.invoices.byId(tx, id);
      return invoice && ((await this.viewed(tx, [invoice]))[0] ?? null);
    });
  }

  /** In the order in which they were made: three queries, however many there are. @throws CodedError NOT_FOUND | INVALID_CURSOR | INVALID_PAGE_SIZE */
  async list(tenantId: string, request: InvoiceListRequest): Promise<Page<InvoiceView>> {
    return this.database.withTenant(tenantId, (tx) => this.listIn(tx, request));
  }

  async listIn(tx: TenantTransaction, { customer: key, status, ...page }: InvoiceListRequest): Promise<Page<InvoiceView>> {
    const customer = key == null ? null : await this.customers.byKey(tx, key);
    if (key != null && customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, 'customer');
    const { rows, hasNextPage } = await this.invoices.page(tx, { customerId: customer?.id ?? null, status: status ?? null }, page);
    return { rows: await this.viewed(tx, rows), hasNextPage };
  }

  /** For stores to the right that work in a transaction of their own. */
  async viewsIn(tx: TenantTransaction, ids: readonly string[]): Promise<InvoiceView[]> {
    return this.viewed(tx, [...(await this.invoices.byIds(tx, ids)).values()]);
  }

  /**
   * Makes a draft, or a finalized invoice that nobody has paid, VOID: what it burnt is given back as it was recorded, what is left of the credits that it
   * granted is taken back, and so is what it took from or left on the customer's balance (SEMANTICS 7.8, 8.2). Its periods stay closed and nothing is due for
   * them until they are billed again; corrections of it that stand on other invoices are taken back by the next one. A second call changes nothing.
   * @throws CodedError NOT_FOUND | INVOICE_PAID | INVOICE_UNCOLLECTIBLE | INVOICE_CREDITED
   */
  async voidInvoice(tenantId: string, id: string, now: Instant = Date.now() * 1_000, actor = 'tare'): Promise<InvoiceView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const invoice = await this.lockedIn(tx, id);
      if (invoice.status === 'PAID')
        throw new CodedError('INVOICE_PAID', 'A paid invoice is not voided: refund it or issue a credit note.');
      if (invoice.status === 'UNCOLLECTIBLE')
        throw new CodedError('INVOICE_UNCOLLECTIBLE', 'An invoice that was written off is not voided.');
      if (invoice.status !== 'VOID') await this.makeVoid(tx, invoice, actor, now);
      return this.viewIn(tx, id);
    });
  }

  /**
   * FINALIZED (or written off) -> PAID, which brings the credits that waited for it; a second call changes nothing. It was paid past the payment provider,
   * which is told to ask for nothing any more. @throws CodedError NOT_FOUND | INVOICE_NOT_FINAL
   */
  async pay(tenantId: string, id: string, paidAt: Instant, actor = 'tare'): Promise<InvoiceView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { status } = await this.lockedIn(tx, id);
      const view = await this.payIn(tx, id, paidAt, actor);
      if (status !== 'PAID') await this.invoices.announce(tx, [id], 'PAID');
      return view;
    });
  }

  /** The same of an invoice that its payment provider has been paid for, or that asks for nothing. */
  async payIn(tx: TenantTransaction, id: string, paidAt: Instant, actor = 'tare'): Promise<InvoiceView> {
    const invoice = await this.lockedIn(tx, id);
    if (invoice.status === 'DRAFT' || invoice.status === 'VOID') throw notFinal(invoice, 'paid');
    if (invoice.status !== 'PAID') {
      await this.invoices.markPaid(tx, id, paidAt);
      const by = { invoiceId: id, taxedAtUse: invoice.detail.creditsTaxed === 'AT_USE' };
      await this.wallets.issueOfPlan(tx, invoice.customerId, by, invoice.detail.grantsWhenPaid);
      for (const listener of this.paid) await listener(tx, invoice, paidAt);
      await this.audited(tx, invoice, 'invoice.pay', actor);
    }
    return this.viewIn(tx, id);
  }

  /** FINALIZED -> UNCOLLECTIBLE, which the payment provider is told; a second call changes nothing. @throws CodedError NOT_FOUND | INVOICE_NOT_FINAL | INVOICE_PAID */
  async markUncollectible(tenantId: string, id: string, actor = 'tare'): Promise<InvoiceView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { status } = await this.lockedIn(tx, id);
      const view = await this.markUncollectibleIn(tx, id, actor);
      if (status !== 'UNCOLLECTIBLE') await this.invoices.announce(tx, [id], 'WRITTEN_OFF');
      return view;
    });
  }

  /** The same of an invoice that its payment provider has written off. */
  async markUncollectibleIn(tx: TenantTransaction, id: string, actor = 'tare'): Promise<InvoiceView> {
    const invoice = await this.lockedIn(tx, id);
    if (invoice.status === 'DRAFT' || invoice.status === 'VOID') throw notFinal(invoice, 'written off');
    if (invoice.status === 'PAID') throw new CodedError('INVOICE_PAID', 'A paid invoice is not written off.');
    if (invoice.status !== 'UNCOLLECTIBLE') {
      await this.invoices.markUncollectible(tx, id);
      await this.audited(tx, invoice, 'invoice.write_off', actor);
    }
    return this.viewIn(tx, id);
  }

  private async makeVoid(tx: TenantTransaction, invoice: Invoice, actor: string, now: Instant): Promise<void> {
    const { id: invoiceId, customerId, currency } = invoice;
    const place = await this.numbers.nextPlace(tx);
    if (invoice.status === 'FINALIZED') {
      if ((await this.notes.credited(tx, [invoiceId])).size > 0)
        throw new CodedError('INVOICE_CREDITED', 'An invoice with credit notes stands, and they with it: credit the rest of it instead.');
      await this.wallets.reverseInvoice(tx, customerId, invoiceId, invoice.finalizedAt ?? invoice.billingAt);
      const amount = (await this.invoices.balanceOf(tx, invoiceId)).negated();
      await this.balances.add(tx, { customerId, currency, amount, invoiceId, place, creditNoteId: null });
      await this.invoices.announce(tx, [invoiceId], 'VOIDED');
    }
    await this.invoices.markVoid(tx, invoiceId, now, place);
    await this.periods.markVoided(tx, invoiceId);
    for (const listener of this.voided) await listener(tx, invoice, now);
    await this.audited(tx, invoice, 'invoice.void', actor);
  }

  private audited(tx: TenantTransaction, { id: subject, number, status }: Invoice, action: string, actor: string): Promise<void> {
    return this.audit.record(tx, { actor, action, subject, detail: { number, was: status } });
  }

  /** The invoice, held until the transaction ends with everything that moves money of its customer: the locks of a billing step, in its order. */
  async lockedIn(tx: TenantTransaction, id: string): Promise<Invoice> {
    const { customerId } = await this.found(tx, id);
    await this.customers.lock(tx, customerId);
    await this.credits.lock(tx, customerId);
    await this.invoices.lock(tx, id);
    return this.found(tx, id);
  }

  /** Null for an id of nothing. */
  findIn(tx: TenantTransaction, id: string): Promise<Invoice | null> {
    return UUID.test(id) ? this.invoices.byId(tx, id) : Promise.resolve(null);
  }

  private async found(tx: TenantTransaction, id: string): Promise<Invoice> {
    const invoice = await this.findIn(tx, id);
    if (invoice === null) throw new CodedError('NOT_FOUND', `There is no invoice with id "${id}".`);
    return invoice;
  }

  /** @throws CodedError NOT_FOUND */
  async viewIn(tx: TenantTransaction, id: string): Promise<InvoiceView> {
    const [view] = await this.viewed(tx, [await this.found(tx, id)]);
    if (view === undefined) throw new Error(`invoice ${id} has no customer`);
    return view;
  }

  private async viewed(tx: TenantTransaction, invoices: readonly Invoice[]): Promise<InvoiceView[]> {
    if (invoices.length === 0) return [];
    const lines = await this.invoices.linesOf(
      tx,
      invoices.map(({ id }) => id),
    );
    const customers = await this.customers.byIds(
      tx,
      invoices.map(({ customerId }) => customerId),
    );
    const credited = await this.notes.credited(
      tx,
      invoices.map(({ id }) => id),
    );
    return invoices.flatMap((invoice) => {
      const customer = customers.get(invoice.customerId);
      return customer ? [{ ...invoice, customer, lines: lines.get(invoice.id) ?? [], credited: credited.get(invoice.id) }] : [];
    });
  }
}

function notFinal({ status }: Invoice, what: string): CodedError {
  return new CodedError('INVOICE_NOT_FINAL', `The invoice is ${status}: only a finalized one is ${what}.`);
}
