import { setTimeout as wait } from 'node:timers/promises';
import { Account, type Change } from './account.ts';
import { type Call, DEFAULT_API_VERSION } from './call.ts';
import { type EmulatorState } from './emulator-state.ts';
import { type EdgeFault } from './faults.ts';
import { decodeForm, type FormBranch } from './form-decoding.ts';
import { ConnectionReset, type HttpAnswer, type HttpRequest, jsonAnswer } from './http-exchange.ts';
import { fingerprintOf, idempotencyKeyInUse } from './idempotency.ts';
import { objectId } from './object-id.ts';
import { Params } from './params.ts';
import { matchRoute, type RouteMatch } from './routes.ts';
import { StripeError } from './stripe-error.ts';

/** What one call carries through its steps. */
interface Incoming {
  request: HttpRequest;
  requestId: string;
  account: Account;
  route: RouteMatch;
  form: FormBranch;
  idempotencyKey: string | null;
}

/** One request to /v1: key, edge faults, idempotency, then validation, execution and the faults around it. */
export async function answerApiCall(state: EmulatorState, request: HttpRequest): Promise<HttpAnswer> {
  const requestId = objectId('req');
  const answer = await answerOrError(state, request, requestId);
  state.counters.count(`status ${answer.status}`);
  const echoed = { 'Request-Id': requestId, 'Stripe-Version': request.header('stripe-version') ?? DEFAULT_API_VERSION };
  return { ...answer, headers: { ...echoed, ...answer.headers } };
}

async function answerOrError(state: EmulatorState, request: HttpRequest, requestId: string): Promise<HttpAnswer> {
  try {
    const incoming = receive(state, request, requestId);
    state.counters.count(incoming.route.name);
    strikeAtEdge(state, request);
    return await answerOnce(state, incoming);
  } catch (error) {
    if (error instanceof StripeError) return errorAnswer(error);
    throw error;
  }
}

function receive(state: EmulatorState, request: HttpRequest, requestId: string): Incoming {
  const account = state.account(Account.idOf(requireApiKey(request)));
  const route = matchRoute(request.method, request.path);
  if (route === null) {
    const message = `Unrecognized request URL (${request.method}: ${request.path}). This emulator knows a part of the API only.`;
    throw new StripeError(404, 'invalid_request_error', null, message);
  }
  const form = decodeForm(request.method === 'POST' ? request.body : request.query);
  const idempotencyKey = request.method === 'POST' ? request.header('idempotency-key') : null;
  return { request, requestId, account, route, form, idempotencyKey };
}

/** Any test key opens an account of its own; a live key has no business here. */
function requireApiKey(request: HttpRequest): string {
  const [scheme = '', credentials = ''] = (request.header('authorization') ?? '').split(' ');
  const basic = scheme.toLowerCase() === 'basic';
  const key = basic ? (Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? '') : credentials;
  if (key === '')
    throw unauthorized('You did not provide an API key. You need to provide it in the Authorization header, using Bearer auth.');
  if (!/^(sk|rk)_test_\w+$/.test(key))
    throw unauthorized(`Invalid API Key provided: ${key.slice(0, 7)}****. This emulator takes test keys only.`);
  return key;
}

function unauthorized(message: string): StripeError {
  return new StripeError(401, 'invalid_request_error', null, message);
}

function strikeAtEdge(state: EmulatorState, request: HttpRequest): void {
  const injected = state.faults.takeAtEdge(request.method, request.path);
  if (injected === null) return;
  state.counters.count(`fault ${injected.fault}`);
  throw edgeFailure(injected.fault, request);
}

function edgeFailure(fault: EdgeFault, request: HttpRequest): Error {
  switch (fault) {
    case 'rate_limit':
      return new StripeError(429, 'invalid_request_error', 'rate_limit', 'Request rate limit exceeded.');
    case 'lock_timeout':
      return new StripeError(
        429,
        'invalid_request_error',
        'lock_timeout',
        'This object cannot be accessed right now because another API request or Stripe process is currently accessing it.',
      );
    case 'idempotency_key_in_use':
      return idempotencyKeyInUse(request.header('idempotency-key') ?? '');
    case 'reset_before':
      return new ConnectionReset();
  }
}

async function answerOnce(state: EmulatorState, incoming: Incoming): Promise<HttpAnswer> {
  const { request, account, idempotencyKey: key, form } = incoming;
  if (key === null) return execute(state, incoming, null);
  const fingerprint = fingerprintOf(request.method, request.path, form);
  const stored = state.idempotency.replay(account, key, fingerprint);
  if (stored !== null) {
    state.counters.count('idempotent replay');
    const headers = {
      'Content-Type': 'application/json',
      'Idempotency-Key': key,
      'Idempotent-Replayed': 'true',
      'Original-Request': stored.requestId,
    };
    return { status: stored.status, headers: { ...headers, ...retryAdvice(stored.status) }, body: stored.body };
  }
  return state.idempotency.holding(account, key, () => execute(state, incoming, fingerprint));
}

/** Executes the call and stores its answer under the key in the same commit as its changes. */
async function execute(state: EmulatorState, incoming: Incoming, fingerprint: string | null): Promise<HttpAnswer> {
  const { request, account, route, idempotencyKey: key, requestId } = incoming;
  const injected = state.faults.takeInExecution(request.method, request.path);
  if (injected !== null) state.counters.count(`fault ${injected.fault}`);
  if (injected?.fault === 'slow') await wait(injected.delayMs);

  const call = callOf(state, incoming);
  const execution = route.handler(call);
  call.params.requireAllRead();

  const result = injected?.fault === 'error_500_before' ? { answer: internalError(), changes: [] } : run(call, execution);
  const answer = injected?.fault === 'error_500_after' ? internalError() : result.answer;
  const changes: Change[] = [...result.changes];
  if (key !== null && fingerprint !== null) {
    const row = { id: key, fingerprint, requestId, storedAt: state.nowMs(), status: answer.status, body: answer.body };
    changes.push({ table: 'responses', id: key, row });
  }
  state.commit(account, changes);
  if (injected?.fault === 'reset_after') throw new ConnectionReset();
  return key === null ? answer : { ...answer, headers: { ...answer.headers, 'Idempotency-Key': key } };
}

/** A call that fails in execution leaves no change behind, only its answer. */
function run(call: Call, execution: () => object): { answer: HttpAnswer; changes: Change[] } {
  try {
    const answer = jsonAnswer(200, execution());
    return { answer, changes: call.tx.changes() };
  } catch (error) {
    if (error instanceof StripeError) return { answer: errorAnswer(error), changes: [] };
    throw error;
  }
}

function callOf(state: EmulatorState, { request, requestId, account, route, form, idempotencyKey }: Incoming): Call {
  return {
    params: new Params(form),
    ids: route.ids,
    tx: account.begin(),
    now: Math.floor(state.nowMs() / 1000),
    requestId,
    idempotencyKey,
    apiVersion: request.header('stripe-version') ?? DEFAULT_API_VERSION,
    baseUrl: request.baseUrl,
    settings: state.settings,
  };
}

function internalError(): HttpAnswer {
  return errorAnswer(new StripeError(500, 'api_error', null, 'An unknown error occurred (injected by the emulator).'));
}

function errorAnswer(error: StripeError): HttpAnswer {
  const limited: Record<string, string> = error.code === 'rate_limit' ? { 'Stripe-Rate-Limited-Reason': 'global-rate' } : {};
  const again: Record<string, string> = error.code === 'lock_timeout' ? { 'Stripe-Should-Retry': 'true' } : retryAdvice(error.status);
  return jsonAnswer(error.status, error.body(), { ...limited, ...again });
}

/** A stored 500 would only be replayed, so the caller is told that a retry leads nowhere. */
function retryAdvice(status: number): Record<string, string> {
  return status >= 500 ? { 'Stripe-Should-Retry': 'false' } : {};
}
