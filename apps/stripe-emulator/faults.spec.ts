import Stripe from 'stripe';
import { startStripeEmulator, type StripeEmulator } from './emulator.ts';

let emulator: StripeEmulator;
let stripe: Stripe;

async function control(method: string, path: string, body?: unknown): Promise<ReturnType<typeof JSON.parse>> {
  const response = await fetch(emulator.url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return response.json();
}

const create = (key: string, name = 'Ada'): Promise<Stripe.Response<Stripe.Customer>> =>
  stripe.customers.create({ name }, { idempotencyKey: key });
const customersHeld = async (): Promise<number> => (await control('GET', '/emulator/state')).accounts[0].customers.length;

beforeAll(async () => {
  emulator = await startStripeEmulator();
});
afterAll(() => emulator.stop());
beforeEach(async () => {
  await control('POST', '/emulator/reset');
  stripe = new Stripe('sk_test_faults', {
    host: '127.0.0.1',
    port: emulator.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
});

describe('an idempotency key', () => {
  test('gives back the first answer, and says so', async () => {
    const first = await create('k1');
    const second = await create('k1');
    expect(second.id).toBe(first.id);
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(second.lastResponse.headers['original-request']).toBe(first.lastResponse.requestId);
    expect(await customersHeld()).toBe(1);
  });

  test('with other parameters is an error and changes nothing', async () => {
    await create('k1');
    await expect(create('k1', 'Bob')).rejects.toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
    expect(await customersHeld()).toBe(1);
  });

  test('is free for another use after 24 hours, not before', async () => {
    const first = await create('k1');
    await control('POST', '/emulator/clock', { advanceSeconds: 86_399 - 60 });
    expect((await create('k1')).id).toBe(first.id);
    await control('POST', '/emulator/clock', { advanceSeconds: 61 });
    expect((await create('k1')).id).not.toBe(first.id);
  });

  test('is in use while its request runs', async () => {
    await control('POST', '/emulator/faults', { fault: 'slow', delayMs: 1_500 });
    const slow = create('k1');
    while ((await control('GET', '/emulator/counters'))['fault slow'] !== 1) await pause();
    await expect(create('k1')).rejects.toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    const created = await slow;
    expect((await create('k1')).id).toBe(created.id);
    expect(await customersHeld()).toBe(1);
  });

  test('is not spent on a request whose parameters are invalid', async () => {
    const invalid = stripe.customers.create({ email: 'no email' }, { idempotencyKey: 'k1' });
    await expect(invalid).rejects.toMatchObject({ statusCode: 400, code: 'email_invalid' });
    expect((await create('k1')).name).toBe('Ada');
  });

  test('keeps an error that came out of the execution', async () => {
    const finalize = (): Promise<Stripe.Invoice> => stripe.invoices.finalizeInvoice('in_missing', {}, { idempotencyKey: 'k1' });
    const first = await finalize().catch((error: Stripe.errors.StripeError) => error);
    const second = await finalize().catch((error: Stripe.errors.StripeError) => error);
    expect(first).toMatchObject({ statusCode: 404, code: 'resource_missing' });
    expect(second).toMatchObject({ statusCode: 404, headers: { 'idempotent-replayed': 'true' } });
  });

  test('belongs to its account', async () => {
    const other = new Stripe('sk_test_elsewhere', { host: '127.0.0.1', port: emulator.port, protocol: 'http' });
    const first = await create('k1');
    expect((await other.customers.create({ name: 'Ada' }, { idempotencyKey: 'k1' })).id).not.toBe(first.id);
  });
});

describe('a fault', () => {
  test('500 before the execution changes nothing, and the key answers 500 from then on', async () => {
    await control('POST', '/emulator/faults', { fault: 'error_500_before' });
    await expect(create('k1')).rejects.toMatchObject({ type: 'StripeAPIError', statusCode: 500 });
    await expect(create('k1')).rejects.toMatchObject({ statusCode: 500, headers: { 'idempotent-replayed': 'true' } });
    expect(await customersHeld()).toBe(0);
    await create('k2');
    expect(await customersHeld()).toBe(1);
  });

  test('500 after the execution leaves the object behind, and the key answers 500 from then on', async () => {
    await control('POST', '/emulator/faults', { fault: 'error_500_after' });
    await expect(create('k1')).rejects.toMatchObject({ statusCode: 500 });
    await expect(create('k1')).rejects.toMatchObject({ statusCode: 500 });
    expect(await customersHeld()).toBe(1);
  });

  test('connection reset before the execution: nothing happened, the same key then works', async () => {
    // Two, because the SDK itself sends a request again once when its connection is reset.
    await control('POST', '/emulator/faults', { fault: 'reset_before', next: 2 });
    await expect(create('k1')).rejects.toMatchObject({ type: 'StripeConnectionError' });
    expect(await customersHeld()).toBe(0);
    expect((await create('k1')).lastResponse.headers['idempotent-replayed']).toBeUndefined();
  });

  test('connection reset after the execution: the same key gives the answer that was lost', async () => {
    await control('POST', '/emulator/faults', { fault: 'reset_after' });
    const lost = await fetch(`${emulator.url}/v1/customers`, {
      method: 'POST',
      headers: { Authorization: 'Bearer sk_test_faults', 'Idempotency-Key': 'k1' },
      body: 'name=Ada',
    }).catch(() => 'lost');
    expect(lost).toBe('lost');
    expect(await customersHeld()).toBe(1);
    expect((await create('k1')).lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(await customersHeld()).toBe(1);
  });

  test('connection reset after the execution is healed by the SDK, which sends the same key again', async () => {
    await control('POST', '/emulator/faults', { fault: 'reset_after' });
    expect((await create('k1')).name).toBe('Ada');
    expect(await customersHeld()).toBe(1);
  });

  test.each([
    ['rate_limit', 429, 'rate_limit'],
    ['lock_timeout', 429, 'lock_timeout'],
    ['idempotency_key_in_use', 409, 'idempotency_key_in_use'],
  ])('%s is answered with %i, and the same key works afterwards', async (fault, statusCode, code) => {
    await control('POST', '/emulator/faults', { fault });
    await expect(create('k1')).rejects.toMatchObject({ statusCode, code });
    expect(await customersHeld()).toBe(0);
    expect((await create('k1')).name).toBe('Ada');
  });

  test('slow answers late, beyond an impatient client', async () => {
    await control('POST', '/emulator/faults', { fault: 'slow', delayMs: 400 });
    const impatient = stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k1', timeout: 50 });
    await expect(impatient).rejects.toMatchObject({ type: 'StripeConnectionError' });
    await expect(untilAnswered(() => create('k1'))).resolves.toMatchObject({ name: 'Ada' });
    expect(await customersHeld()).toBe(1);
  });

  test('strikes the requests that match, after those it lets through, as often as it is told', async () => {
    await control('POST', '/emulator/faults', [{ fault: 'rate_limit', next: 2, skip: 1, method: 'POST', path: '/v1/customers/{id}' }]);
    const { id } = await create('k1');
    const outcomes: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      outcomes.push(
        await stripe.customers.update(id, { name: `n${index}` }).then(
          () => 'ok',
          (error: Error) => error.constructor.name,
        ),
      );
    }
    expect(outcomes).toEqual(['ok', 'StripeRateLimitError', 'StripeRateLimitError', 'ok']);
    expect((await control('GET', '/emulator/faults')).faults[0]).toMatchObject({ injected: 2, next: 0 });
    expect(await control('GET', '/emulator/counters')).toMatchObject({
      'fault rate_limit': 2,
      'POST /v1/customers/{id}': 4,
      'status 429': 2,
    });
  });

  test('of a probability repeats itself with its seed', async () => {
    const pattern = async (seed: number): Promise<string> => {
      await control('POST', '/emulator/reset');
      await control('POST', '/emulator/faults', { fault: 'rate_limit', probability: 0.5, seed });
      const outcomes: string[] = [];
      for (let index = 0; index < 24; index += 1)
        outcomes.push(
          await stripe.customers.list().then(
            () => '.',
            () => 'x',
          ),
        );
      return outcomes.join('');
    };
    const first = await pattern(7);
    expect(first).toMatch(/x/);
    expect(first).toMatch(/\./);
    expect(await pattern(7)).toBe(first);
    expect(await pattern(8)).not.toBe(first);
  });

  test('stops when it is cleared', async () => {
    await control('POST', '/emulator/faults', { fault: 'rate_limit', probability: 1 });
    await expect(stripe.customers.list()).rejects.toMatchObject({ statusCode: 429 });
    await control('DELETE', '/emulator/faults');
    expect((await stripe.customers.list()).data).toEqual([]);
  });

  test('that nobody knows is refused', async () => {
    const response = await fetch(`${emulator.url}/emulator/faults`, { method: 'POST', body: '{"fault":"gremlins"}' });
    expect(response.status).toBe(400);
  });
});

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

async function untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await attempt().catch(async (error: Stripe.errors.StripeError) => {
      if (error.code !== 'idempotency_key_in_use') throw error;
      await pause();
      return null;
    });
    if (answer !== null) return answer;
  }
}
