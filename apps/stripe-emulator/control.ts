import { Account } from './account.ts';
import { type Call, DEFAULT_API_VERSION, type Handler } from './call.ts';
import { type EmulatorState } from './emulator-state.ts';
import { InvalidFault, parseFaultRule } from './faults.ts';
import { decodeForm } from './form-decoding.ts';
import { type HttpAnswer, type HttpRequest, jsonAnswer } from './http-exchange.ts';
import { voidCreditNote } from './credit-notes.ts';
import { objectId } from './object-id.ts';
import { Params } from './params.ts';
import { declinePayment, markUncollectible, payInvoice, voidInvoice } from './settle-invoice.ts';
import { type Settings } from './settings.ts';
import { StripeError } from './stripe-error.ts';
import { registerWebhook } from './register-webhook.ts';

/** The body of a control request: JSON, or nothing. */
type Fields = Record<string, unknown>;
type Control = (state: EmulatorState, fields: Fields, id: string, request: HttpRequest) => unknown;

/** What tests and the demo do to the emulator besides calling the API. Stripe has none of this. */
const CONTROLS: readonly (readonly [method: string, path: string, control: Control])[] = [
  ['GET', '/emulator', () => ({ emulator: 'stripe', controls: CONTROLS.map(([method, path]) => `${method} ${path}`) })],
  ['GET', '/emulator/state', (state, fields) => ({ accounts: accountsNamed(state, fields).map((account) => accountView(state, account)) })],
  ['GET', '/emulator/counters', (state) => state.counters.all()],
  ['GET', '/emulator/faults', (state) => ({ faults: state.faults.list() })],
  ['POST', '/emulator/faults', addFaults],
  ['DELETE', '/emulator/faults', clearFaults],
  ['GET', '/emulator/clock', (state) => ({ now: new Date(state.nowMs()).toISOString() })],
  ['POST', '/emulator/clock', advanceClock],
  ['GET', '/emulator/settings', (state) => state.settings],
  ['POST', '/emulator/settings', changeSettings],
  ['GET', '/emulator/webhooks', (state, fields) => ({ webhooks: accountsNamed(state, fields).flatMap(webhooksOf) })],
  ['POST', '/emulator/webhooks', (state, fields) => registerWebhook(state, accountNamed(state, fields), fields)],
  ['DELETE', '/emulator/webhooks', removeWebhooks],
  ['POST', '/emulator/webhooks/settle', settleWebhooks],
  ['POST', '/emulator/events/{id}/resend', resendEvent],
  ['POST', '/emulator/invoices/{id}/pay', payFromOutside],
  ['POST', '/emulator/invoices/{id}/void', (state, _fields, id, request) => onInvoice(state, id, request, voidInvoice)],
  ['POST', '/emulator/invoices/{id}/mark_uncollectible', (state, _fields, id, request) => onInvoice(state, id, request, markUncollectible)],
  ['POST', '/emulator/credit_notes/{id}/void', voidNoteByHand],
  ['POST', '/emulator/reset', resetAll],
];

class InvalidControl extends Error {}

export async function answerControl(state: EmulatorState, request: HttpRequest): Promise<HttpAnswer> {
  try {
    for (const [method, path, control] of CONTROLS) {
      const id = method === request.method ? idIn(path, request.path) : null;
      if (id !== null) return jsonAnswer(200, await control(state, fieldsOf(request), id, request));
    }
    return jsonAnswer(404, { error: { message: `No such control: ${request.method} ${request.path}` } });
  } catch (error) {
    if (error instanceof StripeError) return jsonAnswer(error.status, error.body());
    if (error instanceof InvalidFault || error instanceof InvalidControl || error instanceof SyntaxError) {
      return jsonAnswer(400, { error: { message: error.message } });
    }
    throw error;
  }
}

/** The {id} in the path, an empty text where the pattern has none, null where it doesn't match. */
function idIn(pattern: string, path: string): string | null {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  if (wanted.length !== parts.length || !wanted.every((part, index) => part === '{id}' || part === parts[index])) return null;
  return decodeURIComponent(parts[wanted.indexOf('{id}')] ?? '');
}

function fieldsOf(request: HttpRequest): Fields {
  const query = Object.fromEntries(new URLSearchParams(request.query));
  const body: unknown = request.body === '' ? {} : JSON.parse(request.body);
  if (Array.isArray(body)) return { ...query, list: body };
  return typeof body === 'object' && body !== null ? { ...query, ...body } : query;
}

/** The account of `key` (an API key); without one, the only account there is. */
function accountNamed(state: EmulatorState, fields: Fields): Account {
  if (typeof fields['key'] === 'string') return state.account(Account.idOf(fields['key']));
  const [only, ...others] = state.allAccounts();
  if (only === undefined || others.length > 0) throw new InvalidControl('Name the account by its API key: "key": "sk_test_..."');
  return only;
}

function accountsNamed(state: EmulatorState, fields: Fields): Account[] {
  return typeof fields['key'] === 'string' ? [accountNamed(state, fields)] : state.allAccounts();
}

/** Oldest first; invoices with all of their lines. */
function accountView(state: EmulatorState, account: Account): object {
  const rows = <T>(table: Iterable<T>): T[] => [...table];
  return {
    account: account.id,
    customers: rows(account.table('customers').values()),
    invoices: rows(account.table('invoices').values()).map((invoice) => ({
      ...invoice,
      lines: account.table('lines').get(invoice.id)?.data ?? [],
    })),
    creditNotes: rows(account.table('creditNotes').values()),
    events: rows(account.table('events').values()),
    webhooks: webhooksOf(account),
    now: new Date(state.nowMs()).toISOString(),
  };
}

function webhooksOf(account: Account): object[] {
  return [...account.table('webhookEndpoints').values()];
}

function addFaults(state: EmulatorState, fields: Fields): object {
  const rules = (Array.isArray(fields['list']) ? fields['list'] : [fields]).map(parseFaultRule);
  for (const rule of rules) state.faults.add(rule);
  return { faults: state.faults.list() };
}

function clearFaults(state: EmulatorState): object {
  state.faults.clear();
  return { faults: [] };
}

function advanceClock(state: EmulatorState, fields: Fields): object {
  const seconds = fields['advanceSeconds'];
  if (typeof seconds !== 'number' || !(seconds >= 0)) throw new InvalidControl('advanceSeconds must be a number of at least 0');
  state.advanceClock(seconds * 1000);
  return { now: new Date(state.nowMs()).toISOString() };
}

function changeSettings(state: EmulatorState, fields: Fields): Settings {
  const { searchLagMs, automaticTaxPercent, webhookRetryDelaysMs } = fields;
  const delays = webhookRetryDelaysMs;
  if (searchLagMs !== undefined && !isWait(searchLagMs)) throw new InvalidControl('searchLagMs must be a number of at least 0');
  if (automaticTaxPercent !== undefined && !isPercent(automaticTaxPercent))
    throw new InvalidControl('automaticTaxPercent must be text such as "8.875"');
  if (delays !== undefined && !(Array.isArray(delays) && delays.every(isWait)))
    throw new InvalidControl('webhookRetryDelaysMs must be numbers of at least 0');
  state.settings = {
    searchLagMs: searchLagMs ?? state.settings.searchLagMs,
    automaticTaxPercent: automaticTaxPercent ?? state.settings.automaticTaxPercent,
    webhookRetryDelaysMs: delays ?? state.settings.webhookRetryDelaysMs,
  };
  return state.settings;
}

function isWait(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isPercent(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,3}(\.\d{1,4})?$/.test(value);
}

function removeWebhooks(state: EmulatorState, fields: Fields): object {
  for (const account of accountsNamed(state, fields)) {
    const tx = account.begin();
    for (const id of account.table('webhookEndpoints').keys()) tx.remove('webhookEndpoints', id);
    state.commit(account, tx.changes());
  }
  return { webhooks: [] };
}

/** Answers when nothing is left to deliver or to retry. */
async function settleWebhooks(state: EmulatorState): Promise<object> {
  await state.delivery.idle();
  return { pending: 0 };
}

function resendEvent(state: EmulatorState, _fields: Fields, id: string): object {
  for (const account of state.allAccounts()) {
    const event = account.table('events').get(id);
    if (event === undefined) continue;
    state.delivery.resend(account, event);
    return { resent: id };
  }
  throw new InvalidControl(`No such event: ${id}`);
}

/** The customer pays (`outcome` paid, the default) or tries to (`declined`). */
function payFromOutside(state: EmulatorState, fields: Fields, id: string, request: HttpRequest): object {
  const declines: Handler = (call) => () => declinePayment(call, id);
  return onInvoice(state, id, request, fields['outcome'] === 'declined' ? declines : payInvoice);
}

function voidNoteByHand(state: EmulatorState, _fields: Fields, id: string, request: HttpRequest): object {
  const account = state.allAccounts().find((candidate) => candidate.table('creditNotes').has(id));
  if (account === undefined) throw new InvalidControl(`No such credit note: ${id}`);
  return byHand(state, account, id, request, voidCreditNote);
}

/** Something that happens to an invoice without an API call of ours: by its customer, or by hand in a dashboard. */
function onInvoice(state: EmulatorState, id: string, request: HttpRequest, handler: Handler): object {
  const account = state.allAccounts().find((candidate) => candidate.table('invoices').has(id));
  if (account === undefined) throw new InvalidControl(`No such invoice: ${id}`);
  const result = byHand(state, account, id, request, handler);
  return { ...result, lines: { object: 'list', data: account.table('lines').get(id)?.data ?? [], has_more: false } };
}

function byHand(state: EmulatorState, account: Account, id: string, request: HttpRequest, handler: Handler): object {
  const call: Call = {
    params: new Params(decodeForm('')),
    ids: [id],
    tx: account.begin(),
    now: Math.floor(state.nowMs() / 1000),
    requestId: objectId('req'),
    idempotencyKey: null,
    apiVersion: DEFAULT_API_VERSION,
    baseUrl: request.baseUrl,
    settings: state.settings,
  };
  const result = handler(call)();
  state.commit(account, call.tx.changes());
  return result;
}

function resetAll(state: EmulatorState): object {
  state.reset();
  return { reset: true };
}
