import { jest } from '@jest/globals';
import { AccessService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { BodyAdmission, IngestRates, IngestService } from '@tare/usage';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createApi } from '../app.ts';

type Body = ReturnType<typeof JSON.parse>;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Body;
}

const ENVIRONMENT = { TARE_QUEUE_EVENTS: '2000', TARE_MAX_BODY_BYTES: '1000000', TARE_BODIES_BYTES: '2000000', TARE_MAX_BATCH: '500' };
const INGEST = 'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted duplicates } }';

let db: TestDatabase;
let app: NestFastifyApplication;
let admin: string;
let port: number;
let keys = 0;

beforeAll(async () => {
  Object.assign(process.env, ENVIRONMENT);
  db = await createTestDatabase();
  admin = (await new AccessService(db.database).bootstrap()) ?? '';
  app = await createApi({ databaseUrl: db.url });
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(async () => {
  for (const name of Object.keys(ENVIRONMENT)) delete process.env[name];
  await app.close();
  await db.drop();
});

const events = (count: number, more: object = {}): object[] =>
  Array.from({ length: count }, () => ({ key: `key-${(keys += 1)}`, customer: 'acme', type: 't', at: '2026-03-20T10:00:00Z', ...more }));

/** Over a real socket. A body in parts is sent as chunks. */
function send(key: string, path: string, body: string | readonly string[], headers: object = {}, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const parts = typeof body === 'string' ? [body] : body;
    const length = typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {};
    const sent = httpRequest(
      {
        port,
        path,
        method: 'POST',
        agent,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...length, ...headers },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'], body: JSON.parse(text) });
        });
      },
    );
    sent.on('error', reject);
    for (const part of parts) sent.write(part);
    sent.end();
  });
}
const rest = (key: string, batch: readonly object[]): Promise<Answer> => send(key, '/v1/events', JSON.stringify(batch));
const graphql = (key: string, query: string, variables: object = {}): Promise<Answer> =>
  send(key, '/graphql', JSON.stringify({ query, variables }));

async function newTenant(): Promise<{ key: string; id: string }> {
  const made = await graphql(admin, 'mutation { createTenant(name: "t", live: false) { secret } }');
  const key: string = made.body.data.createTenant.secret;
  return { key, id: (await graphql(key, '{ tenant { id } }')).body.data.tenant.id };
}
const countOf = (tenantId: string): Promise<string> =>
  db.database.withTenant(tenantId, async (tx) => {
    const [row] = await tx.query<{ count: string }>('SELECT count(*)::text AS count FROM usage_event WHERE tenant_id = $1', [tenantId]);
    return row?.count ?? '';
  });
/** No time passes for agreed rates until the test is over: what they let through does not depend on how fast requests are answered. */
function stopClockOfRates(): void {
  const now = performance.now();
  jest.spyOn(app.get<{ now: () => number }>(IngestRates as never), 'now').mockReturnValue(now);
}
/** What buffers hold once everything was thrown away that nobody uses. */
function bufferBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}
const held = (): number => app.get(IngestService).readings.held;
const until = async (isSo: () => boolean): Promise<void> => {
  for (let i = 0; i < 500 && !isSo(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isSo()).toBe(true);
};

/** Keeps every flush of the tenants waiting for as long as `work` runs. */
async function whileWritesWait(tenantIds: readonly string[], work: () => Promise<void>): Promise<void> {
  await db.database.withTenants([...tenantIds], async (tx) => {
    await tx.query('SELECT 1 FROM usage_clock WHERE tenant_id = ANY ($1::uuid[]) FOR UPDATE', [tenantIds]);
    await work();
  });
}

test('a full queue is answered with 429 and Retry-After by REST and OVERLOADED by GraphQL; what was acknowledged is there once, and nothing else', async () => {
  const [flood, small] = [await newTenant(), await newTenant()];
  const answers: Promise<Answer>[] = [];
  const smallAnswers: Promise<Answer>[] = [];
  await whileWritesWait([flood.id, small.id], async () => {
    for (let i = 0; i < 8; i += 1) answers.push(rest(flood.key, events(200)));
    await until(() => held() === 1_600);
    const refused = await rest(flood.key, events(200));
    expect(refused).toMatchObject({ status: 429, body: { code: 'OVERLOADED', message: expect.any(String) } });
    expect(Number(refused.retryAfter)).toBeGreaterThanOrEqual(1);
    expect(refused.body.retryAfterSeconds).toBe(Number(refused.retryAfter));
    const byGraphql = await graphql(flood.key, INGEST, { events: events(200) });
    expect(byGraphql.body.errors[0].extensions).toEqual({ code: 'OVERLOADED', retryAfterSeconds: Number(byGraphql.retryAfter) });
    // Whoever waits for nothing gets in; questions of the flooding tenant are answered.
    smallAnswers.push(rest(small.key, events(200)));
    await until(() => held() === 1_800);
    expect((await graphql(flood.key, '{ tenant { id } }')).body.data.tenant.id).toBe(flood.id);
  });
  for (const { status, body } of await Promise.all([...answers, ...smallAnswers])) {
    expect([status, body]).toEqual([200, { accepted: 200, duplicates: 0, rejected: [] }]);
  }
  expect([await countOf(flood.id), await countOf(small.id), held()]).toEqual(['1600', '200', 0]);
});

test('a flood that is refused does not grow the memory: bodies are not read', async () => {
  const { key, id } = await newTenant();
  const bodies = app.get(BodyAdmission);
  const body = JSON.stringify(events(400, { properties: { text: 'x'.repeat(1_500) } }));
  // Whoever was active before is so for a second, and leaves less room: a body more would get in afterwards, and wait.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await whileWritesWait([id], async () => {
    const first = Array.from({ length: 40 }, () => send(key, '/v1/events', body));
    await until(() => bodies.refused >= 38);
    const before = bufferBytes();
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => send(key, '/v1/events', body)));
      expect(new Set(answers.map(({ status, body: { code } }) => `${status} ${code}`))).toEqual(new Set(['429 OVERLOADED']));
      expect(bodies.heldBytes).toBeLessThanOrEqual(2_000_000);
    }
    // 200 bodies of 0.6 MB were sent; of those, and of the client's own buffers in this process, next to nothing is left.
    expect(bufferBytes() - before).toBeLessThan(40 * 2 ** 20);
    void Promise.all(first);
  });
  await until(() => bodies.heldBytes === 0);
});

test('a body of unknown length is counted as it comes, and let go of when it is refused or done', async () => {
  const { key, id } = await newTenant();
  const bodies = app.get(BodyAdmission);
  const whole = JSON.stringify(events(100));
  expect(await send(key, '/v1/events', [whole.slice(0, 50), whole.slice(50)])).toMatchObject({ status: 200, body: { accepted: 100 } });
  const large = JSON.stringify(events(400, { properties: { text: 'x'.repeat(2_000) } }));
  await whileWritesWait([id], async () => {
    const first = send(key, '/v1/events', large);
    await until(() => held() === 400);
    expect(await send(key, '/v1/events', [large.slice(0, 400_000), large.slice(400_000)])).toMatchObject({
      status: 429,
      retryAfter: '1',
      body: { code: 'OVERLOADED' },
    });
    void first;
  });
  await until(() => bodies.heldBytes === 0);
  expect(await countOf(id)).toBe('500');
});

describe('room for a body whose sender goes away', () => {
  const head = (key: string, length: number): string =>
    `POST /v1/events HTTP/1.1\r\nHost: tare\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const closed = (socket: Socket): Promise<void> =>
    new Promise(
      (resolve) =>
        void socket
          .resume()
          .on('error', () => undefined)
          .once('close', () => resolve()),
    );

  test('is given back, also where it went while its key was looked up', async () => {
    const { key } = await newTenant();
    const access = app.get(AccessService);
    const lookUp = access.authenticate.bind(access);
    const { server } = app.getHttpAdapter().getInstance();
    for (const isLookingUp of [true, true, false]) {
      const gone = new Promise<void>(
        (resolve) => void server.once('connection', (there: Socket) => void there.once('close', () => resolve())),
      );
      const socket = connect(port, '127.0.0.1');
      const looked = new Promise<void>((resolve) => {
        jest.spyOn(access, 'authenticate').mockImplementationOnce(async (secret) => {
          const principal = await lookUp(secret);
          resolve();
          if (isLookingUp) await gone;
          return principal;
        });
      });
      socket.write(`${head(key, 900_000)}[`);
      await looked;
      if (!isLookingUp) await until(() => app.get(BodyAdmission).heldBytes === 900_000);
      socket.destroy();
      await gone;
    }
    jest.restoreAllMocks();
    await until(() => app.get(BodyAdmission).heldBytes === 0);
    expect(await rest(key, events(1))).toMatchObject({ status: 200, body: { accepted: 1 } });
  });

  test('is given back where nothing more comes, and a body that came to its end may be worked on for longer', async () => {
    const { key } = await newTenant();
    const { server } = app.getHttpAdapter().getInstance();
    const connected = new Promise<Socket>((resolve) => void server.once('connection', resolve));
    const socket = connect(port, '127.0.0.1');
    const body = JSON.stringify(events(1));
    socket.write(`${head(key, body.length)}${body}`);
    const there = await connected;
    await new Promise((resolve) => void socket.once('data', resolve));
    expect(there.timeout).not.toBe(120_000);
    socket.write(`${head(key, 900_000)}[`);
    await until(() => app.get(BodyAdmission).heldBytes === 900_000);
    expect(there.timeout).toBe(120_000);
    // As after two minutes: nobody says that a sender has lost its network.
    there.emit('timeout');
    await closed(socket);
    await until(() => app.get(BodyAdmission).heldBytes === 0);
  });

  test('is given back to a request that waited behind one whose answer closed the connection', async () => {
    const { key } = await newTenant();
    const socket = connect(port, '127.0.0.1');
    socket.write(`${head(key, 4)}{bad${head(key, 900_000)}[${' '.repeat(899_998)}]`);
    await closed(socket);
    await until(() => app.get(BodyAdmission).heldBytes === 0);
  });
});

test('a connection that was refused with its body unread serves the next request', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { key } = await newTenant();
  await graphql(key, 'mutation { updateTenantSettings(input: { ingestEventsPerSecond: 1 }) { ingestEventsPerSecond } }');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const body = JSON.stringify(events(400, { properties: { text: 'x'.repeat(1_500) } }));
  stopClockOfRates();
  const statuses: number[] = [];
  let connections = 0;
  const { server } = app.getHttpAdapter().getInstance();
  const count = (): unknown => (connections += 1);
  server.on('connection', count);
  for (let i = 0; i < 4; i += 1) statuses.push((await send(key, '/v1/events', body, {}, agent)).status);
  server.off('connection', count);
  agent.destroy();
  expect([statuses, connections]).toEqual([[200, 429, 429, 429], 1]);
});

test('an agreed rate refuses what is above it with 429, says when to come back, and takes nothing of it', async () => {
  const { key, id } = await newTenant();
  const settings = 'mutation ($rate: Int) { updateTenantSettings(input: { ingestEventsPerSecond: $rate }) { ingestEventsPerSecond } }';
  expect((await graphql(key, settings, { rate: 100 })).body.data.updateTenantSettings).toEqual({ ingestEventsPerSecond: 100 });
  const made = 'mutation { createApiKey(name: "slow", scopes: [INGEST], eventsPerSecond: 5) { secret apiKey { eventsPerSecond } } }';
  const slow = (await graphql(key, made)).body.data.createApiKey;
  expect(slow.apiKey.eventsPerSecond).toBe(5);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  stopClockOfRates();
  expect((await rest(slow.secret, events(15))).body).toEqual({ accepted: 15, duplicates: 0, rejected: [] });
  expect(await rest(slow.secret, events(1))).toMatchObject({
    status: 429,
    retryAfter: '2',
    body: { code: 'RATE_LIMITED', retryAfterSeconds: 2 },
  });
  // The tenant's other keys have what is left of its own rate, and may owe.
  expect((await rest(key, events(500))).body.accepted).toBe(500);
  expect(await rest(key, events(1))).toMatchObject({ status: 429, retryAfter: '4', body: { code: 'RATE_LIMITED' } });
  const byGraphql = await graphql(key, INGEST, { events: events(1) });
  expect(byGraphql).toMatchObject({ retryAfter: '4', body: { errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 4 } }] } });
  expect(await countOf(id)).toBe('515');
  expect((await graphql(key, settings, { rate: null })).body.data.updateTenantSettings).toEqual({ ingestEventsPerSecond: null });
});

test('a rate of requests holds for questions too', async () => {
  const { key } = await newTenant();
  await graphql(key, 'mutation { updateTenantSettings(input: { requestsPerSecond: 1 }) { requestsPerSecond } }');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  stopClockOfRates();
  const answers = [];
  for (let i = 0; i < 4; i += 1) answers.push(await graphql(key, '{ tenant { id } }'));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
  expect(answers.at(-1)).toMatchObject({
    status: 429,
    retryAfter: '1',
    body: { errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 } }] },
  });
});

test('limits of body, batch and depth are what was set, each with a code of its own', async () => {
  const { key } = await newTenant();
  expect(await rest(key, events(501))).toMatchObject({
    status: 413,
    body: { code: 'BATCH_TOO_LARGE', message: expect.stringMatching(/500/) },
  });
  const large = JSON.stringify(events(10, { properties: { text: 'x'.repeat(200_000) } }));
  expect(await send(key, '/v1/events', large)).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
  const deep = `[${'['.repeat(100_000)}${']'.repeat(100_000)}]`;
  expect(await send(key, '/v1/events', deep)).toMatchObject({
    status: 400,
    body: { code: 'JSON_TOO_DEEP', message: expect.stringMatching(/64/) },
  });
  const variables = `{"query":"{ tenant { id } }","variables":{"a":${deep}}}`;
  expect((await send(key, '/graphql', variables)).body).toEqual({
    errors: [{ message: expect.any(String), extensions: { code: 'JSON_TOO_DEEP' } }],
  });
});

test('what waits and what was refused is told at /metrics, without a tenant in it', async () => {
  const text = (await app.inject({ url: '/metrics' })).body;
  expect(text).toMatch(/^tare_ingest_queue_events 0$/m);
  expect(text).toMatch(/^tare_ingest_refused_total\{reason="queue"\} [1-9]\d*$/m);
  expect(text).toMatch(/^tare_ingest_refused_total\{reason="bodies"\} [1-9]\d*$/m);
  expect(text).toMatch(/^tare_ingest_refused_total\{reason="rate"\} [1-9]\d*$/m);
  const [, all] = /^tare_ingest_flush_events_bucket\{le="\+Inf"\} (\d+)$/m.exec(text) ?? [];
  expect(text).toContain(`tare_ingest_flush_events_count ${all}`);
  expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
});
