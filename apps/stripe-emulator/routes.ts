import { type Handler } from './call.ts';
import { createCreditNote, listCreditNoteLines, listCreditNotes, retrieveCreditNote, voidCreditNote } from './credit-notes.ts';
import { createCustomer, deleteCustomer, listCustomers, retrieveCustomer, searchCustomers, updateCustomer } from './customers.ts';
import { addLines, createInvoice, deleteInvoice, updateInvoice } from './draft-invoice.ts';
import { listEvents, retrieveEvent } from './events.ts';
import { listInvoices, listLineItems, retrieveInvoice, searchInvoices } from './list-invoices.ts';
import { finalizeInvoice, markUncollectible, payInvoice, sendInvoice, voidInvoice } from './settle-invoice.ts';
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  listWebhookEndpoints,
  retrieveWebhookEndpoint,
  updateWebhookEndpoint,
} from './webhook-endpoints.ts';

/** The part of the API that is emulated. The first match wins, so fixed paths stand before `{id}`. */
const ROUTES: readonly (readonly [method: string, path: string, handler: Handler])[] = [
  ['POST', '/v1/customers', createCustomer],
  ['GET', '/v1/customers', listCustomers],
  ['GET', '/v1/customers/search', searchCustomers],
  ['GET', '/v1/customers/{id}', retrieveCustomer],
  ['POST', '/v1/customers/{id}', updateCustomer],
  ['DELETE', '/v1/customers/{id}', deleteCustomer],
  ['POST', '/v1/invoices', createInvoice],
  ['GET', '/v1/invoices', listInvoices],
  ['GET', '/v1/invoices/search', searchInvoices],
  ['GET', '/v1/invoices/{id}', retrieveInvoice],
  ['POST', '/v1/invoices/{id}', updateInvoice],
  ['DELETE', '/v1/invoices/{id}', deleteInvoice],
  ['GET', '/v1/invoices/{id}/lines', listLineItems],
  ['POST', '/v1/invoices/{id}/add_lines', addLines],
  ['POST', '/v1/invoices/{id}/finalize', finalizeInvoice],
  ['POST', '/v1/invoices/{id}/pay', payInvoice],
  ['POST', '/v1/invoices/{id}/send', sendInvoice],
  ['POST', '/v1/invoices/{id}/void', voidInvoice],
  ['POST', '/v1/invoices/{id}/mark_uncollectible', markUncollectible],
  ['POST', '/v1/credit_notes', createCreditNote],
  ['GET', '/v1/credit_notes', listCreditNotes],
  ['GET', '/v1/credit_notes/{id}', retrieveCreditNote],
  ['GET', '/v1/credit_notes/{id}/lines', listCreditNoteLines],
  ['POST', '/v1/credit_notes/{id}/void', voidCreditNote],
  ['GET', '/v1/events', listEvents],
  ['GET', '/v1/events/{id}', retrieveEvent],
  ['POST', '/v1/webhook_endpoints', createWebhookEndpoint],
  ['GET', '/v1/webhook_endpoints', listWebhookEndpoints],
  ['GET', '/v1/webhook_endpoints/{id}', retrieveWebhookEndpoint],
  ['POST', '/v1/webhook_endpoints/{id}', updateWebhookEndpoint],
  ['DELETE', '/v1/webhook_endpoints/{id}', deleteWebhookEndpoint],
];

export interface RouteMatch {
  /** Such as `POST /v1/invoices/{id}/finalize`. */
  name: string;
  handler: Handler;
  ids: string[];
}

export function matchRoute(method: string, path: string): RouteMatch | null {
  const parts = path.split('/');
  for (const [routeMethod, routePath, handler] of ROUTES) {
    const wanted = routePath.split('/');
    if (routeMethod !== method || wanted.length !== parts.length) continue;
    if (!wanted.every((part, index) => part === '{id}' || part === parts[index])) continue;
    const ids = parts.filter((_, index) => wanted[index] === '{id}').map(decodeURIComponent);
    return { name: `${method} ${routePath}`, handler, ids };
  }
  return null;
}
