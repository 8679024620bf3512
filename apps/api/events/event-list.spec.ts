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
  const at = (second: number): string => `2026-03-20T10:00:0${second}Z`;
  const payload = [1, 2, 3].map((i) => ({
    key: `k${i}`,
    customer: i === 3 ? 'beta' : 'acme',
    type: 'call',
    at: at(i),
    tokens: { input: 10, output: 4, cacheRead: 3 },
  }));
  const response = await app.inject({ method: 'POST', url: '/v1/events', headers: { authorization: `Bearer ${admin}` }, payload });
  expect(response.json()).toMatchObject({ accepted: 3 });
});
afterAll(async () => {
  await app.close();
  await db.drop();
});

type Body = ReturnType<typeof JSON.parse>;

async function graphql(query: string, key = admin): Promise<Body> {
  const response = await app.inject({ method: 'POST', url: '/graphql', headers: { authorization: `Bearer ${key}` }, payload: { query } });
  return response.json();
}

test('a client reads its events page by page, newest first', async () => {
  const first = await graphql(
    '{ events(first: 2) { edges { cursor node { key customer at state tokens { input output cacheRead reasoning } cost { amount } costState } } pageInfo { hasNextPage endCursor } } }',
  );
  const { edges, pageInfo } = first.data.events;
  expect(edges.map(({ node }: Body) => node.key)).toEqual(['k3', 'k2']);
  expect(edges[1].node).toEqual({
    ...{ key: 'k2', customer: 'acme', at: '2026-03-20T10:00:02.000Z', state: 'COUNTED', cost: null },
    ...{ tokens: { input: '10', output: '4', cacheRead: '3', reasoning: '0' }, costState: 'UNPRICED' },
  });
  expect(pageInfo).toEqual({ hasNextPage: true, endCursor: edges[1].cursor });
  const next = await graphql(`{ events(first: 2, after: "${pageInfo.endCursor}") { edges { node { key } } pageInfo { hasNextPage } } }`);
  expect(next.data.events).toEqual({ edges: [{ node: { key: 'k1' } }], pageInfo: { hasNextPage: false } });
});

test('filters narrow the list, and one event is found by its key', async () => {
  const { data } = await graphql(
    '{ one: events(customer: "beta", costState: UNPRICED, from: "2026-03-20T10:00:00Z") { edges { node { key } } } event(key: "k1") { key tokens { input } } none: event(key: "x") { key } }',
  );
  expect(data).toEqual({ one: { edges: [{ node: { key: 'k3' } }] }, event: { key: 'k1', tokens: { input: '10' } }, none: null });
});

test('bad cursors, sizes and spans are refused with their codes; a key that may only send sees nothing', async () => {
  const code = async (query: string, key?: string): Promise<string> => (await graphql(query, key)).errors[0].extensions.code;
  expect(await code('{ events(after: "x") { edges { cursor } } }')).toBe('INVALID_CURSOR');
  expect(await code('{ events(first: 0) { edges { cursor } } }')).toBe('INVALID_PAGE_SIZE');
  expect(await code('{ events(from: "2026-03-20T10:00:00Z", to: "2026-03-20T10:00:00Z") { edges { cursor } } }')).toBe('INVALID_SPAN');
  const created = await graphql('mutation { createApiKey(name: "k", scopes: [INGEST]) { secret } }');
  expect(await code('{ events { edges { cursor } } }', created.data.createApiKey.secret)).toBe('FORBIDDEN');
});

test('a text that nobody can have is the mistake of who asks for it, wherever it is looked for', async () => {
  const nul = JSON.stringify('\u0000');
  const lists = ['customer', 'type', 'model', 'user', 'traceId'].map((field) => `events(${field}: ${nul}) { edges { cursor } }`);
  const span = 'meter: "m", from: "2026-03-20T00:00:00Z", to: "2026-03-21T00:00:00Z"';
  await graphql('mutation { createMeter(input: { key: "m", name: "M", eventType: "*", aggregation: COUNT }) { id } }');
  const queries = [
    ...lists,
    `usage(${span}, customers: [${nul}]) { edges { cursor } }`,
    `meter(key: ${nul}) { id }`,
    `plan(key: ${nul}) { id }`,
  ];
  for (const query of [...queries, `customer(key: ${nul}) { id }`]) {
    const { errors } = await graphql(`{ ${query} }`);
    expect([query, errors?.[0]?.extensions.code]).toEqual([query, 'INVALID_CHARACTER']);
  }
});
