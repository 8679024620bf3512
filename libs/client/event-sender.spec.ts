import { jest } from '@jest/globals';
import fc from 'fast-check';
import type { DroppedEvent, RejectedUsage } from './client-hooks.ts';
import { jsonAnswer, startIngestServer, type Fault, type IngestServer } from './ingest-server.fixture.ts';
import { TareClient, type TareClientOptions } from './tare-client.ts';
import type { TareError } from './tare-error.ts';

let server: IngestServer;
let clients: TareClient[] = [];
let errors: TareError[] = [];
let dropped: DroppedEvent[] = [];
let rejected: RejectedUsage[] = [];

beforeEach(async () => {
  server = await startIngestServer();
  [clients, errors, dropped, rejected] = [[], [], [], []];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close({ timeoutMs: 0 })));
  await server.close();
});

function start(options: Partial<TareClientOptions> = {}): TareClient {
  const client = new TareClient({
    url: server.url,
    apiKey: 'tare_test_x',
    maxDelayMs: 5,
    onError: (error) => errors.push(error),
    onDrop: (drop) => dropped.push(drop),
    onRejected: (rejection) => rejected.push(rejection),
    ...options,
  });
  clients.push(client);
  return client;
}
const event = { customer: 'acme', type: 'llm.completion', tokens: { input: 1 } };
const record = (client: TareClient, count: number): (string | undefined)[] => Array.from({ length: count }, () => client.record(event));
const until = async (isTrue: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !isTrue(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isTrue()).toBe(true);
};

describe('batches', () => {
  test('a full batch goes at once, the rest when its oldest event is old enough', async () => {
    const client = start({ batchSize: 100, maxBatchAgeMs: 80 });
    record(client, 250);
    await until(() => server.batches.length === 2);
    expect(server.batches.map(({ length }) => length)).toEqual([100, 100]);
    await until(() => client.stats().queuedEvents === 0);
    expect(server.counted.size).toBe(250);
    expect(client.stats()).toMatchObject({ recorded: 250, accepted: 250, queuedEvents: 0, queuedBytes: 0, requests: 3 });
  });

  test('a batch keeps to its bytes, counted in UTF-8; an event larger than that goes alone', async () => {
    const client = start({ maxBatchBytes: 2_000 });
    for (const length of [500, 500, 500, 900, 3_000, 10]) client.record({ ...event, feature: 'é€😀'.repeat(Math.ceil(length / 9)) });
    await client.flush();
    expect(server.batches.map((batch) => batch.length)).toEqual([3, 1, 1, 1]);
    const sizes = server.batches.map((batch) => Buffer.byteLength(JSON.stringify(batch)));
    expect(sizes.filter((size) => size > 2_002)).toHaveLength(1);
  });

  test('no more requests are open than allowed', async () => {
    await server.close();
    server = await startIngestServer({ answerMs: 20 });
    const client = start({ batchSize: 10, concurrency: 3 });
    record(client, 200);
    await client.flush();
    expect([server.counted.size, server.openAtOnce()]).toEqual([200, 3]);
  });

  test('an event is sent as it was when it was recorded, complete with key and time', async () => {
    const client = start();
    const properties = { plan: 'pro' };
    const scope = client.with({ customer: 'acme', feature: 'chat', properties: { region: 'eu', plan: 'free' } }).with({ traceId: 't' });
    const key = scope.record({ type: 'x', feature: undefined as never, properties, at: new Date('2026-10-01T00:00:00Z') });
    properties.plan = 'changed';
    client.record({ ...event, key: 'mine', at: '2026-10-01T02:00:00+02:00' });
    await client.flush();
    expect(server.batches).toEqual([
      [
        {
          key,
          customer: 'acme',
          feature: 'chat',
          traceId: 't',
          type: 'x',
          at: '2026-10-01T00:00:00.000Z',
          properties: { region: 'eu', plan: 'pro' },
        },
        { ...event, key: 'mine', at: '2026-10-01T02:00:00+02:00' },
      ],
    ]);
  });
});

describe('faults', () => {
  test('while the API fails, the same keys are sent again; nothing is doubled, nothing is lost', async () => {
    const client = start({ batchSize: 5, timeoutMs: 150 });
    server.fail('fail-500', 'reset-after-commit', 'refuse-429', 'page', 'hang-after-commit', 'reset', 'fail-503-after-commit');
    const keys = record(client, 10);
    expect(await client.flush()).toBe(0);
    expect([...server.counted.keys()].sort()).toEqual([...keys].sort());
    expect(client.stats()).toMatchObject({ retries: 7, requests: 9, dropped: 0, rejected: 0 });
    expect(client.stats().accepted + client.stats().duplicates).toBe(10);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['INTERNAL', 'UNREACHABLE', 'OVERLOADED', 'BAD_ANSWER']));
  });

  test('Retry-After holds back all requests', async () => {
    const client = start({ batchSize: 5, concurrency: 2 });
    let asked = 0;
    server.answerBy(
      (_batch, response) => asked++ === 0 && jsonAnswer(response, 429, { code: 'OVERLOADED', message: 'm' }, { 'retry-after': '0.3' }),
    );
    record(client, 5);
    await until(() => asked === 1);
    const since = performance.now();
    record(client, 5);
    await client.flush();
    expect(performance.now() - since).toBeGreaterThan(250);
    expect(server.counted.size).toBe(10);
  });

  test('a request that the API refuses is not sent again: its events are told, one by one', async () => {
    const client = start();
    server.answerBy((_batch, response) => jsonAnswer(response, 401, { code: 'UNAUTHENTICATED', message: 'no key' }));
    const keys = record(client, 3);
    expect(await client.flush()).toBe(0);
    expect(dropped.map(({ reason, key, error }) => [reason, key, error?.code])).toEqual(
      keys.map((key) => ['REFUSED', key, 'UNAUTHENTICATED']),
    );
    expect(dropped[0]?.event).toMatchObject({ ...event, key: keys[0] });
    expect(client.stats()).toMatchObject({ requests: 1, dropped: 3 });
  });

  test('a request that is too large is halved until it fits; an event that never fits is told', async () => {
    const client = start();
    server.answerBy((_batch, response, text) => text.length > 600 && jsonAnswer(response, 413, { code: 'BODY_TOO_LARGE', message: 'm' }));
    record(client, 20);
    const large = client.record({ ...event, feature: 'x'.repeat(700) });
    await client.flush();
    expect(server.counted.size).toBe(20);
    expect(dropped.map(({ reason, key }) => [reason, key])).toEqual([['TOO_LARGE', large]]);
  });

  test('one event that spoils its whole request does not take its neighbours along', async () => {
    const client = start();
    server.answerBy(
      (_batch, response, text) => text.includes('__proto__') && jsonAnswer(response, 400, { code: 'MALFORMED_JSON', message: 'm' }),
    );
    record(client, 60);
    const spoilt = client.record({ ...event, properties: JSON.parse('{"__proto__":1}') as Record<string, unknown> });
    record(client, 60);
    await client.flush();
    expect(server.counted.size).toBe(120);
    expect(dropped.map(({ reason, key }) => [reason, key])).toEqual([['REFUSED', spoilt]]);
  });

  test('requests that are all refused for their contents end soon, and every event is told', async () => {
    const client = start();
    server.answerBy((_batch, response) => jsonAnswer(response, 400, { code: 'BAD_REQUEST', message: 'm' }));
    record(client, 1_000);
    await client.flush();
    expect(dropped).toHaveLength(1_000);
    expect(client.stats().requests).toBeLessThan(200);
  });

  test('an event that the API rejects is told with its code, the others are counted', async () => {
    const client = start();
    server.answerBy((_batch, response) =>
      jsonAnswer(response, 200, { accepted: 1, duplicates: 0, rejected: [{ index: 1, key: 'b', code: 'KEY_REUSED', message: 'm' }] }),
    );
    client.record({ ...event, key: 'a' });
    client.record({ ...event, key: 'b' });
    await client.flush();
    expect(rejected).toMatchObject([{ event: { key: 'b', customer: 'acme' }, code: 'KEY_REUSED', message: 'm' }]);
    expect(client.stats()).toMatchObject({ accepted: 1, rejected: 1 });
  });

  test('an answer that does not speak of every event is no acknowledgement; a redirect is not followed', async () => {
    const client = start();
    const answers = [
      (response: never) => jsonAnswer(response, 200, {}),
      (response: never) => jsonAnswer(response, 200, { accepted: 1, duplicates: 0, rejected: [] }),
      (response: never) => jsonAnswer(response, 301, {}, { location: 'https://elsewhere.example' }),
    ];
    server.answerBy((_batch, response) => answers.shift()?.(response as never) ?? false);
    record(client, 2);
    await client.flush();
    expect(server.counted.size).toBe(2);
    expect(errors.map(({ code }) => code)).toEqual(['BAD_ANSWER', 'BAD_ANSWER', 'REDIRECTED']);
  });

  test('events that could not be delivered for long enough are told', async () => {
    const client = start({ retryForMs: 30 });
    server.answerBy((_batch, response) => jsonAnswer(response, 503, {}));
    record(client, 2);
    await client.flush();
    expect(dropped.map(({ reason }) => reason)).toEqual(['EXPIRED', 'EXPIRED']);
  });

  test('whatever fails, every recorded event is counted exactly once or told as dropped', async () => {
    const fault = fc.constantFrom<Fault>(
      'none',
      'refuse-429',
      'fail-500',
      'fail-503-after-commit',
      'reset',
      'reset-after-commit',
      'hang',
      'hang-after-commit',
      'page',
    );
    const run = fc.record({
      faults: fc.array(fault, { maxLength: 12 }),
      bursts: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
      batchSize: fc.integer({ min: 1, max: 40 }),
      concurrency: fc.integer({ min: 1, max: 4 }),
      maxQueueEvents: fc.integer({ min: 20, max: 200 }),
      overflow: fc.constantFrom<'DROP_NEWEST' | 'DROP_OLDEST'>('DROP_NEWEST', 'DROP_OLDEST'),
      closeAfterMs: fc.option(fc.integer({ min: 0, max: 30 }), { nil: null }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ faults, bursts, closeAfterMs, ...options }) => {
        const api = await startIngestServer();
        const lost: (string | undefined)[] = [];
        const client = new TareClient({
          url: api.url,
          apiKey: 'k',
          timeoutMs: 40,
          maxDelayMs: 2,
          maxBatchAgeMs: 3,
          ...options,
          onError: () => undefined,
          onDrop: ({ key }) => lost.push(key),
        });
        api.fail(...faults);
        let most = 0;
        const keys: string[] = [];
        for (const [burst, size] of bursts.entries()) {
          for (let i = 0; i < size; i++) {
            const key = `${burst}-${i}`;
            keys.push(key);
            client.record({ ...event, key });
            most = Math.max(most, client.stats().queuedEvents);
          }
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        await client.close({ timeoutMs: closeAfterMs ?? 20_000 });
        await api.close();
        const stats = client.stats();
        expect([...api.counted.values()].every((times) => times === 1)).toBe(true);
        expect(new Set([...api.counted.keys(), ...lost])).toEqual(new Set(keys));
        expect(new Set(lost).size).toBe(lost.length);
        expect(most).toBeLessThanOrEqual(options.maxQueueEvents);
        expect(stats).toMatchObject({ recorded: keys.length, dropped: lost.length, queuedEvents: 0, queuedBytes: 0 });
        expect(stats.accepted + stats.duplicates + stats.dropped).toBe(keys.length);
        // Without a hurry, only what the queue had no room for is dropped; what was dropped never arrived.
        if (closeAfterMs === null) expect(lost.some((key) => api.counted.has(key ?? ''))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

describe('memory', () => {
  test.each([
    ['DROP_NEWEST', ['e0', 'e1', 'e2']],
    ['DROP_OLDEST', ['e2', 'e3', 'e4']],
  ] as const)('a full queue drops by its policy (%s), and tells', async (overflow, kept) => {
    const client = start({ maxQueueEvents: 3, overflow });
    for (let i = 0; i < 5; i++) client.record({ ...event, key: `e${i}` });
    expect(client.stats()).toMatchObject({ queuedEvents: 3, dropped: 2 });
    await client.flush();
    expect([...server.counted.keys()]).toEqual(kept);
    expect(dropped.map(({ reason }) => reason)).toEqual(['QUEUE_FULL', 'QUEUE_FULL']);
  });

  test('bytes are bounded too, with what is on its way', async () => {
    const client = start({ maxQueueBytes: 5_000, batchSize: 5 });
    server.fail('hang');
    for (let i = 0; i < 100; i++) client.record(event);
    expect(client.stats().queuedBytes).toBeLessThanOrEqual(5_000);
    await until(() => server.batches.length > 0);
    for (let i = 0; i < 100; i++) client.record(event);
    expect(client.stats().queuedBytes).toBeLessThanOrEqual(5_000);
    expect(dropped.length).toBeGreaterThan(100);
  });
});

describe('the application is left alone', () => {
  test('what is no event is dropped and told, and nothing is thrown', async () => {
    const client = start();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const broken = { ...event, get model(): string { throw new Error('mine'); } }; // prettier-ignore
    for (const bad of [
      null,
      undefined,
      5,
      {},
      { ...event, customer: '' },
      { ...event, quantity: 1n },
      { ...event, properties: circular },
      broken,
    ]) {
      expect(client.record(bad as never)).toBeUndefined();
    }
    expect(client.stats()).toMatchObject({ recorded: 8, dropped: 8 });
    expect(new Set(dropped.map(({ reason }) => reason))).toEqual(new Set(['INVALID']));
    expect(await client.flush()).toBe(0);
    expect(server.batches).toEqual([]);
  });

  test('hooks that throw or reject are counted, and delivery goes on', async () => {
    const boom = (): never => {
      throw new Error('mine');
    };
    const late = (): unknown => Promise.reject(new Error('late'));
    const client = start({
      onError: boom,
      onDrop: late,
      onRejected: boom,
      maxQueueEvents: 2,
    });
    server.fail('fail-500');
    record(client, 3);
    await client.flush();
    expect(server.counted.size).toBe(2);
    expect(client.stats().hookFailures).toBe(2);
  });

  test('without hooks, console.warn tells of each kind of trouble once', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const client = new TareClient({ url: server.url, apiKey: 'k', maxDelayMs: 1 });
    server.fail('fail-500', 'fail-500', 'reset');
    client.record(event);
    await client.flush();
    expect(warn.mock.calls.map(([text]) => String(text).split(':')[0])).toEqual(['[tare] INTERNAL', '[tare] UNREACHABLE']);
    warn.mockRestore();
  });

  test('close takes no more events, sends those that wait, and can be called again', async () => {
    const client = start();
    record(client, 3);
    await Promise.all([client.close(), client.close()]);
    expect(server.counted.size).toBe(3);
    expect(client.record(event)).toBeUndefined();
    expect(dropped.map(({ reason }) => reason)).toEqual(['CLOSED']);
    await client[Symbol.asyncDispose]();
  });

  test('options that cannot work are refused when the client is made', () => {
    for (const [options, field] of [
      [{ url: 'localhost' }, 'url'],
      [{ apiKey: undefined as never }, 'apiKey'],
      [{ batchSize: 0 }, 'batchSize'],
      [{ batchSize: 20_000 }, 'batchSize'],
      [{ concurrency: 1.5 }, 'concurrency'],
      [{ maxBatchAgeMs: Number.NaN }, 'maxBatchAgeMs'],
      [{ overflow: 'DROP' as never }, 'overflow'],
    ] as const) {
      expect(() => new TareClient({ url: server.url, apiKey: 'k', ...options })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`${field}:`) }),
      );
    }
  });
});
