import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccessService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
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

async function post(url: string, payload: object, key = admin): Promise<{ status: number; body: Body }> {
  const response = await app.inject({ method: 'POST', url, headers: { authorization: `Bearer ${key}` }, payload });
  return { status: response.statusCode, body: response.json() };
}
const graphql = async (query: string, variables: object = {}, key = admin): Promise<Body> =>
  (await post('/graphql', { query, variables }, key)).body;
const newKey = async (...scopes: string[]): Promise<{ secret: string; apiKey: { id: string } }> =>
  (await graphql('mutation ($scopes: [ApiKeyScope!]!) { createApiKey(name: "k", scopes: $scopes) { secret apiKey { id } } }', { scopes }))
    .data.createApiKey;

const RESULT = '{ accepted duplicates rejected { index key code message } }';
const VOID = `mutation ($keys: [String!]!, $reason: String) { voidEvents(keys: $keys, reason: $reason) ${RESULT} }`;
const AMEND = `mutation ($events: [UsageEventInput!]!) { amendEvents(events: $events) ${RESULT} }`;
const TRAIL = 'query ($key: String!) { eventCorrections(key: $key) { kind revision actor reason customer at } }';
let keys = 0;
const event = (more: object = {}): { key: string; [field: string]: unknown } => ({
  key: `key-${(keys += 1)}`,
  customer: 'acme',
  type: 'call',
  at: '2026-03-20T10:00:00Z',
  quantity: '1',
  ...more,
});

test('3.5 events are amended and voided by GraphQL with a key of scope INGEST, and the trail says who did it', async () => {
  const { secret, apiKey } = await newKey('INGEST');
  const [first, second] = [event(), event()];
  await post('/v1/events', [first, second]);
  const amended = { events: [{ ...first, quantity: '2.0' }, event()] };
  expect((await graphql(AMEND, amended, secret)).data.amendEvents).toMatchObject({
    accepted: 1,
    duplicates: 0,
    rejected: [{ index: 1, code: 'KEY_UNKNOWN', message: expect.stringMatching(/ingestEvents/) }],
  });
  expect((await graphql(AMEND, { events: [{ ...first, quantity: 2 }] }, secret)).data.amendEvents).toMatchObject({ duplicates: 1 });
  const voided = await graphql(VOID, { keys: [first.key, second.key, 'none'], reason: 'load test' }, secret);
  expect(voided.data.voidEvents).toMatchObject({ accepted: 2, duplicates: 0, rejected: [{ index: 2, key: 'none', code: 'KEY_UNKNOWN' }] });
  expect((await graphql(TRAIL, { key: first.key })).data.eventCorrections).toEqual([
    { kind: 'AMEND', revision: 0, actor: apiKey.id, reason: null, customer: 'acme', at: '2026-03-20T10:00:00.000Z' },
    { kind: 'VOID', revision: 1, actor: apiKey.id, reason: 'load test', customer: 'acme', at: '2026-03-20T10:00:00.000Z' },
  ]);
  expect((await graphql(TRAIL, { key: first.key }, secret)).errors[0].extensions.code).toBe('FORBIDDEN');
});

test('a bad event never sinks the others of its request; a wrong shape refuses it whole', async () => {
  const one = event();
  await post('/v1/events', [one]);
  const { amendEvents } = (await graphql(AMEND, { events: [event({ quantity: 'many' }), { ...one, quantity: '3' }] })).data;
  expect(amendEvents).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: 'INVALID_DECIMAL' }] });
  const wrong = await graphql(AMEND, { events: [{ ...one, costumer: 'x' }] });
  expect(wrong.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'events[0].costumer' });
});

test('the same by REST', async () => {
  const one = event();
  await post('/v1/events', [one]);
  expect(await post('/v1/events/amend', [{ ...one, quantity: 5 }])).toEqual({
    status: 200,
    body: { accepted: 1, duplicates: 0, rejected: [] },
  });
  expect((await post('/v1/events/void?reason=why', [one.key, one.key])).body).toEqual({ accepted: 1, duplicates: 1, rejected: [] });
  expect((await graphql(TRAIL, { key: one.key })).data.eventCorrections).toMatchObject([
    { kind: 'AMEND' },
    { kind: 'VOID', reason: 'why' },
  ]);
  for (const url of ['/v1/events/void', '/v1/events/amend']) {
    expect(await post(url, { key: one.key })).toMatchObject({ status: 400, body: { code: 'ARRAY_EXPECTED' } });
    expect(await post(url, [], (await newKey('READ')).secret)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(
      (
        await post(
          url,
          Array.from({ length: 10_001 }, () => 'k'),
        )
      ).body.code,
    ).toBe('BATCH_TOO_LARGE');
  }
});

test('2.4 a backfill brings history to a live tenant, with a key of scope ADMIN', async () => {
  const { data } = await graphql('mutation { createTenant(name: "live", live: true) { secret } }');
  const live = data.createTenant.secret;
  const old = event({ at: '2020-01-01T00:00:00Z' });
  expect((await post('/v1/events', [old], live)).body.rejected).toMatchObject([{ code: 'AT_TOO_OLD' }]);
  expect((await post('/v1/events?backfill=true', [old], live)).body).toEqual({ accepted: 1, duplicates: 0, rejected: [] });
  const backfill = `mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events, backfill: true) ${RESULT} }`;
  expect((await graphql(backfill, { events: [old, event({ at: '2020-01-02T00:00:00Z' })] }, live)).data.ingestEvents).toMatchObject({
    accepted: 1,
    duplicates: 1,
  });
  const { secret } = (await graphql('mutation { createApiKey(name: "k", scopes: [INGEST]) { secret } }', {}, live)).data.createApiKey;
  expect(await post('/v1/events?backfill=true', [old], secret)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  expect((await graphql(backfill, { events: [old] }, secret)).errors[0].extensions.code).toBe('FORBIDDEN');
  expect(await post('/v1/events?backfill=maybe', [old], live)).toMatchObject({ status: 400, body: { code: 'INVALID_FIELD' } });
});

test('10,000 events are voided in one request', async () => {
  const events = Array.from({ length: 10_000 }, () => event());
  await post('/v1/events', events);
  expect((await graphql(VOID, { keys: events.map(({ key }) => key) })).data.voidEvents).toEqual({
    accepted: 10_000,
    duplicates: 0,
    rejected: [],
  });
  expect((await graphql(VOID, { keys: events.map(({ key }) => key) })).data.voidEvents).toEqual({
    accepted: 0,
    duplicates: 10_000,
    rejected: [],
  });
});
