import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccessService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { gzipSync } from 'node:zlib';
import { createApi } from '../app.ts';

let db: TestDatabase;
let app: NestFastifyApplication;
let admin: string;

beforeAll(async () => {
  db = await createTestDatabase();
  admin = (await new AccessService(db.database).bootstrap()) ?? '';
  app = await createApi({ databaseUrl: db.url });
});
afterAll(async () => {
  await app.close();
  await db.drop();
});

type Body = ReturnType<typeof JSON.parse>;

interface Answer {
  readonly status: number;
  readonly body: Body;
}

async function graphql(query: string, variables: Record<string, unknown> = {}, key = admin): Promise<Answer> {
  const response = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { authorization: `Bearer ${key}` },
    payload: { query, variables },
  });
  return { status: response.statusCode, body: response.json() };
}
async function post(body: string | object, type = 'application/json', key = admin): Promise<Answer> {
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const headers = { authorization: `Bearer ${key}`, 'content-type': type };
  const response = await app.inject({ method: 'POST', url: '/v1/events', headers, payload });
  return { status: response.statusCode, body: response.json() };
}
async function newKey(scopes: string[]): Promise<string> {
  const { body } = await graphql('mutation ($scopes: [ApiKeyScope!]!) { createApiKey(name: "k", scopes: $scopes) { secret } }', { scopes });
  return body.data.createApiKey.secret;
}
async function newTenant(live = false): Promise<string> {
  const { body } = await graphql('mutation ($live: Boolean!) { createTenant(name: "t", live: $live) { secret } }', { live });
  return body.data.createTenant.secret;
}

const INGEST =
  'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted duplicates rejected { index key code message } } }';
let keys = 0;
const event = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  key: `key-${(keys += 1)}`,
  customer: 'acme',
  type: 'llm.completion',
  at: '2026-03-20T10:00:00Z',
  ...more,
});
const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

/** What each bad value is told: the code, the field it names, and a word of what to do. */
const BAD_VALUES: [string, Record<string, unknown>, string, RegExp][] = [
  ['an empty key', { key: '' }, 'KEY_MISSING', /^key: .*has to be there/],
  ['a key of 256 characters', { key: 'k'.repeat(256) }, 'KEY_TOO_LONG', /^key: At most 255/],
  ['a customer key of 256 characters', { customer: 'c'.repeat(256) }, 'FIELD_TOO_LONG', /^customer: At most 255/],
  ['an empty type', { type: '' }, 'FIELD_MISSING', /^type: /],
  ['a time without a zone', { at: '2026-03-20T10:00:00' }, 'INVALID_TIME', /^at: .*with its zone/],
  ['a day that does not exist', { at: '2026-02-30T10:00:00Z' }, 'INVALID_TIME', /^at: /],
  ['a time six minutes ahead', { at: inMinutes(6) }, 'AT_IN_FUTURE', /^at: .*5 minutes ahead/],
  ['a quantity that is no number', { quantity: '1,5' }, 'INVALID_DECIMAL', /^quantity: .*such as "12.5"/],
  ['a negative quantity', { quantity: '-1' }, 'NEGATIVE_NUMBER', /^quantity: .*cannot be negative/],
  ['a quantity of 13 decimals', { quantity: '0.1234567890123' }, 'TOO_PRECISE', /^quantity: At most 12 decimals/],
  ['a JSON number that no double holds', { quantity: 0.1 + 0.2 }, 'NUMBER_NOT_EXACT', /^quantity: /],
  ['a part above its total', { tokens: { input: 10, cacheRead: 11 } }, 'TOKEN_PARTS_EXCEED_TOTAL', /^tokens/],
  ['a part without its total', { tokens: { cacheRead: 11 } }, 'TOKEN_TOTAL_MISSING', /^tokens/],
  ['negative tokens', { tokens: { input: '-1' } }, 'NEGATIVE_NUMBER', /^tokens\.input: /],
  ['negative GPU-seconds', { gpuSeconds: -1 }, 'NEGATIVE_NUMBER', /^gpuSeconds: /],
  ['a currency that does not exist', { reportedCost: { amount: '1', currency: 'XQQ' } }, 'UNKNOWN_CURRENCY', /^reportedCost\.currency: /],
  ['a negative cost', { reportedCost: { amount: '-1', currency: 'USD' } }, 'NEGATIVE_NUMBER', /^reportedCost\.amount: /],
  [
    'a cost of 19 decimals',
    { reportedCost: { amount: '0.0000000000000000001', currency: 'USD' } },
    'TOO_PRECISE',
    /^reportedCost\.amount: /,
  ],
  ['a subscription that is no id', { subscription: 'mine' }, 'INVALID_FIELD', /^subscription: The id/],
  ['a negative duration', { durationMs: -1 }, 'NEGATIVE_NUMBER', /^durationMs: /],
  ['a NUL character', { feature: 'a\u0000b' }, 'INVALID_CHARACTER', /^feature: NUL/],
  ['half a character', { user: 'a\ud800' }, 'INVALID_CHARACTER', /^user: /],
  ['properties that are no object', { properties: [1] }, 'INVALID_FIELD', /^properties: An object/],
  ['properties too large', { properties: { a: 'x'.repeat(20_000) } }, 'PROPERTIES_TOO_LARGE', /^properties: .*16384/],
  ['a NUL deep in properties', { properties: { a: [{ b: '\u0000' }] } }, 'INVALID_CHARACTER', /^properties: /],
];

/** Of the wrong shape: GraphQL refuses the request for them, REST the event. */
const BAD_SHAPES: [string, unknown, string, RegExp][] = [
  ['no object', 'event', 'INVALID_EVENT', /object/],
  ['null', null, 'INVALID_EVENT', /object/],
  ['a list', [], 'INVALID_EVENT', /object/],
  ['no key', { ...event(), key: undefined }, 'KEY_MISSING', /^key: /],
  ['no customer', { ...event(), customer: undefined }, 'FIELD_MISSING', /^customer: /],
  ['no time', { ...event(), at: undefined }, 'FIELD_MISSING', /^at: /],
  ['a time that is a number', event({ at: 1 }), 'INVALID_TIME', /^at: /],
  ['a field that does not exist', event({ costumer: 'acme' }), 'UNKNOWN_FIELD', /^costumer: /],
  ['a token kind that does not exist', event({ tokens: { output: 1, thoughts: 1 } }), 'UNKNOWN_FIELD', /^tokens\.thoughts: /],
  ['a model that is a number', event({ model: 4 }), 'INVALID_FIELD', /^model: A string/],
  ['tokens that are a number', event({ tokens: 5 }), 'INVALID_FIELD', /^tokens: An object/],
  ['a quantity that is a boolean', event({ quantity: true }), 'INVALID_DECIMAL', /^quantity: /],
  ['an outcome that does not exist', event({ outcome: 'MAYBE' }), 'INVALID_FIELD', /^outcome: .*SUCCEEDED or FAILED/],
  ['a cost without its currency', event({ reportedCost: { amount: '1' } }), 'FIELD_MISSING', /^reportedCost\.currency: /],
  ['a duration of half a millisecond', event({ durationMs: 0.5 }), 'INVALID_FIELD', /^durationMs: /],
];

describe('one bad event never sinks its batch', () => {
  test.each(BAD_VALUES)(
    '3.2 %s is rejected with its code, its field and what to do, by GraphQL and by REST',
    async (_, more, code, message) => {
      const batch = (): unknown[] => [event(), event(more), event()];
      for (const result of [(await graphql(INGEST, { events: batch() })).body.data?.ingestEvents, (await post(batch())).body]) {
        expect(result).toMatchObject({
          accepted: 2,
          duplicates: 0,
          rejected: [{ index: 1, code, message: expect.stringMatching(message) }],
        });
      }
    },
  );

  test.each(BAD_SHAPES)('3.2 an event with %s is rejected alone by REST, as an array and as lines', async (_, bad, code, message) => {
    for (const [body, type] of [
      [JSON.stringify([event(), bad, event()]), 'application/json'],
      [[event(), bad, event()].map((one) => JSON.stringify(one)).join('\n'), 'application/x-ndjson'],
    ] as const) {
      const { status, body: result } = await post(body, type);
      expect(status).toBe(200);
      expect(result).toMatchObject({ accepted: 2, duplicates: 0, rejected: [{ index: 1, code, message: expect.stringMatching(message) }] });
    }
  });

  test('GraphQL names every structural error of a request, and takes nothing of it', async () => {
    const good = event();
    const { status, body } = await graphql(INGEST, {
      events: [good, event({ costumer: 'x' }), { ...event(), key: undefined }, event({ model: 4 })],
    });
    expect(status).toBe(400);
    expect(body.errors.map(({ extensions }: Body) => [extensions.code, extensions.field])).toEqual([
      ['BAD_USER_INPUT', 'events[1].costumer'],
      ['BAD_USER_INPUT', 'events[2].key'],
      ['BAD_USER_INPUT', 'events[3].model'],
    ]);
    expect((await post([good])).body).toEqual({ accepted: 1, duplicates: 0, rejected: [] });
  });

  test('3.2 a batch of one kind of each answers for each', async () => {
    const first = event();
    const { body } = await post([first, first, { ...first, model: 'other' }, event({ at: 'yesterday' })]);
    expect(body).toMatchObject({
      accepted: 1,
      duplicates: 1,
      rejected: [
        { index: 2, key: first.key, code: 'KEY_REUSED', message: expect.stringMatching(/new key/) },
        { index: 3, code: 'INVALID_TIME' },
      ],
    });
  });

  test('2.4 a live tenant refuses what is older than its window', async () => {
    const key = await newTenant(true);
    const { body } = await post(
      [event({ at: inMinutes(-36 * 24 * 60) }), event({ at: inMinutes(-34 * 24 * 60) })],
      'application/json',
      key,
    );
    expect(body).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: 'AT_TOO_OLD', message: expect.stringMatching(/^at: /) }] });
  });
});

describe('numbers and times come through exactly', () => {
  test('1.1 the same event by GraphQL literals, GraphQL variables and REST, as text or as a number, is one event', async () => {
    const key = `same-${(keys += 1)}`;
    const literal = `mutation { ingestEvents(events: [{ key: "${key}", customer: "acme", type: "t", at: "2026-03-20T10:00:00.000000999Z", quantity: 1.10,
      tokens: { input: 5, output: "7.0" }, properties: { a: [1, { b: null }] } }]) { accepted duplicates rejected { code message } } }`;
    expect((await graphql(literal)).body.data.ingestEvents).toEqual({ accepted: 1, duplicates: 0, rejected: [] });
    const same = {
      key,
      customer: 'acme',
      type: 't',
      at: '2026-03-20T15:45:00+05:45',
      quantity: '1.1',
      tokens: { output: 7, input: '5.00' },
    };
    const again = { ...same, properties: { a: [1, { b: null }] }, model: null, outcome: 'SUCCEEDED' };
    expect((await graphql(INGEST, { events: [again] })).body.data.ingestEvents).toEqual({ accepted: 0, duplicates: 1, rejected: [] });
    expect((await post([again, { ...again, quantity: 1.1 }])).body).toEqual({ accepted: 0, duplicates: 2, rejected: [] });
  });
});

describe('POST /v1/events', () => {
  test('a body that is no JSON is refused whole; a line that is none is rejected by its number, from 0', async () => {
    const malformed = await post('[{"key": "a", }]');
    expect(malformed).toMatchObject({ status: 400, body: { code: 'MALFORMED_JSON', message: expect.any(String) } });
    const lines = [JSON.stringify(event()), '', '{"key": ', JSON.stringify(event({ quantity: -1 })), JSON.stringify(event()), ''].join(
      '\r\n',
    );
    const { status, body } = await post(lines, 'application/x-ndjson; charset=utf-8');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      accepted: 2,
      duplicates: 0,
      rejected: [
        { index: 2, key: null, code: 'MALFORMED_JSON' },
        { index: 3, code: 'NEGATIVE_NUMBER' },
      ],
    });
  });

  test('3.1 bytes that are no UTF-8 are refused, never replaced: two keys would become one', async () => {
    const withByte = (byte: number): Buffer =>
      Buffer.concat([
        Buffer.from('{"key":"k-'),
        Buffer.from([byte]),
        Buffer.from('","customer":"acme","type":"t","at":"2026-03-20T10:00:00Z"}'),
      ]);
    const array = Buffer.concat([Buffer.from('['), withByte(0xff), Buffer.from(']')]);
    expect(await post(array)).toMatchObject({ status: 400, body: { code: 'MALFORMED_JSON', message: expect.stringMatching(/UTF-8/) } });
    const lines = [withByte(0xff), Buffer.from(JSON.stringify(event({ user: 'Zoë' }))), withByte(0xfe)];
    expect((await post(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])), 'application/x-ndjson')).body).toMatchObject({
      accepted: 1,
      rejected: [
        { index: 0, code: 'MALFORMED_JSON' },
        { index: 2, code: 'MALFORMED_JSON' },
      ],
    });
  });

  test('a byte order mark before the first event is no part of it', async () => {
    for (const type of ['application/json', 'application/x-ndjson']) {
      const one = JSON.stringify(type === 'application/json' ? [event()] : event());
      expect((await post(`\uFEFF${one}`, type)).body).toEqual({ accepted: 1, duplicates: 0, rejected: [] });
    }
  });

  test('a compressed body is refused and says so', async () => {
    for (const type of ['application/json', 'application/x-ndjson']) {
      const headers = { authorization: `Bearer ${admin}`, 'content-type': type, 'content-encoding': 'gzip' };
      const response = await app.inject({ method: 'POST', url: '/v1/events', headers, payload: gzipSync(JSON.stringify([event()])) });
      expect([response.statusCode, response.json<Body>().code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    }
  });

  test('GraphQL tells of a malformed body as it tells of every error', async () => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' };
    const response = await app.inject({ method: 'POST', url: '/graphql', headers, payload: '{"query": ' });
    expect([response.statusCode, response.json<Body>()]).toEqual([
      400,
      { errors: [{ message: expect.any(String), extensions: { code: 'MALFORMED_JSON' } }] },
    ]);
  });

  test('a body that is no list of events is refused with what is expected', async () => {
    expect(await post(event())).toMatchObject({ status: 400, body: { code: 'ARRAY_EXPECTED' } });
    expect(await post([])).toEqual({ status: 200, body: { accepted: 0, duplicates: 0, rejected: [] } });
  });

  test('more than 10,000 events are refused whole, by REST and by GraphQL, and nothing is half written', async () => {
    const batch = Array.from({ length: 10_001 }, () => ({ ...event(), properties: undefined }));
    expect(await post(batch)).toMatchObject({ status: 413, body: { code: 'BATCH_TOO_LARGE' } });
    expect((await graphql(INGEST, { events: batch })).body.errors[0].extensions.code).toBe('BATCH_TOO_LARGE');
    expect((await post(batch.slice(1))).body).toEqual({ accepted: 10_000, duplicates: 0, rejected: [] });
  });

  test('other content types are refused, with those that are taken', async () => {
    const types = [
      'application/xml',
      'application/cloudevents+avro',
      'application/ndjson',
      'text/plain',
      'application/x-www-form-urlencoded',
    ];
    for (const type of types) {
      expect(await post(JSON.stringify([event()]), type)).toMatchObject({
        status: 415,
        body: { code: 'UNSUPPORTED_MEDIA_TYPE', message: expect.stringMatching(/application\/json.*application\/x-ndjson/) },
      });
    }
  });

  test('a name that poisons prototypes rejects no more than a line of it would: its event is kept as it is, or refused alone', async () => {
    const poisoned = (more: string): string => JSON.stringify(event()).replace('{', `{${more},`);
    const [kept, refused] = [
      poisoned('"properties":{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}'),
      poisoned('"__proto__":{"quantity":"5"}'),
    ];
    const key = (JSON.parse(kept) as { key: string }).key;
    expect((await post(`[${kept},${refused},${JSON.stringify(event())}]`)).body).toMatchObject({
      accepted: 2,
      rejected: [{ index: 1, code: 'UNKNOWN_FIELD', message: expect.stringMatching(/^__proto__: /) }],
    });
    expect((await post(`${kept}\n`, 'application/x-ndjson')).body).toEqual({ accepted: 0, duplicates: 1, rejected: [] });
    const found = await graphql('query ($key: String!) { event(key: $key) { quantity properties } }', { key });
    expect(JSON.stringify(found.body.data.event.properties)).toBe('{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}');
  });

  test('it needs a key with the scope INGEST', async () => {
    expect(await post([event()], 'application/json', 'wrong')).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(await post([event()], 'application/json', await newKey(['READ']))).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await post([event()], 'application/json', await newKey(['INGEST']))).body).toEqual({
      accepted: 1,
      duplicates: 0,
      rejected: [],
    });
  });
});

describe('worklists', () => {
  test('3.7 unpriced models and unattributed customers are listed for the tenant alone', async () => {
    const [key, other] = [await newTenant(), await newTenant()];
    const unknown = { provider: 'nobody', model: 'x', tokens: { input: 10, output: 5 }, customer: 'nobody yet' };
    await post(
      [event(unknown), event({ ...unknown, at: '2026-03-19T00:00:01Z' }), event({ ...unknown, model: 'y', tokens: { input: 100 } })],
      'application/json',
      key,
    );
    const lists = '{ unpricedModels(first: 5) { provider model events tokens firstSeen } unattributedCustomers { key events firstSeen } }';
    expect((await graphql(lists, {}, key)).body.data).toEqual({
      unpricedModels: [
        { provider: 'nobody', model: 'y', events: '1', tokens: '100', firstSeen: '2026-03-20T10:00:00.000Z' },
        { provider: 'nobody', model: 'x', events: '2', tokens: '30', firstSeen: '2026-03-19T00:00:01.000Z' },
      ],
      unattributedCustomers: [{ key: 'nobody yet', events: '3', firstSeen: '2026-03-19T00:00:01.000Z' }],
    });
    expect((await graphql(lists, {}, other)).body.data).toEqual({ unpricedModels: [], unattributedCustomers: [] });
    expect((await graphql('{ unpricedModels(first: 0) { model } }', {}, key)).body.errors[0].extensions).toMatchObject({
      code: 'INVALID_PAGE_SIZE',
    });
  });
});
