import { type Customer } from './objects/customer.ts';
import { type Call, type Handler } from './call.ts';
import { recordEvent } from './events.ts';
import { invoicePrefix, objectId } from './object-id.ts';
import { pageOf, readCreatedFilter, readPage } from './pagination.ts';
import { mergeMetadata, type Params } from './params.ts';
import { searchHandler } from './search.ts';
import { invalidParameter, noSuch } from './stripe-error.ts';

/** A customer that is there and not deleted; `param` is what the caller named it by. */
export function requireCustomer(call: Call, id: string, param = 'id', status = 404): Customer {
  const customer = call.tx.get('customers', id);
  if (customer === undefined || customer.deleted === true) throw noSuch('customer', id, param, status);
  return customer;
}

export const createCustomer: Handler = (call) => {
  const change = readChange(call.params);
  const metadata = mergeMetadata({}, call.params.metadata());
  return () => {
    const blank = blankCustomer(call.now);
    const customer = call.tx.put('customers', { ...blank, ...change, metadata });
    recordEvent(call, 'customer.created', customer);
    return customer;
  };
};

export const updateCustomer: Handler = (call) => {
  const [id = ''] = call.ids;
  const change = readChange(call.params);
  const metadata = call.params.metadata();
  return () => {
    const before = requireCustomer(call, id);
    const customer = call.tx.put('customers', { ...before, ...change, metadata: mergeMetadata(before.metadata, metadata) });
    const changed = Object.keys(change).concat(metadata === undefined ? [] : ['metadata']);
    const previous = Object.fromEntries(Object.entries(before).filter(([key]) => changed.includes(key)));
    recordEvent(call, 'customer.updated', customer, previous);
    return customer;
  };
};

/** Deleted customers are still answered, as `{ deleted: true }`. */
export const retrieveCustomer: Handler = (call) => {
  const [id = ''] = call.ids;
  return () => {
    const customer = call.tx.get('customers', id);
    if (customer === undefined) throw noSuch('customer', id);
    return customer.deleted === true ? { id, object: 'customer', deleted: true } : customer;
  };
};

export const deleteCustomer: Handler = (call) => {
  const [id = ''] = call.ids;
  return () => {
    const customer = requireCustomer(call, id);
    call.tx.put('customers', { ...customer, deleted: true });
    recordEvent(call, 'customer.deleted', customer);
    return { id, object: 'customer', deleted: true };
  };
};

export const listCustomers: Handler = (call) => {
  const page = readPage(call.params);
  const email = call.params.text('email', 512) ?? undefined;
  const created = readCreatedFilter(call.params);
  const wanted = (customer: Customer): boolean =>
    customer.deleted !== true && created(customer) && (email === undefined || customer.email === email);
  return () => pageOf(call.tx.newestFirst('customers').filter(wanted), page, '/v1/customers');
};

export const searchCustomers: Handler = searchHandler('/v1/customers/search', (call) =>
  call.tx.newestFirst('customers').filter((customer) => customer.deleted !== true),
);

function blankCustomer(now: number): Customer {
  return {
    id: objectId('cus'),
    object: 'customer',
    address: null,
    balance: 0,
    created: now,
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: invoicePrefix(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}

/** The fields that were sent, and only those. */
function readChange(params: Params): Partial<Customer> {
  const email = params.text('email', 512);
  if (email != null && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) {
    throw invalidParameter('email', `Invalid email address: ${email}`, 'email_invalid');
  }
  const fields = {
    email,
    address: readAddress(params),
    balance: params.integer('balance'),
    description: params.text('description'),
    invoice_prefix: params.text('invoice_prefix', 12) ?? undefined,
    name: params.text('name', 256),
    next_invoice_sequence: params.integer('next_invoice_sequence', { min: 1 }),
    phone: params.text('phone', 20),
    preferred_locales: params.texts('preferred_locales'),
    tax_exempt: params.choice('tax_exempt', ['none', 'exempt', 'reverse']),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readAddress(params: Params): Record<string, string> | null | undefined {
  if (!params.isObject('address')) return params.text('address') === null ? null : undefined;
  const address = params.object('address');
  const parts = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'].map((key) => [key, address?.text(key)] as const);
  return Object.fromEntries(parts.filter((part): part is [string, string] => part[1] != null));
}
