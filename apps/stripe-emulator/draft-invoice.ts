import { type Customer } from './objects/customer.ts';
import { type Invoice } from './objects/invoice.ts';
import { type Handler } from './call.ts';
import { requireCurrency } from './currency.ts';
import { requireCustomer } from './customers.ts';
import { recordEvent } from './events.ts';
import { invoiceView, linesOf, putDraft, requireDraft, requireInvoice } from './invoice-view.ts';
import { totalsOf } from './invoice-totals.ts';
import { lineOfInvoice, MAX_LINES, readLines } from './read-lines.ts';
import { objectId } from './object-id.ts';
import { mergeMetadata, type Params } from './params.ts';
import { invalidParameter, notAllowedNow } from './stripe-error.ts';

const DAY = 86_400;
const HOUR = 3_600;

export const createInvoice: Handler = (call) => {
  const customerId = call.params.requiredText('customer');
  const currencyText = call.params.text('currency');
  const currency = currencyText == null ? undefined : requireCurrency(currencyText, 'currency');
  call.params.choice('pending_invoice_items_behavior', ['exclude', 'include']);
  const change = readChange(call.params, call.now);
  const method = change.collection_method ?? 'charge_automatically';
  requireDueDateThatFits(method, change.due_date ?? null);
  const metadata = mergeMetadata({}, call.params.metadata());
  return () => {
    const customer = requireCustomer(call, customerId, 'customer', 400);
    requireEmail(customer, method);
    const blank = blankInvoice(call.now, customer, currency ?? customer.currency ?? 'usd');
    const invoice = putDraft(call, { ...blank, ...change, metadata }, []);
    const view = invoiceView(call, invoice);
    recordEvent(call, 'invoice.created', view);
    return view;
  };
};

/** A draft may change in everything; after that only metadata and auto_advance may. */
export const updateInvoice: Handler = (call) => {
  const [id = ''] = call.ids;
  const change = readChange(call.params, call.now);
  const metadata = call.params.metadata();
  return () => {
    const before = requireInvoice(call, id);
    if (Object.keys(change).some((field) => field !== 'auto_advance')) requireDraft(before, 'update it in this way');
    const after: Invoice = { ...before, ...change, metadata: mergeMetadata(before.metadata, metadata) };
    requireDueDateThatFits(after.collection_method, after.due_date);
    const invoice = before.status === 'draft' ? putDraft(call, after, linesOf(call, id)) : call.tx.put('invoices', after);
    const view = invoiceView(call, invoice);
    const changed = Object.keys(change).concat(metadata === undefined ? [] : ['metadata']);
    recordEvent(call, 'invoice.updated', view, Object.fromEntries(Object.entries(before).filter(([key]) => changed.includes(key))));
    return view;
  };
};

export const addLines: Handler = (call) => {
  const [id = ''] = call.ids;
  const drafts = readLines(call.params, call.now);
  const metadata = call.params.metadata('invoice_metadata');
  return () => {
    const before = requireInvoice(call, id);
    requireDraft(before, 'add lines to it');
    const lines = [...linesOf(call, id), ...drafts.map((draft) => lineOfInvoice(draft, before))];
    if (lines.length > MAX_LINES) throw notAllowedNow('invoice_too_many_lines', `An invoice can have at most ${MAX_LINES} line items.`);
    const invoice = putDraft(call, { ...before, metadata: mergeMetadata(before.metadata, metadata) }, lines);
    const view = invoiceView(call, invoice);
    recordEvent(call, 'invoice.updated', view, { total: before.total, subtotal: before.subtotal });
    return view;
  };
};

export const deleteInvoice: Handler = (call) => {
  const [id = ''] = call.ids;
  return () => {
    const invoice = requireInvoice(call, id);
    requireDraft(invoice, 'delete it; void it instead');
    const view = invoiceView(call, invoice);
    call.tx.remove('invoices', id);
    call.tx.remove('lines', id);
    recordEvent(call, 'invoice.deleted', view);
    return { id, object: 'invoice', deleted: true };
  };
};

/** The fields that were sent, and only those. */
function readChange(params: Params, now: number): Partial<Invoice> {
  const days = params.integer('days_until_due', { min: 0 });
  const dueDate = params.integer('due_date', { min: 0 });
  if (days !== undefined && dueDate !== undefined) {
    throw invalidParameter('due_date', 'You may only specify one of these parameters: days_until_due, due_date.');
  }
  const autoAdvance = params.boolean('auto_advance');
  const fields = {
    auto_advance: autoAdvance,
    automatically_finalizes_at: autoAdvance === true ? now + HOUR : autoAdvance === false ? null : undefined,
    automatic_tax: readAutomaticTax(params),
    collection_method: params.choice('collection_method', ['charge_automatically', 'send_invoice']),
    custom_fields: readCustomFields(params),
    description: params.text('description', 1500),
    due_date: days === undefined ? dueDate : now + days * DAY,
    effective_at: params.integer('effective_at', { min: 0 }),
    footer: params.text('footer'),
    number: params.text('number', 26),
    statement_descriptor: params.text('statement_descriptor', 22),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readAutomaticTax(params: Params): Invoice['automatic_tax'] | undefined {
  const enabled = params.object('automatic_tax')?.boolean('enabled');
  return enabled === undefined ? undefined : automaticTax(enabled);
}

function automaticTax(enabled: boolean): Invoice['automatic_tax'] {
  return { disabled_reason: null, enabled, liability: null, provider: enabled ? 'stripe' : null, status: enabled ? 'complete' : null };
}

function readCustomFields(params: Params): Invoice['custom_fields'] | undefined {
  if (params.has('custom_fields') && !params.isObject('custom_fields')) return params.text('custom_fields') === null ? null : undefined;
  const fields = params.list('custom_fields');
  if (fields !== undefined && fields.length > 4) throw invalidParameter('custom_fields', 'You can have at most 4 custom fields.');
  return fields?.map((field) => ({ name: field.requiredText('name', 40), value: field.requiredText('value', 140) }));
}

function requireDueDateThatFits(method: Invoice['collection_method'], dueDate: number | null): void {
  if (method === 'send_invoice' && dueDate === null) {
    throw invalidParameter(
      'days_until_due',
      'You must specify days_until_due or due_date when collection_method is send_invoice.',
      'parameter_missing',
    );
  }
  if (method === 'charge_automatically' && dueDate !== null) {
    throw invalidParameter('due_date', 'days_until_due and due_date are valid only when collection_method is send_invoice.');
  }
}

function requireEmail(customer: Customer, method: Invoice['collection_method']): void {
  if (method !== 'send_invoice' || customer.email !== null) return;
  throw invalidParameter(
    'collection_method',
    'Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.',
    'missing_email',
  );
}

function blankInvoice(now: number, customer: Customer, currency: string): Invoice {
  return {
    id: objectId('in'),
    object: 'invoice',
    ...totalsOf([]),
    amount_overpaid: 0,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_shipping: 0,
    attempt_count: 0,
    attempted: false,
    auto_advance: false,
    automatic_tax: automaticTax(false),
    automatically_finalizes_at: null,
    billing_reason: 'manual',
    collection_method: 'charge_automatically',
    created: now,
    currency,
    custom_fields: null,
    customer: customer.id,
    customer_email: customer.email,
    customer_name: customer.name,
    description: null,
    discounts: [],
    due_date: null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    livemode: false,
    metadata: {},
    number: null,
    paid_out_of_band: false,
    parent: null,
    period_end: now,
    period_start: now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    starting_balance: 0,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
  };
}
