import { type Invoice } from './objects/invoice.ts';
import { type Handler } from './call.ts';
import { expandCustomer, readExpand } from './expand.ts';
import { invoiceView, linesOf, requireInvoice } from './invoice-view.ts';
import { pageOf, readCreatedFilter, readPage } from './pagination.ts';
import { searchHandler } from './search.ts';

export const retrieveInvoice: Handler = (call) => {
  const [id = ''] = call.ids;
  const expanded = readExpand(call.params, ['customer', 'lines']);
  return () => {
    const view = invoiceView(call, requireInvoice(call, id));
    return expanded.has('customer') ? expandCustomer(call, view) : view;
  };
};

export const listInvoices: Handler = (call) => {
  const page = readPage(call.params);
  const expanded = readExpand(call.params, ['data.customer', 'data.lines']);
  const customer = call.params.text('customer') ?? undefined;
  const status = call.params.choice('status', ['draft', 'open', 'paid', 'uncollectible', 'void']);
  const method = call.params.choice('collection_method', ['charge_automatically', 'send_invoice']);
  const created = readCreatedFilter(call.params);
  const wanted = (invoice: Invoice): boolean =>
    (customer === undefined || invoice.customer === customer) &&
    (status === undefined || invoice.status === status) &&
    (method === undefined || invoice.collection_method === method) &&
    created(invoice);
  return () => {
    const list = pageOf(call.tx.newestFirst('invoices').filter(wanted), page, '/v1/invoices');
    const views = list.data.map((invoice) => invoiceView(call, invoice));
    return { ...list, data: expanded.has('data.customer') ? views.map((view) => expandCustomer(call, view)) : views };
  };
};

export const listLineItems: Handler = (call) => {
  const [id = ''] = call.ids;
  const page = readPage(call.params);
  return () => {
    const invoice = requireInvoice(call, id);
    return pageOf(linesOf(call, invoice.id), page, `/v1/invoices/${id}/lines`);
  };
};

export const searchInvoices: Handler = searchHandler('/v1/invoices/search', (call) =>
  call.tx.newestFirst('invoices').map((invoice) => invoiceView(call, invoice)),
);
