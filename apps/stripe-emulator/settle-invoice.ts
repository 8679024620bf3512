import { type Invoice } from './objects/invoice.ts';
import { type Call, type Handler } from './call.ts';
import { minimumCharge } from './currency.ts';
import { requireCustomer } from './customers.ts';
import { recordEvent } from './events.ts';
import { type InvoiceView, invoiceView, requireInvoice } from './invoice-view.ts';
import { notAllowedNow, StripeError } from './stripe-error.ts';

export const finalizeInvoice: Handler = (call) => {
  const [id = ''] = call.ids;
  const autoAdvance = call.params.boolean('auto_advance');
  return () => {
    const invoice = requireInvoice(call, id);
    if (invoice.status !== 'draft') {
      throw notAllowedNow('invoice_not_editable', "This invoice is already finalized, you can't re-finalize a non-draft invoice.");
    }
    return invoiceView(call, finalize(call, { ...invoice, auto_advance: autoAdvance ?? invoice.auto_advance }));
  };
};

/**
 * Numbers the invoice, applies the customer's balance, and pays at once what leaves nothing to collect: a total of 0, a negative
 * total (credited to the balance) and an automatic charge below the currency's minimum (carried over in the balance).
 */
function finalize(call: Call, draft: Invoice): Invoice {
  const customer = requireCustomer(call, draft.customer, 'customer', 400);
  const starting = customer.currency === null || customer.currency === draft.currency ? customer.balance : 0;
  const owed = draft.total + starting;
  const carried = owed <= 0 || (draft.collection_method === 'charge_automatically' && owed < minimumCharge(draft.currency));
  const due = carried ? 0 : owed;
  const ending = carried ? owed : 0;
  const number = draft.number ?? `${customer.invoice_prefix}-${String(customer.next_invoice_sequence).padStart(4, '0')}`;
  const invoice = call.tx.put('invoices', {
    ...draft,
    amount_due: due,
    amount_remaining: due,
    automatically_finalizes_at: null,
    effective_at: draft.effective_at ?? call.now,
    ending_balance: ending,
    number,
    starting_balance: starting,
    status: 'open',
    status_transitions: { ...draft.status_transitions, finalized_at: call.now },
  });
  call.tx.put('customers', {
    ...customer,
    balance: customer.balance - starting + ending,
    currency: ending === starting ? customer.currency : draft.currency,
    next_invoice_sequence: customer.next_invoice_sequence + (draft.number === null ? 1 : 0),
  });
  recordEvent(call, 'invoice.finalized', invoiceView(call, invoice));
  return due === 0 ? markPaid(call, invoice) : invoice;
}

/** Pays as if the customer's card worked. */
export const payInvoice: Handler = (call) => {
  const [id = ''] = call.ids;
  const outOfBand = call.params.boolean('paid_out_of_band') ?? false;
  return () => payNow(call, id, outOfBand);
};

export function payNow(call: Call, id: string, outOfBand = false): InvoiceView {
  const invoice = requireCollectable(requireInvoice(call, id), 'pay');
  return invoiceView(
    call,
    markPaid(call, { ...invoice, paid_out_of_band: outOfBand, attempted: true, attempt_count: invoice.attempt_count + 1 }),
  );
}

/** A payment that the bank refused: the invoice stays as it is, and an event tells of it. */
export function declinePayment(call: Call, id: string): InvoiceView {
  const invoice = requireCollectable(requireInvoice(call, id), 'pay');
  const tried = call.tx.put('invoices', { ...invoice, attempted: true, attempt_count: invoice.attempt_count + 1 });
  const view = invoiceView(call, tried);
  recordEvent(call, 'invoice.payment_failed', view);
  return view;
}

export const voidInvoice: Handler = (call) => {
  const [id = ''] = call.ids;
  return () => {
    const invoice = requireCollectable(requireInvoice(call, id), 'void');
    returnAppliedBalance(call, invoice);
    const voided = call.tx.put('invoices', {
      ...invoice,
      status: 'void',
      auto_advance: false,
      status_transitions: { ...invoice.status_transitions, voided_at: call.now },
    });
    const view = invoiceView(call, voided);
    recordEvent(call, 'invoice.voided', view);
    return view;
  };
};

export const markUncollectible: Handler = (call) => {
  const [id = ''] = call.ids;
  return () => {
    const invoice = requireInvoice(call, id);
    if (invoice.status !== 'open') {
      throw notAllowedNow('invoice_not_editable', `You can only mark open invoices as uncollectible. This invoice is ${invoice.status}.`);
    }
    const marked = call.tx.put('invoices', {
      ...invoice,
      status: 'uncollectible',
      auto_advance: false,
      status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: call.now },
    });
    const view = invoiceView(call, marked);
    recordEvent(call, 'invoice.marked_uncollectible', view);
    return view;
  };
};

/** Sends by nobody's mail: the event is all there is. A draft is finalized first. */
export const sendInvoice: Handler = (call) => {
  const [id = ''] = call.ids;
  return () => {
    const found = requireInvoice(call, id);
    if (found.collection_method !== 'send_invoice') {
      throw notAllowedNow('invoice_not_editable', 'You can only manually send an invoice whose collection method is send_invoice.');
    }
    const view = invoiceView(call, found.status === 'draft' ? finalize(call, found) : found);
    recordEvent(call, 'invoice.sent', view);
    return view;
  };
};

export function markPaid(call: Call, invoice: Invoice): Invoice {
  const paid = call.tx.put('invoices', {
    ...invoice,
    amount_paid: invoice.amount_paid + invoice.amount_remaining,
    amount_paid_off_stripe: invoice.amount_paid_off_stripe + (invoice.paid_out_of_band ? invoice.amount_remaining : 0),
    amount_remaining: 0,
    attempted: true,
    auto_advance: false,
    status: 'paid',
    status_transitions: { ...invoice.status_transitions, paid_at: call.now },
  });
  const view = invoiceView(call, paid);
  recordEvent(call, 'invoice.paid', view);
  recordEvent(call, 'invoice.payment_succeeded', view);
  return paid;
}

/** Open invoices, and uncollectible ones: money may still come for those. */
function requireCollectable(invoice: Invoice, doing: string): Invoice {
  if (invoice.status === 'open' || invoice.status === 'uncollectible') return invoice;
  if (invoice.status === 'paid' && doing === 'pay') throw new StripeError(400, 'invalid_request_error', null, 'Invoice is already paid');
  if (invoice.status === 'draft' && doing === 'void') {
    throw notAllowedNow('invoice_not_editable', 'You can only void open or uncollectible invoices. Delete a draft instead.');
  }
  throw notAllowedNow('invoice_not_editable', `You can only ${doing} open invoices. This invoice is ${invoice.status}.`);
}

function returnAppliedBalance(call: Call, invoice: Invoice): void {
  const applied = invoice.starting_balance - (invoice.ending_balance ?? 0);
  if (applied === 0) return;
  const customer = requireCustomer(call, invoice.customer, 'customer', 400);
  call.tx.put('customers', { ...customer, balance: customer.balance + applied });
}
