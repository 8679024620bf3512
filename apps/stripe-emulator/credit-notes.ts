import { type CreditNote, type CreditNoteLine } from './objects/credit-note.ts';
import { type Customer } from './objects/customer.ts';
import { type Invoice } from './objects/invoice.ts';
import { type Call, type Handler } from './call.ts';
import { requireCustomer } from './customers.ts';
import { multipliedAmount } from './decimal-amount.ts';
import { recordEvent } from './events.ts';
import { linesOf, requireInvoice } from './invoice-view.ts';
import { sum } from './invoice-totals.ts';
import { objectId } from './object-id.ts';
import { pageOf, readCreatedFilter, readPage } from './pagination.ts';
import { mergeMetadata, type Metadata, type Params } from './params.ts';
import { markPaid } from './settle-invoice.ts';
import { invalidParameter, noSuch, notAllowedNow } from './stripe-error.ts';

/** How a credit note on a paid invoice reaches the customer; the three add up to its amount. */
interface Settlement {
  credit: number;
  refund: number;
  outOfBand: number;
}

export const createCreditNote: Handler = (call) => {
  const invoiceId = call.params.requiredText('invoice');
  const amount = call.params.integer('amount', { min: 1 });
  const lines = call.params.list('lines')?.map(readLine);
  if ((amount === undefined) === (lines === undefined)) {
    throw invalidParameter('amount', 'You must specify exactly one of these parameters: amount, lines.');
  }
  const settlement = readSettlement(call.params);
  const rest = {
    effective_at: call.params.integer('effective_at') ?? call.now,
    memo: call.params.text('memo') ?? null,
    metadata: mergeMetadata({}, call.params.metadata()),
    reason: call.params.choice('reason', ['duplicate', 'fraudulent', 'order_change', 'product_unsatisfactory']) ?? null,
  };
  call.params.choice('email_type', ['credit_note', 'none']);
  return () => {
    const invoice = requireInvoice(call, invoiceId, 'invoice', 400);
    const noteLines = lines?.map((line) => line(call, invoice)) ?? [customLine(amount ?? 0, 'Credit', {}, 1)];
    const note = blankCreditNote(call, invoice, noteLines, settlement);
    requireRoom(call, invoice, note.total);
    requireSettled(call, invoice, note.post_payment_amount, settlement);
    if (note.type === 'post_payment') creditPaidInvoice(call, invoice, note.total, settlement);
    else reduceOpenInvoice(call, invoice, note.total);
    const stored = call.tx.put('creditNotes', { ...note, ...rest });
    recordEvent(call, 'credit_note.created', stored);
    return stored;
  };
};

export const retrieveCreditNote: Handler = (call) => () => requireCreditNote(call);

export const listCreditNotes: Handler = (call) => {
  const page = readPage(call.params);
  const invoice = call.params.text('invoice') ?? undefined;
  const customer = call.params.text('customer') ?? undefined;
  const created = readCreatedFilter(call.params);
  const wanted = (note: CreditNote): boolean =>
    created(note) && (invoice === undefined || note.invoice === invoice) && (customer === undefined || note.customer === customer);
  return () => pageOf(call.tx.newestFirst('creditNotes').filter(wanted), page, '/v1/credit_notes');
};

export const listCreditNoteLines: Handler = (call) => {
  const page = readPage(call.params);
  return () => {
    const note = requireCreditNote(call);
    return pageOf(note.lines.data, page, note.lines.url);
  };
};

/** Only what reduced an open invoice can be taken back. */
export const voidCreditNote: Handler = (call) => () => {
  const note = requireCreditNote(call);
  const invoice = requireInvoice(call, note.invoice);
  if (note.status === 'void' || note.type !== 'pre_payment' || invoice.status !== 'open') {
    throw notAllowedNow('credit_note_not_voidable', 'You can only void a credit note that was issued for an open invoice.');
  }
  call.tx.put('invoices', withReduction(invoice, -note.total));
  const voided = call.tx.put('creditNotes', { ...note, status: 'void', voided_at: call.now });
  recordEvent(call, 'credit_note.voided', voided);
  return voided;
};

function requireCreditNote(call: Call): CreditNote {
  const [id = ''] = call.ids;
  const note = call.tx.get('creditNotes', id);
  if (note === undefined) throw noSuch('credit note', id);
  return note;
}

type LineReader = (call: Call, invoice: Invoice) => CreditNoteLine;

function readLine(params: Params): LineReader {
  const type = params.choice('type', ['custom_line_item', 'invoice_line_item']);
  if (type === undefined) throw invalidParameter(params.nameOf('type'), 'Missing required param: type.', 'parameter_missing');
  const description = params.text('description') ?? null;
  const metadata = mergeMetadata({}, params.metadata());
  const quantity = params.integer('quantity', { min: 0 });
  const amount = params.integer('amount');
  if (type === 'custom_line_item') {
    const unit = params.has('unit_amount') ? String(params.integer('unit_amount')) : params.decimal('unit_amount_decimal');
    if (unit === undefined) throw invalidParameter(params.nameOf('unit_amount'), 'You must specify unit_amount.', 'parameter_missing');
    return () => customLine(multipliedAmount(unit, String(quantity ?? 1)), description, metadata, quantity ?? 1);
  }
  const lineId = params.requiredText('invoice_line_item');
  return (call, invoice) => {
    const line = linesOf(call, invoice.id).find((candidate) => candidate.id === lineId);
    if (line === undefined) throw noSuch('invoice line item', lineId, params.nameOf('invoice_line_item'), 400);
    const credited = customLine(amount ?? line.amount, description ?? line.description, metadata, quantity ?? null);
    return { ...credited, type, invoice_line_item: lineId };
  };
}

function customLine(amount: number, description: string | null, metadata: Metadata, quantity: number | null): CreditNoteLine {
  return {
    id: objectId('cnli'),
    object: 'credit_note_line_item',
    amount,
    description,
    livemode: false,
    metadata,
    quantity,
    type: 'custom_line_item',
  };
}

function readSettlement(params: Params): Settlement {
  return {
    credit: params.integer('credit_amount', { min: 0 }) ?? 0,
    refund: params.integer('refund_amount', { min: 0 }) ?? 0,
    outOfBand: params.integer('out_of_band_amount', { min: 0 }) ?? 0,
  };
}

function blankCreditNote(call: Call, invoice: Invoice, lines: CreditNoteLine[], settlement: Settlement): CreditNote {
  const id = objectId('cn');
  const total = sum(lines.map((line) => line.amount));
  const paid = invoice.status === 'paid';
  const earlier = call.tx.newestFirst('creditNotes').filter((note) => note.invoice === invoice.id).length;
  return {
    id,
    object: 'credit_note',
    amount: total,
    created: call.now,
    currency: invoice.currency,
    customer: invoice.customer,
    customer_balance_transaction: settlement.credit === 0 ? null : objectId('cbtxn'),
    effective_at: call.now,
    invoice: invoice.id,
    lines: { object: 'list', data: lines, has_more: false, url: `/v1/credit_notes/${id}/lines` },
    livemode: false,
    memo: null,
    metadata: {},
    number: `${invoice.number ?? invoice.id}-CN-${String(earlier + 1).padStart(2, '0')}`,
    out_of_band_amount: settlement.outOfBand === 0 ? null : settlement.outOfBand,
    post_payment_amount: paid ? total : 0,
    pre_payment_amount: paid ? 0 : total,
    reason: null,
    refunds:
      settlement.refund === 0
        ? []
        : [{ amount_refunded: settlement.refund, payment_record_refund: null, refund: objectId('re'), type: 'refund' }],
    status: 'issued',
    subtotal: total,
    total,
    type: paid ? 'post_payment' : 'pre_payment',
    voided_at: null,
  };
}

/** A credit note needs a finalized invoice, and never gives back more than is left of it. */
function requireRoom(call: Call, invoice: Invoice, total: number): void {
  if (invoice.status !== 'open' && invoice.status !== 'paid') {
    throw notAllowedNow(
      'invoice_not_editable',
      `You can only create credit notes for open or paid invoices. This invoice is ${invoice.status}.`,
    );
  }
  const room =
    invoice.status === 'open'
      ? invoice.amount_remaining
      : invoice.total - invoice.pre_payment_credit_notes_amount - creditedAfterPayment(call, invoice);
  if (total > room)
    throw invalidParameter('amount', `The credit note's total (${total}) is more than what is left of the invoice (${room}).`);
}

function creditedAfterPayment(call: Call, invoice: Invoice): number {
  const notes = call.tx.newestFirst('creditNotes').filter((note) => note.invoice === invoice.id && note.status === 'issued');
  return sum(notes.map((note) => note.post_payment_amount));
}

/** Where the part goes that was paid: said to the cent, and a refund only of what was paid through Stripe and not refunded before. */
function requireSettled(call: Call, invoice: Invoice, paidPart: number, { credit, refund, outOfBand }: Settlement): void {
  if (credit + refund + outOfBand !== paidPart) {
    throw invalidParameter(
      'amount',
      `The sum of credit_amount, refund_amount and out_of_band_amount must equal the part of the credit note that was paid (${paidPart}).`,
    );
  }
  const earlier = call.tx.newestFirst('creditNotes').filter((note) => note.invoice === invoice.id);
  const refunded = sum(earlier.flatMap((note) => note.refunds.map((one) => one.amount_refunded)));
  const refundable = invoice.amount_paid - invoice.amount_paid_off_stripe - refunded;
  if (refund > refundable) {
    throw invalidParameter('refund_amount', `The refund (${refund}) is more than what was paid through Stripe (${refundable}).`);
  }
}

function creditPaidInvoice(call: Call, invoice: Invoice, total: number, { credit }: Settlement): void {
  const customer: Customer = requireCustomer(call, invoice.customer, 'customer', 400);
  if (credit > 0) call.tx.put('customers', { ...customer, balance: customer.balance - credit, currency: invoice.currency });
  call.tx.put('invoices', { ...invoice, post_payment_credit_notes_amount: invoice.post_payment_credit_notes_amount + total });
}

function reduceOpenInvoice(call: Call, invoice: Invoice, total: number): void {
  const reduced = call.tx.put('invoices', withReduction(invoice, total));
  if (reduced.amount_remaining === 0) markPaid(call, reduced);
}

function withReduction(invoice: Invoice, amount: number): Invoice {
  return {
    ...invoice,
    amount_due: invoice.amount_due - amount,
    amount_remaining: invoice.amount_remaining - amount,
    pre_payment_credit_notes_amount: invoice.pre_payment_credit_notes_amount + amount,
  };
}
