import { jest } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { CustomersModule, CustomerStore } from '@tare/customers';
import { Decimal, dimensionsKey, parseInstant, type UsageRecord } from '@tare/core';
import { createTestDatabase, Database, DatabaseModule, type TestDatabase } from '@tare/database';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { eventIdentity } from './event-identity.ts';
import { EventWriter } from './event-writer.ts';
import { MAX_BATCH } from './ingest-bounds.ts';
import { IngestService, type IngestResult } from './ingest.service.ts';
import { UsageAnnouncements } from './usage-announcements.ts';
import { UsageEventStore } from './usage-event.store.ts';
import { UsageLists } from '../buckets/usage-lists.ts';
import { UsageModule } from '../usage.module.ts';
import { UsageReader } from '../buckets/usage-reader.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const FIRST = parseInstant('2020-01-01T00:00:00Z');

let db: TestDatabase;
let modules: TestingModule[];
let ingest: IngestService;
let reader: UsageReader;

/** A process of its own, on the same database. */
async function startProcess(): Promise<TestingModule> {
  const module = await Test.createTestingModule({
    imports: [DatabaseModule.register({ url: db.url, connections: 6 }), UsageModule, CustomersModule],
  }).compile();
  modules.push(module);
  return module;
}

beforeAll(async () => {
  db = await createTestDatabase();
  modules = [];
  const module = await startProcess();
  ingest = module.get(IngestService);
  reader = module.get(UsageReader);
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  for (const module of modules) await module.close();
  await db.drop();
});

const event = (key: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  key,
  customer: 'acme',
  type: 'llm.completion',
  at: '2026-11-20T10:00:00Z',
  provider: 'nobody',
  model: 'in-no-catalogue',
  tokens: { input: 100, output: 10 },
  ...more,
});
const send = (tenantId: string, raws: readonly unknown[], by: IngestService = ingest): Promise<IngestResult> =>
  by.ingest(tenantId, raws, NOW);

async function bucketsOf(tenantId: string, customer = 'acme', by = reader): Promise<UsageRecord[]> {
  return db.database.withTenant(tenantId, async (tx) => {
    const no = (await new CustomerStore().numbersOf(tx, [customer])).get(customer) ?? -1;
    return by.read(tx, { customerNo: no, cuts: [FIRST, NOW + 1] });
  });
}
const countOf = async (tenantId: string, customer?: string): Promise<string> =>
  Decimal.sum((await bucketsOf(tenantId, customer)).map(({ events }) => events)).toString();
const storedEvents = (tenantId: string): Promise<{ key: string; seq: number }[]> =>
  db.database.withTenant(tenantId, (tx) => tx.query('SELECT key, seq FROM usage_event WHERE tenant_id = $1 ORDER BY key', [tenantId]));
const ACCEPTED = { accepted: 1, duplicates: 0, rejected: [] };

describe('identity of events', () => {
  test('3.1 an event is known by tenant and key alone: the same key at another time is the same event with other contents', async () => {
    const tenantId = await db.createTenant();
    expect(await send(tenantId, [event('a')])).toEqual(ACCEPTED);
    const result = await send(tenantId, [event('a', { at: '2026-09-01T00:00:00Z' })]);
    expect(result).toMatchObject({ accepted: 0, duplicates: 0, rejected: [{ index: 0, key: 'a', code: 'KEY_REUSED' }] });
    expect(await send(await db.createTenant(), [event('a')])).toEqual(ACCEPTED);
    expect(await countOf(tenantId)).toBe('1');
  });

  test('3.1 contents are equal after normalisation: 1.0 is 1, and the order of fields says nothing', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [event('a', { quantity: '1.0', properties: { x: 1, y: [2] }, user: '' })]);
    const again = { properties: { y: [2], x: 1.0 }, quantity: 1, ...event('a') };
    expect(await send(tenantId, [again])).toEqual({ accepted: 0, duplicates: 1, rejected: [] });
    expect((await send(tenantId, [event('a', { quantity: '1.0', properties: { x: 1, y: [3] } })])).rejected[0]?.code).toBe('KEY_REUSED');
  });

  test('3.1 keys that look alike are different keys: a UUID in capitals, a ULID in small letters, and a UUID made to equal the hash of a key', async () => {
    const tenantId = await db.createTenant();
    const uuid = '0190f5d2-7b3a-7cde-8f00-112233445566';
    const ulid = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const hash = eventIdentity('a key');
    const disguised = hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const asUlid = uuidOfIdentity(eventIdentity(ulid));
    const keys = [uuid, uuid.toUpperCase(), ulid, ulid.toLowerCase(), 'a key', disguised, asUlid, uuid.replaceAll('-', '')];
    expect(new Set(keys.map(eventIdentity)).size).toBe(keys.length);
    expect(
      await send(
        tenantId,
        keys.map((key) => event(key)),
      ),
    ).toEqual({ accepted: keys.length, duplicates: 0, rejected: [] });
    expect(
      await send(
        tenantId,
        keys.map((key) => event(key)),
      ),
    ).toEqual({ accepted: 0, duplicates: keys.length, rejected: [] });
  });

  test('keys with an order keep it', () => {
    const uuids = ['0190f5d2-7b3a-7cde-8f00-112233445566', '0190f5d2-7b3a-7cde-8f00-112233445567', '0190f5d3-0000-7000-8000-000000000000'];
    const ulids = ['01ARZ3NDEKTSV4RRFFQ69G5FAV', '01ARZ3NDEKTSV4RRFFQ69G5FAW', '01BRZ3NDEKTSV4RRFFQ69G5FAA'];
    for (const keys of [uuids, ulids]) expect(keys.map(eventIdentity).sort()).toEqual(keys.map(eventIdentity));
    for (const key of [...uuids, ...ulids, 'x']) expect(eventIdentity(key)).toMatch(/^[0-9a-f]{32}$/);
  });
});

const uuidOfIdentity = (identity: string): string => identity.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

describe('answers', () => {
  test('3.2 equal repeats are duplicates, other contents are rejected alone, also inside one batch: the first wins', async () => {
    const tenantId = await db.createTenant();
    const batch = [event('a'), event('a'), event('a', { model: 'other' }), event('b')];
    expect(await send(tenantId, batch)).toMatchObject({
      accepted: 2,
      duplicates: 1,
      rejected: [{ index: 2, key: 'a', code: 'KEY_REUSED' }],
    });
    const second = [event('a', { model: 'other' }), event('a', { model: 'other' }), event('a')];
    expect(await send(tenantId, second)).toMatchObject({ accepted: 0, duplicates: 1, rejected: [{ index: 0 }, { index: 1 }] });
    expect((await storedEvents(tenantId)).map(({ key }) => key)).toEqual(['a', 'b']);
  });

  test('3.2 one bad event never sinks its batch', async () => {
    const tenantId = await db.createTenant();
    const batch = [
      null,
      event('a'),
      event('b', { tokens: { input: 5, cacheRead: 6 } }),
      event('c', { subscription: 'no id' }),
      event('d', { quantity: -1 }),
      event('e'),
    ];
    expect(await send(tenantId, batch)).toMatchObject({
      accepted: 2,
      duplicates: 0,
      rejected: [
        { index: 0, key: null, code: 'INVALID_EVENT' },
        { index: 2, key: 'b', code: 'TOKEN_PARTS_EXCEED_TOTAL' },
        { index: 3, key: 'c', code: 'INVALID_FIELD' },
        { index: 4, key: 'd', code: 'NEGATIVE_NUMBER' },
      ],
    });
    expect(await countOf(tenantId)).toBe('2');
  });

  test('more than 10,000 events are refused and nothing of them is written', async () => {
    const tenantId = await db.createTenant();
    const batch = Array.from({ length: MAX_BATCH + 1 }, (_, i) => event(`k${i}`));
    await expect(send(tenantId, batch)).rejects.toMatchObject({ code: 'BATCH_TOO_LARGE' });
    expect(await storedEvents(tenantId)).toEqual([]);
    expect(await send(tenantId, batch.slice(1))).toEqual({ accepted: MAX_BATCH, duplicates: 0, rejected: [] });
    expect(await countOf(tenantId)).toBe(String(MAX_BATCH));
  });

  test('2.4 live tenants take events within their window, test tenants any; the retention horizon binds both', async () => {
    const [live, test_] = [await db.createTenant({ live: true }), await db.createTenant()];
    const old = event('old', { at: '2026-10-01T00:00:00Z' });
    expect((await send(live, [old, event('new')])).rejected).toMatchObject([{ index: 0, key: 'old', code: 'AT_TOO_OLD' }]);
    expect(await send(test_, [old])).toEqual(ACCEPTED);
    const retain = (tenantId: string): Promise<unknown> =>
      db.database.withTenant(tenantId, (tx) =>
        tx.query('UPDATE tenant_settings SET retention_days = 30, backdating_days = 90 WHERE tenant_id = $1', [tenantId]),
      );
    await retain(test_);
    await retain(live);
    for (const tenantId of [live, test_]) ingest.limitsChanged(tenantId);
    const older = event('older', { at: '2026-10-20T00:00:00Z' });
    for (const tenantId of [live, test_]) expect((await send(tenantId, [older])).rejected[0]?.code).toBe('AT_TOO_OLD');
    expect((await send(test_, [event('ahead', { at: '2026-11-21T12:06:00Z' })])).rejected[0]?.code).toBe('AT_IN_FUTURE');
  });
});

/** The connection breaks around the commit of the first transaction that wrote buckets. */
function breakFirstFlush(module: TestingModule, when: 'before its commit' | 'after its commit'): void {
  const database = module.get(Database);
  const store = module.get(UsageEventStore);
  const [withTenants, insertBuckets] = [database.withTenants.bind(database), store.insertBuckets.bind(store)];
  let state: 'WAITING' | 'WRITING' | 'BROKEN' = 'WAITING';
  const breakOnce = (): void => {
    if (state !== 'WRITING') return;
    state = 'BROKEN';
    throw new Error('the connection broke');
  };
  jest.spyOn(store, 'insertBuckets').mockImplementation(async (tx, rows) => {
    await insertBuckets(tx, rows);
    if (state === 'WAITING') state = 'WRITING';
  });
  jest.spyOn(database, 'withTenants').mockImplementation(async (tenantIds, work) => {
    const result = await withTenants(tenantIds, async (tx) => {
      const answer = await work(tx);
      if (when === 'before its commit') breakOnce();
      return answer;
    });
    breakOnce();
    return result;
  });
}

describe('durability', () => {
  test('3.3 an event is acknowledged after its commit: when the commit fails, the request fails and nothing is kept', async () => {
    const tenantId = await db.createTenant();
    const failing = await startProcess();
    breakFirstFlush(failing, 'before its commit');
    await expect(send(tenantId, [event('a')], failing.get(IngestService))).rejects.toThrow('the connection broke');
    expect(await storedEvents(tenantId)).toEqual([]);
    expect(await countOf(tenantId)).toBe('0');
    expect(await send(tenantId, [event('a')], failing.get(IngestService))).toEqual(ACCEPTED);
    expect(await countOf(tenantId)).toBe('1');
  });

  test('3.3 an acknowledged event is seen at once by every other process, in its buckets too', async () => {
    const tenantId = await db.createTenant();
    const other = await startProcess();
    await send(tenantId, [event('a')]);
    expect(await bucketsOf(tenantId, 'acme', other.get(UsageReader))).toHaveLength(1);
    expect(await send(tenantId, [event('a')], other.get(IngestService))).toEqual({ accepted: 0, duplicates: 1, rejected: [] });
  });

  test('3.3 a commit whose answer is lost is not counted again when the sender repeats it', async () => {
    const tenantId = await db.createTenant();
    const failing = await startProcess();
    breakFirstFlush(failing, 'after its commit');
    await expect(send(tenantId, [event('a')], failing.get(IngestService))).rejects.toThrow('the connection broke');
    expect(await send(tenantId, [event('a'), event('b')], failing.get(IngestService))).toEqual({
      accepted: 1,
      duplicates: 1,
      rejected: [],
    });
    expect(await countOf(tenantId)).toBe('2');
  });

  test('a deadlock in a flush is tried again and its sender never hears of it', async () => {
    const tenantId = await db.createTenant();
    const failing = await startProcess();
    jest
      .spyOn(failing.get(UsageEventStore), 'insertEvents')
      .mockRejectedValueOnce(Object.assign(new Error('deadlock detected'), { code: '40P01' }));
    expect(await send(tenantId, [event('a')], failing.get(IngestService))).toEqual(ACCEPTED);
    expect(await countOf(tenantId)).toBe('1');
  });
});

describe('several tenants in one flush', () => {
  test("a tenant that fails fails alone: the other's events of the same flush stand", async () => {
    const [good, gone, busy] = [await db.createTenant(), await db.createTenant(), await db.createTenant()];
    const failing = await startProcess();
    const flushes: string[][] = [];
    const writer = failing.get(EventWriter);
    const write = writer.write.bind(writer);
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    jest.spyOn(writer, 'write').mockImplementation(async (events) => {
      flushes.push([...new Set(events.map(({ tenantId }) => tenantId))]);
      if (flushes.length <= 2) await gate;
      return write(events);
    });
    await db.database.withTenant(gone, (tx) => tx.query('DELETE FROM usage_clock WHERE tenant_id = $1', [gone]));
    const by = failing.get(IngestService);
    // Two flushes are under way; what comes meanwhile waits and is written together.
    const first = [send(busy, [event('x1')], by)];
    await Promise.resolve();
    first.push(send(busy, [event('x2')], by));
    while (flushes.length < 2) await new Promise(setImmediate);
    const sent = Promise.allSettled([send(good, [event('a')], by), send(gone, [event('b')], by), send(good, [event('c')], by)]);
    while (by.readings.held < 5) await new Promise(setImmediate);
    open();
    const [a, b, c] = await sent;
    await Promise.all(first);
    expect(flushes[2]?.sort()).toEqual([good, gone].sort());
    expect(a).toMatchObject({ status: 'fulfilled', value: ACCEPTED });
    expect(c).toMatchObject({ status: 'fulfilled', value: ACCEPTED });
    expect(b).toMatchObject({ status: 'rejected', reason: { message: `tenant ${gone} has no usage clock` } });
    expect((await storedEvents(good)).map(({ key }) => key)).toEqual(['a', 'c']);
    expect(await storedEvents(gone)).toEqual([]);
    expect(await countOf(good)).toBe('2');
  });

  test('the same key of two tenants in one flush is two events, and neither sees the other', async () => {
    const tenants = await Promise.all(Array.from({ length: 4 }, () => db.createTenant()));
    const results = await Promise.all(tenants.map((tenantId, i) => send(tenantId, [event('same', { quantity: i })])));
    expect(results).toEqual(tenants.map(() => ACCEPTED));
    for (const [i, tenantId] of tenants.entries()) {
      expect((await bucketsOf(tenantId)).map(({ quantity }) => quantity.toString())).toEqual([String(i)]);
    }
  });
});

describe('concurrency', () => {
  test('3.3 eight clients on two processes with overlapping keys count each key once', async () => {
    const tenantId = await db.createTenant();
    const [one, two] = [await startProcess(), await startProcess()];
    const keys = Array.from({ length: 120 }, () => randomUUID());
    const clients = Array.from({ length: 8 }, async (_, client) => {
      const results: IngestResult[] = [];
      for (let round = 0; round < 6; round += 1) {
        const batch = keys.filter((__, i) => (i + client + round) % 3 !== 0).sort(() => ((client + round) % 2 ? 1 : -1));
        results.push(
          await send(
            tenantId,
            batch.map((key) => event(key, { quantity: 1 })),
            (client % 2 ? one : two).get(IngestService),
          ),
        );
      }
      return results;
    });
    const results = (await Promise.all(clients)).flat();
    expect(results.flatMap(({ rejected }) => rejected)).toEqual([]);
    expect(results.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(keys.length);
    expect(await storedEvents(tenantId)).toHaveLength(keys.length);
    expect(await countOf(tenantId)).toBe(String(keys.length));
  });

  test('the first events of a month may come to several processes at once', async () => {
    const tenantId = await db.createTenant();
    const processes = await Promise.all(Array.from({ length: 3 }, startProcess));
    const months = Array.from({ length: 12 }, (_, i) => `2022-${String(i + 1).padStart(2, '0')}-15T00:00:00Z`);
    const sent = months.flatMap((at, i) =>
      processes.map((module, n) => send(tenantId, [event(`m${i}-${n}`, { at })], module.get(IngestService))),
    );
    expect(await Promise.all(sent)).toEqual(sent.map(() => ACCEPTED));
  });

  test('commit numbers have no gap that is filled later: whoever reads one sees everything up to it', async () => {
    const tenantId = await db.createTenant();
    const [one, two] = [await startProcess(), await startProcess()];
    const seen: { seq: number; events: string }[] = [];
    let isDone = false;
    const watch = async (): Promise<void> => {
      while (!isDone) {
        await db.database.withTenant(tenantId, async (tx) => {
          const seq = await reader.currentSeq(tx);
          const records = await reader.readMany(tx, { customerNos: null, cuts: [FIRST, NOW], upToSeq: seq });
          seen.push({ seq, events: Decimal.sum(records.map(({ events }) => events)).toString() });
        });
      }
    };
    const watching = watch();
    await Promise.all(Array.from({ length: 60 }, (_, i) => send(tenantId, [event(`s${i}`)], (i % 2 ? one : two).get(IngestService))));
    isDone = true;
    await watching;
    for (const { seq, events } of seen) {
      const again = await db.database.withTenant(tenantId, (tx) =>
        reader.readMany(tx, { customerNos: null, cuts: [FIRST, NOW], upToSeq: seq }),
      );
      expect(Decimal.sum(again.map((record) => record.events)).toString()).toBe(events);
    }
    expect(await countOf(tenantId)).toBe('60');
  });

  test('3.1 every order, batching and repetition of the same events gives the same buckets', async () => {
    const facts = fc.array(
      fc.record({
        key: fc.integer({ min: 0, max: 15 }),
        minute: fc.nat(100),
        customer: fc.constantFrom('acme', 'beta'),
        model: fc.constantFrom('m1', 'm2', null),
        input: fc.nat(1_000),
        quantity: fc.constantFrom('0.1', '0.20', '3'),
        reported: fc.constantFrom(null, '0.000001', '2.5'),
      }),
      { minLength: 1, maxLength: 16 },
    );
    const plan = fc.record({ facts, order: fc.array(fc.nat(), { minLength: 24, maxLength: 24 }), size: fc.integer({ min: 1, max: 7 }) });
    await fc.assert(
      fc.asyncProperty(plan, async ({ facts: drawn, order, size }) => {
        const unique = [...new Map(drawn.map((fact) => [fact.key, fact])).values()];
        const events = unique.map(({ key, minute, customer, model, input, quantity, reported }) =>
          event(`p${key}`, {
            at: new Date(Date.parse('2026-11-01T00:00:00Z') + minute * 60_000).toISOString(),
            ...{
              customer,
              model,
              quantity,
              tokens: { input },
              reportedCost: reported === null ? null : { amount: reported, currency: 'USD' },
            },
          }),
        );
        const shuffled = [...events, ...order.map((n) => events[n % events.length])];
        const [plain, mixed] = [await db.createTenant(), await db.createTenant()];
        await send(plain, events);
        const batches: unknown[][] = [];
        for (const [i, one] of shuffled.reverse().entries()) (batches[Math.floor(i / size)] ??= []).push(one);
        await Promise.all(batches.map((batch) => send(mixed, batch)));
        for (const customer of ['acme', 'beta']) {
          const [a, b] = [await bucketsOf(plain, customer), await bucketsOf(mixed, customer)];
          const text = (records: UsageRecord[]): string[] =>
            records.map((record) => `${dimensionsKey(record)} ${JSON.stringify(record)}`).sort();
          expect(text(b)).toEqual(text(a));
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('what an event is worth knowing at ingest', () => {
  test('9.1 a reported cost is kept with its currency; an event of an unknown model is unpriced, never 0; one without any of it bears no cost', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [
      event('reported', { reportedCost: { amount: '0.0123', currency: 'EUR' } }),
      event('unknown'),
      event('ticket', { provider: null, model: null, tokens: null, type: 'ticket.resolved' }),
    ]);
    const records = await bucketsOf(tenantId);
    const states = records.map(({ costState, costCurrency, cost }) => [costState, costCurrency, cost.toString()]);
    expect(states.sort()).toEqual([
      ['NOT_COST_BEARING', null, '0'],
      ['REPORTED', 'EUR', '0.0123'],
      ['UNPRICED', null, '0'],
    ]);
    const costs = await db.database.withTenant(tenantId, (tx) =>
      tx.query('SELECT key, cost FROM usage_event WHERE tenant_id = $1 ORDER BY key', [tenantId]),
    );
    expect(costs).toEqual([
      { key: 'reported', cost: '0.0123' },
      { key: 'ticket', cost: null },
      { key: 'unknown', cost: null },
    ]);
  });

  test('unpriced models are listed by volume, largest first, with their earliest event', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [
      event('a', { model: 'small', tokens: { input: 10 } }),
      event('b', { model: 'large', tokens: { input: 1_000, output: 500 }, at: '2026-11-03T10:00:07Z' }),
      event('c', { model: 'large', tokens: { input: 1_000 } }),
      event('d', { model: 'priced', tokens: { input: 1_000_000 }, reportedCost: { amount: '1', currency: 'USD' } }),
    ]);
    const models = await modules[0]?.get(UsageLists).unpricedModels(tenantId, 10);
    expect(models?.map(({ model, events, tokens }) => [model, events.toString(), tokens.toString()])).toEqual([
      ['large', '2', '2500'],
      ['small', '1', '10'],
    ]);
    expect(models?.[0]?.firstSeen).toBe(parseInstant('2026-11-03T10:00:07Z'));
    expect(await modules[0]?.get(UsageLists).unpricedModels(tenantId, 1)).toHaveLength(1);
  });

  test('the span of usage is that of its cells, over all customers; there is none without usage', async () => {
    const tenantId = await db.createTenant();
    const lists = modules[0]?.get(UsageLists);
    expect(await lists?.span(tenantId)).toBeNull();
    await send(tenantId, [
      event('a', { customer: 'early', at: '2026-11-03T10:17:07Z' }),
      event('b', { customer: 'late', at: '2026-11-05T23:59:59Z' }),
      event('c', { customer: 'early', at: '2026-11-04T00:00:00Z' }),
    ]);
    expect(await lists?.span(tenantId)).toEqual({ start: parseInstant('2026-11-03T10:15:00Z'), end: parseInstant('2026-11-06T00:00:00Z') });
  });

  test('3.7 events of a customer that does not exist are kept and listed, and become its own when it is created', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [
      event('a', { customer: 'unknown' }),
      event('b', { customer: 'unknown', at: '2026-11-19T10:00:01Z' }),
      event('c', { customer: 'known' }),
    ]);
    const lists = modules[0]?.get(UsageLists);
    await createCustomer(tenantId, 'known');
    expect((await lists?.unattributed(tenantId, 10))?.map((row) => ({ ...row, events: row.events.toString() }))).toEqual([
      { key: 'unknown', events: '2', firstSeen: parseInstant('2026-11-19T10:00:01Z') },
    ]);
    await createCustomer(tenantId, 'unknown');
    expect(await lists?.unattributed(tenantId, 10)).toEqual([]);
    expect(await countOf(tenantId, 'unknown')).toBe('2');
  });

  const createCustomer = (tenantId: string, key: string): Promise<unknown> =>
    db.database.withTenant(tenantId, (tx) =>
      new CustomerStore().insert(tx, { key, name: key, email: null, currency: null, timeZone: 'UTC' }),
    );

  test('a commit is announced with its customers, after it; a listener that throws harms nobody', async () => {
    const tenantId = await db.createTenant();
    const heard: [string, number, number][] = [];
    const announcements = modules[0]?.get(UsageAnnouncements);
    const stopFirst = announcements?.onCommitted(() => {
      throw new Error('a listener that throws');
    });
    const stop = announcements?.onCommitted((id, customers) => heard.push([id, customers.length, 0]));
    expect(await send(tenantId, [event('a'), event('b', { customer: 'beta' })])).toMatchObject({ accepted: 2 });
    await send(tenantId, [event('a')]);
    stop?.();
    stopFirst?.();
    await send(tenantId, [event('c')]);
    expect(heard).toEqual([[tenantId, 2, 0]]);
  });

  test('texts with quotes, braces, commas and NULL in them are kept as they are', async () => {
    const tenantId = await db.createTenant();
    const odd = 'a "b" \\ {c},NULL\n\t—🙂';
    await send(tenantId, [
      event(odd, { customer: odd, model: odd, user: odd, traceId: odd, properties: { [odd]: odd } }),
      event('NULL', { user: 'NULL' }),
    ]);
    const rows = await db.database.withTenant(tenantId, (tx) =>
      tx.query(
        'SELECT e.key, e."user", e.trace_id, e.properties, d.model FROM usage_event e JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = e.dimension_no WHERE e.tenant_id = $1 ORDER BY e.key DESC',
        [tenantId],
      ),
    );
    expect(rows).toContainEqual({ key: odd, user: odd, trace_id: odd, properties: { [odd]: odd }, model: odd });
    expect(rows).toContainEqual({ key: 'NULL', user: 'NULL', trace_id: null, properties: null, model: 'in-no-catalogue' });
    expect(await countOf(tenantId, odd)).toBe('1');
  });
});
