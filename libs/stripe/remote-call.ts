import type { Instant } from '@tare/core';
import { failureOf, Postponed, Refused, sentenceOf } from './stripe-failure.ts';

/** Bump when the payload of a step is built differently: the same key must never carry other parameters. */
export const PAYLOAD_VERSION = 1;
/** Stripe forgets a key after 24 hours; from then on it would make the object again. */
const KEY_TRUSTED_US = 23 * 3_600 * 1_000_000;

export type CallStep = 'CUSTOMER' | 'DRAFT' | 'LINES' | 'FINALIZE' | 'VOID' | 'PAY' | 'WRITE_OFF' | 'CREDIT_NOTE';

/** What is kept of a call before it is made, so that the same bytes go out under the same key after whatever happens. */
export interface StoredRequest {
  readonly step: CallStep;
  readonly key: string;
  /** The parameters as JSON text: a jsonb object would not keep their order. */
  readonly payload: string;
  readonly firstSentAt: Instant;
  /** OVER: Stripe has answered with a failure of its own and stored that under the key. */
  readonly outcome: 'IN_DOUBT' | 'OVER';
}

export interface RemoteCall<Params extends object, Answer> {
  readonly step: CallStep;
  /** Environment, tenant and object: what the key names besides step, version and generation. */
  readonly scope: string;
  /** Left by an earlier attempt at this step; null when there was none. */
  readonly request: StoredRequest | null;
  readonly generation: number;
  readonly params: () => Promise<Params> | Params;
  readonly send: (params: Params, idempotencyKey: string) => Promise<Answer>;
  /** Reads back whether it has happened. Null: proven absent. */
  readonly find: (request: StoredRequest) => Promise<Answer | null>;
  /** Commits before the call is made. */
  readonly store: (request: StoredRequest | null, generation: number) => Promise<void>;
}

const keyOf = (scope: string, step: CallStep, generation: number): string =>
  `tare:${scope}:${step.toLowerCase()}:v${PAYLOAD_VERSION}:g${generation}`;

/**
 * Makes a call happen once (DESIGN: Stripe, exactly once). Whatever an earlier attempt left is read back before anything is sent again; the
 * same bytes go under the same key, and a new key (the next generation) is taken only when the object is proven absent and the old key is spent.
 * @throws Postponed when it has to be tried again later, Refused when Stripe refuses the request and it has not happened
 */
export async function performOnce<Params extends object, Answer>(call: RemoteCall<Params, Answer>, now: Instant): Promise<Answer> {
  const left = call.request;
  if (left !== null) {
    const found = await lookedUp(call, left);
    if (found !== null) return found;
  }
  const isSpent = left === null || left.outcome === 'OVER' || now - left.firstSentAt >= KEY_TRUSTED_US;
  const generation = left !== null && isSpent ? call.generation + 1 : call.generation;
  const request = isSpent ? await newRequest(call, generation, now) : { ...left, outcome: 'IN_DOUBT' as const };
  await call.store(request, generation);
  return sent(call, request, generation);
}

async function newRequest<Params extends object, Answer>(
  call: RemoteCall<Params, Answer>,
  generation: number,
  now: Instant,
): Promise<StoredRequest> {
  const payload = JSON.stringify(await call.params());
  return { step: call.step, key: keyOf(call.scope, call.step, generation), payload, firstSentAt: now, outcome: 'IN_DOUBT' };
}

async function sent<Params extends object, Answer>(
  call: RemoteCall<Params, Answer>,
  request: StoredRequest,
  generation: number,
): Promise<Answer> {
  try {
    return await call.send(JSON.parse(request.payload) as Params, request.key);
  } catch (error) {
    switch (failureOf(error)) {
      case null:
        throw error;
      case 'LATER':
      case 'IN_DOUBT':
        throw new Postponed(sentenceOf(error));
      case 'OVER':
        await call.store({ ...request, outcome: 'OVER' }, generation);
        throw new Postponed(sentenceOf(error));
      case 'REFUSED':
        return foundAfterRefusal(call, request, generation, error);
    }
  }
}

/** A refusal may only say that it is done already ("already finalized"). If not, the key is spent: a later try is another request. */
async function foundAfterRefusal<Params extends object, Answer>(
  call: RemoteCall<Params, Answer>,
  request: StoredRequest,
  generation: number,
  error: unknown,
): Promise<Answer> {
  const found = await lookedUp(call, request);
  if (found !== null) return found;
  await call.store(null, generation + 1);
  throw new Refused(sentenceOf(error));
}

async function lookedUp<Params extends object, Answer>(call: RemoteCall<Params, Answer>, request: StoredRequest): Promise<Answer | null> {
  if (request.step !== call.step) throw new Error(`a call of step ${request.step} was left behind at step ${call.step}`);
  return reading(() => call.find(request));
}

/** A read from Stripe: nothing is in doubt after it, so whatever passes is tried again and the rest is refused. */
export async function reading<Answer>(read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read();
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    throw failure === 'REFUSED' ? new Refused(sentenceOf(error)) : new Postponed(sentenceOf(error));
  }
}
