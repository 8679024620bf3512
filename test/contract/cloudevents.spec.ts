import { request } from 'node:http';
import { SourceApi, type Answered } from '../../apps/api/events/source-api.fixture.ts';

let api: SourceApi;
let address: string;

beforeAll(async () => {
  api = await SourceApi.open();
  address = await api.app.listen(0, '127.0.0.1').then(() => api.app.getUrl());
});
afterAll(() => api.close());

const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };
const ACCEPTED = { accepted: 1, duplicates: 0, rejected: [] };
const DUPLICATE = { accepted: 0, duplicates: 1, rejected: [] };

let ids = 0;
const event = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  specversion: '1.0',
  id: `id-${(ids += 1)}`,
  source: '/inference/eu-1',
  type: 'llm.completion',
  time: '2026-03-20T10:00:00Z',
  subject: 'acme',
  datacontenttype: 'application/json',
  data: { provider: 'openai', model: 'gpt-4o', tokens: { input: '1200', output: '350', cacheRead: '800' } },
  ...more,
});
const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(event()).filter(([attribute]) => attribute !== name));
const structured = (body: unknown): Promise<Answered> => api.post('/v1/events', body, STRUCTURED);
const batch = (body: unknown): Promise<Answered> => api.post('/v1/events', body, BATCH);
const binary = (attributes: Record<string, string>, data: unknown = { quantity: '1' }): Promise<Answered> =>
  api.post('/v1/events', data, Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])));
const headers = (more: Record<string, string> = {}): Record<string, string> => ({
  specversion: '1.0',
  id: `id-${(ids += 1)}`,
  source: '/inference/eu-1',
  type: 'llm.completion',
  time: '2026-03-20T10:00:00Z',
  subject: 'acme',
  ...more,
});
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

/** A request of an ordinary client, through Node's own reading of headers. */
async function overSocket(sent: Record<string, string | string[]>): Promise<Answered> {
  const authorization = `Bearer ${api.key}`;
  return new Promise((resolve, reject) => {
    const posting = request(`${address}/v1/events`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', ...sent },
    });
    posting.on('error', reject).on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString()) }));
    });
    posting.end(JSON.stringify({ quantity: '1' }));
  });
}

describe('CloudEvents 1.0 in structured mode', () => {
  test('an event is stored as the usage that it tells of, and counted once however often it comes', async () => {
    const one = event({ subject: 'structured', time: '2026-03-20T12:00:00.123456789+02:00' });
    expect(await structured(one)).toEqual({ status: 200, body: ACCEPTED });
    expect(await structured(one)).toEqual({ status: 200, body: DUPLICATE });
    expect(await api.stored('structured')).toEqual([
      expect.objectContaining({
        key: `/inference/eu-1 ${String(one.id)}`,
        type: 'llm.completion',
        at: '2026-03-20T10:00:00.123456',
        provider: 'openai',
        model: 'gpt-4o',
        uncached_input: '400',
        cache_read: '800',
        plain_output: '350',
      }),
    ]);
  });

  test('3.4 the usage body of a provider may stand in data, and is reckoned for the sender', async () => {
    const usage = { input_tokens: 100, cache_read_input_tokens: 900, cache_creation_input_tokens: 0, output_tokens: 25 };
    const data = { customer: 'in data', provider: 'anthropic', model: 'claude-sonnet-4-5', usage };
    expect((await structured(event({ subject: 'requests/7', data }))).body).toEqual(ACCEPTED);
    expect(await api.stored('in data')).toEqual([
      expect.objectContaining({ uncached_input: '100', cache_read: '900', plain_output: '25' }),
    ]);
  });

  test('all other fields of a native event come through data, exactly', async () => {
    const data = {
      quantity: '0.000000000001',
      outcome: 'FAILED',
      durationMs: 1500,
      traceId: 'trace-1',
      user: 'zoë',
      reportedCost: { amount: '0.0000000028', currency: 'USD' },
      properties: { seats: ['a', { b: null }] },
    };
    expect((await structured(event({ subject: 'all fields', data }))).body).toEqual(ACCEPTED);
    expect(await api.stored('all fields')).toEqual([
      expect.objectContaining({
        quantity: '0.000000000001',
        outcome: 'FAILED',
        duration_ms: 1500,
        trace_id: 'trace-1',
        user: 'zoë',
        reported_cost: '0.0000000028',
        properties: { seats: ['a', { b: null }] },
      }),
    ]);
  });

  test('an event without data is one use of its type', async () => {
    expect((await structured({ ...without('data'), subject: 'no data', type: 'ticket.resolved' })).body).toEqual(ACCEPTED);
    expect(await api.stored('no data')).toEqual([expect.objectContaining({ type: 'ticket.resolved', cost_state: 'NOT_COST_BEARING' })]);
  });

  test('data in Base64 is the same event as data in plain JSON', async () => {
    const one = event({ data: { quantity: '2', user: 'Zoë' } });
    const { data, ...attributes } = one;
    expect((await structured(one)).body).toEqual(ACCEPTED);
    expect((await structured({ ...attributes, data_base64: base64(JSON.stringify(data)) })).body).toEqual(DUPLICATE);
  });

  test('3.1 attributes that brokers add on the way do not make it another event', async () => {
    const one = event();
    expect((await structured({ ...one, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })).body).toEqual(ACCEPTED);
    expect((await structured({ ...one, knativearrivaltime: '2026-03-20T10:00:09Z', sequence: 7, sampled: true })).body).toEqual(DUPLICATE);
  });

  test('3.1 source and id together tell events apart, and other contents under both are refused', async () => {
    const one = event();
    expect((await structured(one)).body).toEqual(ACCEPTED);
    expect((await structured({ ...one, source: '/inference/eu-2' })).body).toEqual(ACCEPTED);
    const key = `/inference/eu-1 ${String(one.id)}`;
    expect((await structured({ ...one, subject: 'globex' })).body).toMatchObject({
      accepted: 0,
      rejected: [{ index: 0, key, code: 'KEY_REUSED' }],
    });
  });

  test('3.1 a source and an id that are longer than a key identify an event by their digest', async () => {
    const [source, other] = [`/${'s'.repeat(200)}/1`, `/${'s'.repeat(200)}/2`];
    const one = event({ subject: 'long', source, id: 'i'.repeat(300) });
    expect((await structured(one)).body).toEqual(ACCEPTED);
    expect((await structured(one)).body).toEqual(DUPLICATE);
    expect((await structured({ ...one, source: other })).body).toEqual(ACCEPTED);
    expect((await structured({ ...one, id: 'i'.repeat(301) })).body).toEqual(ACCEPTED);
    for (const { key } of await api.stored('long')) expect(key).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('data that was made for something else becomes properties when the address says so', async () => {
    const data = { tokens: '123', model: 'gpt-4', type: 'input' };
    const { status, body } = await api.post('/v1/events?data=properties', event({ subject: 'properties', data }), STRUCTURED);
    expect([status, body]).toEqual([200, ACCEPTED]);
    expect(await api.stored('properties')).toEqual([expect.objectContaining({ properties: data, model: null, uncached_input: null })]);
    expect(await api.post('/v1/events?data=all', event(), STRUCTURED)).toMatchObject({ status: 400, body: { code: 'INVALID_PARAMETER' } });
  });

  test('a body that is no event is refused whole, and says what is expected', async () => {
    for (const [body, code] of [
      ['{"specversion": ', 'MALFORMED_JSON'],
      [Buffer.from([0x22, 0xff, 0x22]), 'MALFORMED_JSON'],
      [[event()], 'OBJECT_EXPECTED'],
      ['null', 'OBJECT_EXPECTED'],
      [`${'['.repeat(65)}${']'.repeat(65)}`, 'JSON_TOO_DEEP'],
    ] as const) {
      expect(await structured(body)).toMatchObject({ status: 400, body: { code, message: expect.any(String) } });
    }
    expect(await batch(event())).toMatchObject({ status: 400, body: { code: 'ARRAY_EXPECTED' } });
  });
});

describe('CloudEvents 1.0 in batch mode', () => {
  test('3.2 all that is wrong is rejected by its place in the batch, and the rest stands', async () => {
    const [first, second] = [event(), event()];
    const { status, body } = await batch([
      without('id'),
      first,
      { ...first },
      event({ data: { quantity: '-1' } }),
      { ...first, type: 'other' },
      second,
    ]);
    expect(status).toBe(200);
    expect(body).toEqual({
      accepted: 2,
      duplicates: 1,
      rejected: [
        { index: 0, key: null, code: 'KEY_MISSING', message: expect.stringMatching(/^id: /) },
        {
          index: 3,
          key: expect.stringMatching(/^\/inference\/eu-1 id-/),
          code: 'NEGATIVE_NUMBER',
          message: expect.stringMatching(/^quantity: /),
        },
        { index: 4, key: `/inference/eu-1 ${String(first.id)}`, code: 'KEY_REUSED', message: expect.any(String) },
      ],
    });
    expect((await batch([first, second])).body).toEqual({ accepted: 0, duplicates: 2, rejected: [] });
  });

  test('a batch may be empty; more than 10,000 events are refused whole, bad ones counted', async () => {
    expect((await batch([])).body).toEqual({ accepted: 0, duplicates: 0, rejected: [] });
    const many = Array.from({ length: 10_001 }, () => ({}));
    expect(await batch(many)).toMatchObject({ status: 413, body: { code: 'BATCH_TOO_LARGE' } });
  });

  test.each<[string, unknown, string, RegExp]>([
    ['is no object', 'event', 'INVALID_EVENT', /object/],
    ['is of another version', event({ specversion: '0.3' }), 'UNSUPPORTED_VERSION', /^specversion: .*1\.0/],
    ['has its version as a number', event({ specversion: 1 }), 'INVALID_FIELD', /^specversion: /],
    ['has no version', without('specversion'), 'FIELD_MISSING', /^specversion: /],
    ['has an empty id', event({ id: '' }), 'KEY_MISSING', /^id: /],
    ['has an id that is a number', event({ id: 7 }), 'INVALID_FIELD', /^id: /],
    ['has a control character in its id', event({ id: 'a\nb' }), 'INVALID_CHARACTER', /^id: /],
    ['has half a character in its id', event({ id: 'a\ud800' }), 'INVALID_CHARACTER', /^id: /],
    ['has no source', without('source'), 'FIELD_MISSING', /^source: /],
    ['has a source with a space', event({ source: '/a b' }), 'INVALID_FIELD', /^source: .*spaces/],
    ['has no type', without('type'), 'FIELD_MISSING', /^type: /],
    ['has a type of 256 characters', event({ type: 't'.repeat(256) }), 'FIELD_TOO_LONG', /^type: /],
    ['has no time', without('time'), 'FIELD_MISSING', /^time: .*retry/],
    ['has a time without a zone', event({ time: '2026-03-20T10:00:00' }), 'INVALID_TIME', /^time: /],
    ['has a time in the future', event({ time: '2200-01-01T00:00:00Z' }), 'AT_IN_FUTURE', /ahead/],
    ['names no customer', without('subject'), 'FIELD_MISSING', /^subject: .*data\.customer/],
    ['has a subject of 256 characters', event({ subject: 's'.repeat(256) }), 'FIELD_TOO_LONG', /^customer: /],
    ['has data that is no object', event({ data: [1] }), 'INVALID_FIELD', /^data: /],
    ['has data that is JSON in a string', event({ data: '{"quantity": "1"}' }), 'INVALID_FIELD', /^data: /],
    ['has data that is no JSON', event({ datacontenttype: 'text/xml', data: '<a/>' }), 'INVALID_FIELD', /^datacontenttype: /],
    ['has a field in data that no event has', event({ data: { costumer: 'a' } }), 'UNKNOWN_FIELD', /^costumer: /],
    ['says its time again in data', event({ data: { at: '2026-03-20T10:00:00Z' } }), 'UNKNOWN_FIELD', /^data\.at: .*time/],
    ['has its key in data', event({ data: { key: 'k' } }), 'UNKNOWN_FIELD', /^data\.key: .*source and id/],
    ['has its quantity outside of data', event({ quantity: 5 }), 'UNKNOWN_FIELD', /^quantity: .*data/],
    ['has an object as an attribute', event({ extra: { tokens: 5 } }), 'UNKNOWN_FIELD', /^extra: .*data/],
    ['has an attribute in camel case', event({ gpuSeconds: 5 }), 'UNKNOWN_FIELD', /^gpuSeconds: /],
    ['has data twice', event({ data_base64: base64('{}') }), 'INVALID_FIELD', /^data_base64: .*never both/],
    ['has Base64 without padding', { ...without('data'), data_base64: 'e30' }, 'INVALID_FIELD', /^data_base64: /],
    [
      'has bytes that are no UTF-8',
      { ...without('data'), data_base64: base64(Buffer.from([0x22, 0xff, 0x22])) },
      'INVALID_FIELD',
      /^data_base64: /,
    ],
    ['has Base64 of no JSON', { ...without('data'), data_base64: base64('quantity=1') }, 'INVALID_FIELD', /^data_base64: /],
    ['has a number that no double holds', event({ data: { quantity: 0.1 + 0.2 } }), 'NUMBER_NOT_EXACT', /^quantity: /],
    ['has parts above their total', event({ data: { tokens: { input: 1, cacheRead: 2 } } }), 'TOKEN_PARTS_EXCEED_TOTAL', /^tokens/],
  ])('an event that %s is rejected alone', async (_, bad, code, message) => {
    const { status, body } = await batch([event(), bad, event()]);
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 2, duplicates: 0, rejected: [{ index: 1, code, message: expect.stringMatching(message) }] });
  });
});

describe('CloudEvents 1.0 in binary mode', () => {
  test('attributes are headers and data is the body: the same event as in structured mode', async () => {
    const one = event({ data: { quantity: '3' } });
    const { data, datacontenttype: _, ...attributes } = one;
    expect(await binary(attributes as Record<string, string>, data)).toEqual({ status: 200, body: ACCEPTED });
    expect((await structured(one)).body).toEqual(DUPLICATE);
  });

  test('header values are decoded from per-cent encoding once, and unquoted', async () => {
    const subject = 'Euro%20%E2%82%AC%20%f0%9f%98%80 100%2525';
    expect((await binary(headers({ subject }))).body).toEqual(ACCEPTED);
    expect(await api.stored('Euro € 😀 100%25')).toHaveLength(1);
    expect((await binary(headers({ subject: '"quoted \\"customer\\" %41"' }))).body).toEqual(ACCEPTED);
    expect(await api.stored('quoted "customer" A')).toHaveLength(1);
  });

  test.each<[string, Record<string, string>, string, RegExp]>([
    ['an overlong encoding', { subject: '%C0%A0' }, 'INVALID_FIELD', /^ce-subject: .*UTF-8/],
    ['half an encoding', { subject: '100%' }, 'INVALID_FIELD', /^ce-subject: .*%25/],
    ['bytes that are no ASCII', { subject: 'Zo\u00eb' }, 'INVALID_CHARACTER', /^ce-subject: /],
    ['an encoded line break', { id: 'a%0Ab' }, 'INVALID_CHARACTER', /^id: /],
    ['an attribute called data', { data: '{}' }, 'UNKNOWN_FIELD', /^ce-data: /],
    ['an attribute that is no name', { 'my-thing': 'x' }, 'UNKNOWN_FIELD', /^ce-my-thing: /],
    ['usage in a header', { quantity: '5' }, 'UNKNOWN_FIELD', /^quantity: .*data/],
    ['another version', { specversion: '2.0' }, 'UNSUPPORTED_VERSION', /^specversion: /],
    ['an empty id', { id: '' }, 'KEY_MISSING', /^id: /],
  ])('an event with %s is rejected', async (_, more, code, message) => {
    const { status, body } = await binary(headers(more));
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 0, duplicates: 0, rejected: [{ index: 0, code, message: expect.stringMatching(message) }] });
  });

  test('the content type of the body is the only one, and has to be JSON', async () => {
    expect((await binary(headers({ datacontenttype: 'text/xml' }))).body).toEqual(ACCEPTED);
    const xml = await api.post('/v1/events', '<a/>', { 'content-type': 'text/xml', 'ce-specversion': '1.0' });
    expect(xml).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
  });

  test('over a socket: a header that came twice is no attribute, and header names have no case', async () => {
    const once = { ...headers({ subject: 'by socket' }) };
    const sent = Object.fromEntries(Object.entries(once).map(([name, value]) => [`CE-${name}`, value]));
    expect(await overSocket(sent)).toEqual({ status: 200, body: ACCEPTED });
    expect(await overSocket(sent)).toEqual({ status: 200, body: DUPLICATE });
    expect(await overSocket({ ...sent, 'CE-subject': ['acme', 'globex'] })).toMatchObject({
      status: 200,
      body: { accepted: 0, rejected: [{ index: 0, code: 'INVALID_FIELD', message: expect.stringMatching(/^ce-subject: .*twice/) }] },
    });
    expect(await api.stored('by socket')).toHaveLength(1);
  });

  test('a body that is a list is no event, and a native list without such headers still is one', async () => {
    expect((await binary(headers(), [{ quantity: '1' }])).body).toMatchObject({
      accepted: 0,
      rejected: [{ index: 0, code: 'INVALID_FIELD' }],
    });
    const native = { key: 'native', customer: 'acme', type: 't', at: '2026-03-20T10:00:00Z' };
    expect((await api.post('/v1/events', [native])).body).toEqual(ACCEPTED);
  });
});

test('all modes need a key with the scope INGEST', async () => {
  for (const type of [STRUCTURED, BATCH, { ...headers(), 'content-type': 'application/json' }]) {
    expect(await api.post('/v1/events', event(), { ...type, authorization: 'Bearer wrong' })).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    });
  }
});
