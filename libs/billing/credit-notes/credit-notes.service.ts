import { Injectable } from '@nestjs/common';
import { AuditLog, TenantsService } from '@tare/access';
import type { Page, PageRequest } from '@tare/catalog';
import { assembleCreditNote, CodedError, Decimal, optionalText, requiredText } from '@tare/core';
import type { CreditableInvoice, CreditRequest, Instant } from '@tare/core';
import { CustomerStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts';
import { InvoicesService } from '../invoices/invoices.service.ts';
import { NumberSeries } from '../invoices/number-series.store.ts';
import { CustomerBalances } from './customer-balance.store.ts';
import type { CreditNote, CreditNoteSettlement } from './credit-note.ts';
import { CreditNoteStore } from './credit-note.store.ts';

/** Either lines, or an amount of the whole invoice with tax; neither: everything that is left. */
export interface CreditNoteInput {
  readonly invoice: string;
  /** Your own key: the same credit note again under it is the one that is there. */
  readonly key?: string | null | undefined;
  readonly lines?:
    | readonly { readonly line: string; readonly amount?: Decimal | null | undefined; readonly quantity?: Decimal | null | undefined }[]
    | null
    | undefined;
  readonly amount?: Decimal | null | undefined;
  readonly reason: string;
  readonly settlement?: CreditNoteSettlement | null | undefined;
  /** When it counts; now unless said. */
  readonly at?: Instant | null | undefined;
}

export interface CreditNoteView extends CreditNote {
  readonly customer: Customer;
}

export interface CreditNoteListRequest extends PageRequest {
  /** The tenant's own key of a customer; none: all customers. */
  readonly customer?: string | null | undefined;
  readonly invoice?: string | null | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Takes back what was invoiced. */
@Injectable()
export class CreditNotesService {
  constructor(
    private readonly database: Database,
    private readonly tenants: TenantsService,
    private readonly customers: CustomerStore,
    private readonly invoices: InvoiceStore,
    private readonly standing: InvoicesService,
    private readonly numbers: NumberSeries,
    private readonly balances: CustomerBalances,
    private readonly notes: CreditNoteStore,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Credits a finalized, paid or written off invoice: never more than is left of it, with its taxes in proportion (SEMANTICS 8.2). What the customer still
   * owes is lowered first, and an invoice of which nothing is owed any more is PAID; what was paid is settled as asked. What was used is no business of a
   * credit note: wrong usage is voided or amended, and then corrected by a line of the next invoice.
   * @throws CodedError NOT_FOUND | INVOICE_NOT_FINAL | INVOICE_VOID | INVOICE_NOT_PAID | KEY_REUSED | AT_IN_FUTURE | BEFORE_INVOICE | REFUND_EXCEEDS_PAYMENT |
   *   LINES_OR_AMOUNT | FIELD_MISSING | FIELD_TOO_LONG and what `assembleCreditNote` throws
   */
  async create(tenantId: string, input: CreditNoteInput, actor: string, now: Instant = Date.now() * 1_000): Promise<CreditNoteView> {
    const isLive = await this.tenants.isLive(tenantId);
    return this.database.withTenant(tenantId, async (tx) => {
      const asked = {
        reason: requiredText(input.reason, 'reason'),
        key: optionalText(input.key, 'key'),
        settlement: input.settlement ?? 'CUSTOMER_BALANCE',
      };
      const invoice = await this.standing.lockedIn(tx, input.invoice);
      const request = JSON.stringify([invoice.id, input.lines ?? null, input.amount ?? null, asked.reason, asked.settlement]);
      const known = asked.key === null ? null : await this.notes.byKey(tx, asked.key);
      if (known !== null) return this.viewed(tx, sameNote(known, request));
      const at = input.at ?? Math.max(now, isLive ? now : (invoice.finalizedAt ?? now));
      requireCreditable(invoice, at, isLive ? now : Infinity);
      const creditable = await this.creditable(tx, invoice);
      const assembled = assembleCreditNote(creditable.invoice, requestOf(input, creditable.invoice));
      if (asked.settlement === 'REFUND') requirePaid(assembled.settled, creditable.refundable);
      const [number = ''] = await this.numbers.take(tx, 'CREDIT_NOTE');
      const place = await this.numbers.nextPlace(tx);
      const { id: invoiceId, customerId, currency } = invoice;
      const id = await this.notes.insert(tx, {
        ...asked,
        number,
        invoiceId,
        customerId,
        currency,
        place,
        finalizedAt: at,
        request,
        assembled,
      });
      if (asked.settlement === 'CUSTOMER_BALANCE')
        await this.balances.add(tx, { customerId, currency, amount: assembled.settled, invoiceId, place, creditNoteId: id });
      const owed = creditable.invoice.due.minus(assembled.offInvoice);
      if (invoice.status === 'FINALIZED' && owed.isZero()) await this.invoices.markPaid(tx, invoiceId, at);
      await this.audit.record(tx, {
        actor,
        action: 'credit_note.create',
        subject: id,
        detail: { invoiceId, number, total: assembled.total },
      });
      return this.viewed(tx, (await this.notes.byIds(tx, [id]))[0]);
    });
  }

  /** Null for an id of nothing or of another tenant. */
  async byId(tenantId: string, id: string): Promise<CreditNoteView | null> {
    if (!UUID.test(id)) return null;
    return this.database.withTenant(tenantId, async (tx) => {
      const [note] = await this.notes.byIds(tx, [id]);
      return note === undefined ? null : this.viewed(tx, note);
    });
  }

  /** In the order in which they were made. @throws CodedError NOT_FOUND | INVALID_CURSOR | INVALID_PAGE_SIZE */
  list(tenantId: string, { customer: key, invoice, ...page }: CreditNoteListRequest): Promise<Page<CreditNoteView>> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = key == null ? null : await this.customers.byKey(tx, key);
      if (key != null && customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, 'customer');
      if (invoice != null && !UUID.test(invoice)) throw new CodedError('NOT_FOUND', `There is no invoice with id "${invoice}".`, 'invoice');
      const { rows, hasNextPage } = await this.notes.page(tx, { customerId: customer?.id ?? null, invoiceId: invoice ?? null }, page);
      const customers = await this.customers.byIds(tx, new Set(rows.map(({ customerId }) => customerId)));
      return { rows: rows.flatMap((note) => withCustomer(note, customers.get(note.customerId))), hasNextPage };
    });
  }

  /** What is left of the invoice, and how much of it was paid with money that can go back. */
  private async creditable(tx: TenantTransaction, invoice: Invoice): Promise<{ invoice: CreditableInvoice; refundable: Decimal }> {
    const lines = (await this.invoices.linesOf(tx, [invoice.id])).get(invoice.id) ?? [];
    const notes = await this.notes.ofInvoices(tx, [invoice.id]);
    const { noted, corrected } = await this.notes.ofLines(tx, invoice.id);
    const sum = (read: (note: CreditNote) => Decimal): Decimal => Decimal.sum(notes.map(read));
    const left = invoice.subtotal
      .minus(invoice.discounts)
      .minus(sum(({ subtotal }) => subtotal))
      .minus(Decimal.sum(corrected.values()));
    const { taxes, taxBase, creditsTaxed } = invoice.detail;
    const isTaxed = (line: InvoiceLine): boolean => creditsTaxed === 'AT_PURCHASE' || line.credits.isZero();
    const takenOfTaxed = notes
      .flatMap((note) => note.lines)
      .filter(({ invoiceLineId }) => lines.some((line) => line.id === invoiceLineId && isTaxed(line)));
    const due = invoice.status === 'PAID' ? Decimal.ZERO : invoice.total.minus(sum(({ offInvoice }) => offInvoice));
    const creditable: CreditableInvoice = {
      currency: invoice.currency,
      lines: lines.map((line) => ({
        id: line.id,
        description: line.description,
        quantity: line.quantity,
        left: line.amount
          .minus(line.discount)
          .minus(noted.get(line.id)?.amount ?? Decimal.ZERO)
          .minus(corrected.get(line.id) ?? Decimal.ZERO),
        quantityLeft: line.quantity.minus(noted.get(line.id)?.quantity ?? Decimal.ZERO),
        isTaxed: isTaxed(line),
      })),
      left: atLeastZero(left),
      taxedLeft: taxBase.minus(Decimal.sum(takenOfTaxed.map(({ amount }) => amount))),
      taxes: taxes.map(({ name, amount }) => ({ name, left: atLeastZero(amount.minus(taxTaken(notes, name))) })),
      due,
    };
    const refunded = Decimal.sum(notes.filter(({ settlement }) => settlement !== 'CUSTOMER_BALANCE').map(({ settled }) => settled));
    const paid = invoice.status === 'PAID' ? invoice.total.minus(sum(({ offInvoice }) => offInvoice)) : Decimal.ZERO;
    return { invoice: creditable, refundable: atLeastZero(paid.minus(refunded)) };
  }

  private async viewed(tx: TenantTransaction, note: CreditNote | undefined): Promise<CreditNoteView> {
    const customers = note && (await this.customers.byIds(tx, [note.customerId]));
    const [view] = note ? withCustomer(note, customers?.get(note.customerId)) : [];
    if (view === undefined) throw new Error('a credit note was written and did not come back');
    return view;
  }
}

function withCustomer(note: CreditNote, customer: Customer | undefined): CreditNoteView[] {
  return customer === undefined ? [] : [{ ...note, customer }];
}

function sameNote({ note, request }: { note: CreditNote; request: string }, asked: string): CreditNote {
  if (request === asked) return note;
  throw new CodedError('KEY_REUSED', `Credit note ${note.number} has this key, and it is another one.`, 'key');
}

function requireCreditable({ status, kind, finalizedAt }: Invoice, at: Instant, latest: Instant): void {
  if (status === 'DRAFT')
    throw new CodedError('INVOICE_NOT_FINAL', 'A draft still changes: correct what it is made of, or void it.', 'invoice');
  if (status === 'VOID') throw new CodedError('INVOICE_VOID', 'A void invoice asks for nothing: there is nothing to credit.', 'invoice');
  if (kind === 'PREPAID' && status !== 'PAID')
    throw new CodedError('INVOICE_NOT_PAID', 'Its credits are not there before it is paid: void it instead.', 'invoice');
  if (at > latest) throw new CodedError('AT_IN_FUTURE', 'A live tenant credits by the clock: `at` is not ahead of it.', 'at');
  if (finalizedAt !== null && at < finalizedAt)
    throw new CodedError('BEFORE_INVOICE', 'A credit note does not come before its invoice was finalized.', 'at');
}

function requestOf({ lines, amount }: CreditNoteInput, invoice: CreditableInvoice): CreditRequest {
  if (lines != null && amount != null)
    throw new CodedError('LINES_OR_AMOUNT', 'Give either lines, or an amount of the whole invoice, or neither for everything.', 'amount');
  if (lines != null)
    return {
      kind: 'LINES',
      lines: lines.map((line) => ({ line: line.line, amount: line.amount ?? null, quantity: line.quantity ?? null })),
    };
  const everything = invoice.left.plus(Decimal.sum(invoice.taxes.map(({ left }) => left)));
  if (amount == null && !everything.isPositive())
    throw new CodedError('NOTHING_TO_CREDIT', 'Nothing of this invoice is left to credit.', 'invoice');
  return { kind: 'AMOUNT', amount: amount ?? everything };
}

function requirePaid(settled: Decimal, refundable: Decimal): void {
  if (settled.compare(refundable) <= 0) return;
  throw new CodedError(
    'REFUND_EXCEEDS_PAYMENT',
    `Only ${refundable.toString()} of the invoice was paid and not refunded; settle the rest to CUSTOMER_BALANCE.`,
    'settlement',
  );
}

function taxTaken(notes: readonly CreditNote[], name: string): Decimal {
  return Decimal.sum(
    notes
      .flatMap(({ taxes }) => taxes)
      .filter((tax) => tax.name === name)
      .map(({ amount }) => amount),
  );
}

function atLeastZero(amount: Decimal): Decimal {
  return Decimal.max(Decimal.ZERO, amount);
}
