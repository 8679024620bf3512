import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import type { Page, PageRequest } from '@tare/catalog';
import { CreditStore, Wallets } from '@tare/credits';
import { CustomerStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { InvoiceStore } from './invoice.store.ts';
import type { Invoice, InvoiceStatus, InvoiceWithLines } from './invoice.ts';

/** An invoice with everything that shows it. */
export interface InvoiceView extends InvoiceWithLines {
  readonly customer: Customer;
}

export interface InvoiceListRequest extends PageRequest {
  /** The tenant's own key of a customer; none: all customers. */
  readonly customer?: string | null | undefined;
  readonly status?: InvoiceStatus | null | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Invoices that exist. */
@Injectable()
export class InvoicesService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly credits: CreditStore,
    private readonly wallets: Wallets,
    private readonly invoices: InvoiceStore,
  ) {}

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
   * granted is taken back, and so is what it took from or left on the customer's balance (SEMANTICS 7.8, 8.2). Its periods stay closed, and late usage of them
   * is not billed. A second call changes nothing. @throws CodedError NOT_FOUND | INVOICE_PAID | INVOICE_UNCOLLECTIBLE
   */
  async voidInvoice(tenantId: string, id: string, now: Instant = Date.now() * 1_000): Promise<InvoiceView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const invoice = await this.locked(tx, id);
      if (invoice.status === 'PAID')
        throw new CodedError('INVOICE_PAID', 'A paid invoice is not voided: refund it or issue a credit note.');
      if (invoice.status === 'UNCOLLECTIBLE')
        throw new CodedError('INVOICE_UNCOLLECTIBLE', 'An invoice that was written off is not voided.');
      if (invoice.status !== 'VOID') await this.makeVoid(tx, invoice, now);
      return this.required(tx, id);
    });
  }

  /** FINALIZED (or written off) -> PAID; a second call changes nothing. @throws CodedError NOT_FOUND | INVOICE_NOT_FINAL */
  async pay(tenantId: string, id: string, paidAt: Instant): Promise<InvoiceView> {
    return this.database.withTenant(tenantId, (tx) => this.payIn(tx, id, paidAt));
  }

  async payIn(tx: TenantTransaction, id: string, paidAt: Instant): Promise<InvoiceView> {
    const invoice = await this.locked(tx, id);
    if (invoice.status === 'DRAFT' || invoice.status === 'VOID') throw notFinal(invoice);
    if (invoice.status !== 'PAID') await this.invoices.markPaid(tx, id, paidAt);
    return this.required(tx, id);
  }

  /** FINALIZED -> UNCOLLECTIBLE; a second call changes nothing. @throws CodedError NOT_FOUND | INVOICE_NOT_FINAL | INVOICE_PAID */
  async markUncollectibleIn(tx: TenantTransaction, id: string): Promise<InvoiceView> {
    const invoice = await this.locked(tx, id);
    if (invoice.status === 'DRAFT' || invoice.status === 'VOID') throw notFinal(invoice);
    if (invoice.status === 'PAID') throw new CodedError('INVOICE_PAID', 'A paid invoice is not written off.');
    await this.invoices.markUncollectible(tx, id);
    return this.required(tx, id);
  }

  private async makeVoid(tx: TenantTransaction, invoice: Invoice, now: Instant): Promise<void> {
    if (invoice.status === 'FINALIZED') {
      await this.wallets.reverseInvoice(tx, invoice.customerId, invoice.id, invoice.finalizedAt ?? invoice.billingAt);
      const amount = (await this.invoices.balanceOf(tx, invoice.id)).negated();
      await this.invoices.addToBalance(tx, { customerId: invoice.customerId, currency: invoice.currency, amount, invoiceId: invoice.id });
      await this.invoices.announce(tx, invoice.id, 'VOIDED');
    }
    await this.invoices.markVoid(tx, invoice.id, now);
  }

  /** The locks of a billing step, in its order, and then the invoice. */
  private async locked(tx: TenantTransaction, id: string): Promise<Invoice> {
    const { customerId } = await this.found(tx, id);
    await this.customers.lock(tx, customerId);
    await this.credits.lock(tx, customerId);
    await this.invoices.lock(tx, id);
    return this.found(tx, id);
  }

  private async found(tx: TenantTransaction, id: string): Promise<Invoice> {
    const invoice = UUID.test(id) ? await this.invoices.byId(tx, id) : null;
    if (invoice === null) throw new CodedError('NOT_FOUND', `There is no invoice with id "${id}".`);
    return invoice;
  }

  private async required(tx: TenantTransaction, id: string): Promise<InvoiceView> {
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
    return invoices.flatMap((invoice) => {
      const customer = customers.get(invoice.customerId);
      return customer ? [{ ...invoice, customer, lines: lines.get(invoice.id) ?? [] }] : [];
    });
  }
}

function notFinal({ status }: Invoice): CodedError {
  return new CodedError('INVOICE_NOT_FINAL', `The invoice is ${status}: only a finalized one is paid.`);
}
