import { jest } from '@jest/globals';
import { AccessService } from '@tare/access';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createApi } from './app.ts';

const SECRET = 'tare_test_chosen_by_the_operator';
let db: TestDatabase;
let app: NestFastifyApplication;
let dashboardDirectory: string;

beforeAll(async () => {
  db = await createTestDatabase();
  await new AccessService(db.database).bootstrap(SECRET);
  dashboardDirectory = builtDashboard();
  app = await createApi({ databaseUrl: db.url, dashboardDirectory });
});
afterAll(async () => {
  await app?.close();
  await db?.drop();
});

function builtDashboard(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'tare-dashboard-'));
  mkdirSync(path.join(directory, 'assets'));
  writeFileSync(path.join(directory, 'index.html'), '<title>Tare</title>');
  writeFileSync(path.join(directory, 'assets', 'main-1a2b.js'), 'export {};');
  return directory;
}

/** What the operations of this file ask for. */
interface Data {
  readonly tenant: object;
  readonly tenantSettings: object;
  readonly updateTenantSettings: { readonly marginFloor: string | null };
  readonly createApiKey: { readonly secret: string; readonly apiKey: { readonly id: string } };
  readonly createTenant: { readonly secret: string };
  readonly ingestEvents: { readonly accepted: number; readonly rejected: readonly object[] };
}

interface Answer {
  readonly status: number;
  readonly data: Data;
  readonly errors: { message: string; path?: string[]; extensions: { code: string; field?: string } }[];
  readonly text: string;
}

async function graphql(query: string, variables: object = {}, secret: string | null = SECRET): Promise<Answer> {
  const response = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: secret === null ? {} : { authorization: `Bearer ${secret}` },
    payload: { query, variables },
  });
  return { status: response.statusCode, text: response.body, errors: [], ...response.json<Pick<Answer, 'data'>>() };
}

const codes = ({ errors }: Answer): string[] => errors.map(({ extensions }) => extensions.code);
const fields = ({ errors }: Answer): (string | undefined)[] => errors.map(({ extensions }) => extensions.field);

async function keyWith(...scopes: string[]): Promise<{ id: string; secret: string }> {
  const { data } = await graphql(
    'mutation ($scopes: [ApiKeyScope!]!) { createApiKey(name: "k", scopes: $scopes) { secret apiKey { id } } }',
    { scopes },
  );
  return { secret: data.createApiKey.secret, id: data.createApiKey.apiKey.id };
}

const UPDATE = 'mutation ($input: TenantSettingsInput!) { updateTenantSettings(input: $input) { marginFloor graceSeconds } }';
const INGEST = 'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted duplicates rejected { index code } } }';

describe('who may come in', () => {
  test('no operation runs without a key, introspection included, and the body of a stranger is not read', async () => {
    for (const secret of [null, 'tare_test_of_nobody']) {
      const answer = await graphql('{ __schema { queryType { name } } }', {}, secret);
      expect(answer.status).toBe(401);
      expect(codes(answer)).toEqual(['UNAUTHENTICATED']);
    }
    const rest = await app.inject({
      method: 'POST',
      url: '/v1/events',
      payload: '{not json',
      headers: { 'content-type': 'application/json' },
    });
    expect(rest.statusCode).toBe(401);
    expect(rest.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('an encoded address does not slip past the key', async () => {
    const response = await app.inject({ method: 'GET', url: '/%67raphql?query=%7BapiKeys%7Bid%7D%7D' });
    expect(response.statusCode).toBe(401);
  });

  test('a key without the scope is told which one it needs', async () => {
    const { secret } = await keyWith('READ');
    const answer = await graphql(UPDATE, { input: { graceSeconds: 1 } }, secret);
    expect(codes(answer)).toEqual(['FORBIDDEN']);
    expect(answer.errors[0]?.message).toMatch(/ADMIN/);
    expect((await graphql('{ tenantSettings { graceSeconds } }', {}, secret)).data.tenantSettings).toEqual({ graceSeconds: 3600 });
  });

  test('a key with INGEST alone reads nothing', async () => {
    const { secret } = await keyWith('INGEST');
    expect(codes(await graphql('{ tenantSettings { graceSeconds } }', {}, secret))).toEqual(['FORBIDDEN']);
  });

  test('a revoked key is refused at the next request', async () => {
    const { id, secret } = await keyWith('READ');
    expect((await graphql('{ tenant { name } }', {}, secret)).status).toBe(200);
    await graphql('mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }', { id });
    expect((await graphql('{ tenant { name } }', {}, secret)).status).toBe(401);
  });

  test('only the bootstrap key makes tenants, and a new tenant sees nothing of the others', async () => {
    const made = await graphql('mutation { createTenant(name: "Other", live: true) { secret apiKey { scopes } } }');
    const { secret } = made.data.createTenant;
    expect(secret).toMatch(/^tare_live_/);
    expect((await graphql('{ tenant { name live } apiKeys { name } }', {}, secret)).data).toEqual({
      tenant: { name: 'Other', live: true },
      apiKeys: [{ name: 'admin' }],
    });
    expect(codes(await graphql('mutation { createTenant(name: "x", live: true) { secret } }', {}, secret))).toEqual(['FORBIDDEN']);
  });

  test('health, readiness and metrics need no key', async () => {
    expect((await app.inject({ url: '/healthz' })).json()).toEqual({ status: 'ok' });
    expect((await app.inject({ url: '/readyz' })).statusCode).toBe(200);
    const metrics = await app.inject({ url: '/metrics' });
    expect(metrics.headers['content-type']).toMatch(/^text\/plain/);
    expect(metrics.body).toMatch(/tare_http_requests_total\{route="\/graphql",status="401"\} \d+/);
  });
});

describe('numbers and times', () => {
  test('1.1 a decimal is taken as a string, as an exact JSON number and as a literal, and answered as a string', async () => {
    for (const marginFloor of ['0.25', 0.25, '0.250']) {
      expect((await graphql(UPDATE, { input: { marginFloor } })).data.updateTenantSettings.marginFloor).toBe('0.25');
    }
    const literal = await graphql('mutation { updateTenantSettings(input: { marginFloor: 0.123456789012345678 }) { marginFloor } }');
    expect(literal.data.updateTenantSettings.marginFloor).toBe('0.123456789012345678');
  });

  test('1.1 a JSON number that may have lost digits is refused with its path', async () => {
    const answer = await graphql(UPDATE, { input: { marginFloor: 0.1234567890123456 } });
    expect([codes(answer), fields(answer)]).toEqual([['NUMBER_NOT_EXACT'], ['marginFloor']]);
  });

  test('2.4 a time needs its zone', async () => {
    const answer = await graphql('mutation { createApiKey(name: "k", scopes: [READ], expiresAt: "2999-01-01T00:00:00") { secret } }');
    expect([codes(answer), fields(answer)]).toEqual([['INVALID_TIME'], ['expiresAt']]);
  });

  test('a setting that is left out stays, and null takes the floor away', async () => {
    await graphql(UPDATE, { input: { marginFloor: '0.1', graceSeconds: 60 } });
    expect((await graphql(UPDATE, { input: { graceSeconds: 3600 } })).data.updateTenantSettings).toEqual({
      marginFloor: '0.1',
      graceSeconds: 3600,
    });
    expect((await graphql(UPDATE, { input: { marginFloor: null } })).data.updateTenantSettings.marginFloor).toBeNull();
  });
});

describe('requests of a wrong shape', () => {
  const event = { key: 'shape-1', customer: 'acme', type: 'llm.completion', at: '2026-01-01T00:00:00Z' };

  test('every structural error of a batch is listed with its path, and nothing is written', async () => {
    const answer = await graphql(INGEST, {
      events: [
        event,
        { ...event, key: null, tokenz: {} },
        { ...event, tokens: { input: {}, output: [1] }, durationMs: 1.5 },
        { customer: 'acme', type: 't', at: 5, outcome: 'PERHAPS' },
        { ...event, tokens: [] },
        'an event',
      ],
    });
    expect(answer.status).toBe(400);
    expect(answer.data).toBeUndefined();
    expect(new Set(codes(answer))).toEqual(new Set(['BAD_USER_INPUT']));
    expect(fields(answer).sort()).toEqual([
      'events[1].key',
      'events[1].tokenz',
      'events[2].durationMs',
      'events[2].tokens.input',
      'events[2].tokens.output',
      'events[3].at',
      'events[3].key',
      'events[3].outcome',
      'events[4].tokens',
      'events[5]',
    ]);
    expect((await graphql(INGEST, { events: [event] })).data.ingestEvents).toMatchObject({ accepted: 1, duplicates: 0 });
  });

  test('3.2 a wrong value refuses its event and no other', async () => {
    const bad = [
      { ...event, key: 'v-1', quantity: 'many' },
      { ...event, key: 'v-2', quantity: 0.1234567890123456 },
      { ...event, key: 'v-3', at: 'yesterday' },
      { ...event, key: 'v-4', reportedCost: { amount: 'free', currency: 'USD' } },
    ];
    const { data } = await graphql(INGEST, { events: [{ ...event, key: 'v-0', quantity: 1.5 }, ...bad] });
    expect(data.ingestEvents.accepted).toBe(1);
    expect(data.ingestEvents.rejected).toEqual([
      { index: 1, code: 'INVALID_DECIMAL' },
      { index: 2, code: 'NUMBER_NOT_EXACT' },
      { index: 3, code: 'INVALID_TIME' },
      { index: 4, code: 'INVALID_DECIMAL' },
    ]);
  });

  test('events written into the document are read as those in variables', async () => {
    const { data } = await graphql(
      'mutation { ingestEvents(events: [{ key: "l-1", customer: "acme", type: "t", at: "2026-01-01T00:00:00Z", tokens: { input: 12, output: "3" }, properties: { a: [1, true] } }]) { accepted } }',
    );
    expect(data.ingestEvents.accepted).toBe(1);
  });

  test('a batch of 10,000 events passes the limits of a document', async () => {
    const events = Array.from({ length: 10_000 }, (_, i) => ({ ...event, key: `many-${i}`, tokens: { input: 100, output: 10 } }));
    expect((await graphql(INGEST, { events })).data.ingestEvents).toMatchObject({ accepted: 10_000, rejected: [] });
  });

  test('variables that are missing, null or unknown to the type are named', async () => {
    expect(fields(await graphql(UPDATE, {}))).toEqual(['input']);
    expect(fields(await graphql(UPDATE, { input: null }))).toEqual(['input']);
    expect(fields(await graphql(UPDATE, { input: { graceSecond: 1, graceSeconds: 'soon' } })).sort()).toEqual([
      'input.graceSecond',
      'input.graceSeconds',
    ]);
  });

  test('a body above 16 MiB is refused', async () => {
    const answer = await graphql(UPDATE, { input: { reportingCurrency: 'x'.repeat(16 * 2 ** 20) } });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text)).toMatchObject({ errors: [{ extensions: { code: 'BODY_TOO_LARGE' } }] });
  });

  test('documents that are too long, too deep or have too many aliases are bad requests', async () => {
    const long = `{ ${'__typename '.repeat(20_001)} }`;
    const aliases = `{ ${Array.from({ length: 51 }, (_, i) => `a${i}: tenant { id }`).join(' ')} }`;
    const deep = `{ ${'a { '.repeat(13)} b ${'}'.repeat(13)} }`;
    for (const document of [long, aliases, deep]) {
      const answer = await graphql(document);
      expect(answer.status).toBe(400);
      expect(codes(answer)).not.toContain('INTERNAL');
    }
  });

  test('the schema can be asked for', async () => {
    const { data } = await graphql(getIntrospectionQuery());
    expect(
      buildClientSchema(data as unknown as IntrospectionQuery)
        .getMutationType()
        ?.getFields(),
    ).toHaveProperty('createTenant');
  });
});

describe('what a caller is told about errors', () => {
  test('a mistake in the document is named without hints at other names', async () => {
    const unknown = await graphql('{ tenantSetting { graceSeconds } }');
    expect(unknown.status).toBe(400);
    expect(codes(unknown)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    expect(unknown.text).not.toMatch(/Did you mean/);
    expect(codes(await graphql('{ tenantSettings {'))).toEqual(['GRAPHQL_PARSE_FAILED']);
  });

  test('a wrong enum value in a variable is named without hints', async () => {
    const answer = await graphql('mutation ($s: [ApiKeyScope!]!) { createApiKey(name: "k", scopes: $s) { secret } }', { s: ['REED'] });
    expect(fields(answer)).toEqual(['s[0]']);
    expect(answer.text).not.toMatch(/Did you mean/);
  });

  test('what is unexpected is told as INTERNAL with an id, and never with SQL or a stack', async () => {
    const failing = jest.spyOn(app.get(AccessService), 'apiKeys').mockRejectedValue(new Error('relation "api_key" does not exist'));
    const logged = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const answer = await graphql('{ apiKeys { id } }');
    const lines = logged.mock.calls.map(([line]) => String(line)).join('');
    failing.mockRestore();
    logged.mockRestore();
    expect(codes(answer)).toEqual(['INTERNAL']);
    expect(answer.text).not.toMatch(/relation|\.ts|stack/);
    const id = /[0-9a-f-]{36}/.exec(answer.errors[0]?.message ?? '')?.[0];
    expect(lines).toContain(id);
    expect(lines).toContain('relation');
  });

  test('the id of nothing is NOT_FOUND', async () => {
    for (const id of ['nothing', '7b1c2d3e-0000-4000-8000-000000000000']) {
      expect(codes(await graphql('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id }))).toEqual(['NOT_FOUND']);
    }
  });

  test('an unknown address is NOT_FOUND as JSON', async () => {
    const response = await app.inject({ method: 'POST', url: '/v1/nothing', headers: { authorization: `Bearer ${SECRET}` } });
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('the dashboard', () => {
  test('is served at / with its files, and its own addresses lead to its page', async () => {
    for (const url of ['/', '/customers/acme?x=1']) {
      const response = await app.inject({ url });
      expect([response.statusCode, response.headers['content-type'], response.body]).toEqual([
        200,
        'text/html; charset=utf-8',
        '<title>Tare</title>',
      ]);
    }
    const script = await app.inject({ url: '/assets/main-1a2b.js' });
    expect(script.headers['content-type']).toMatch(/javascript/);
    expect(script.headers['cache-control']).toMatch(/immutable/);
  });

  test('no address leads out of its folder, and API addresses are never its pages', async () => {
    writeFileSync(path.join(dashboardDirectory, '..', 'tare-outside.txt'), 'secret');
    for (const url of [
      '/../tare-outside.txt',
      '/%2e%2e/tare-outside.txt',
      '/assets/..%2f..%2ftare-outside.txt',
      '/v1/nothing',
      '/missing.js',
    ]) {
      const response = await app.inject({ url });
      expect([url, response.statusCode]).toEqual([url, 404]);
    }
  });
});
