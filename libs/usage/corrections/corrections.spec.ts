import { jest } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { CustomersModule, CustomerStore } from '@tare/customers';
import { Decimal, parseInstant, type UsageRecord } from '@tare/core';
import { createTestDatabase, Database, DatabaseModule, type TestDatabase } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { CorrectionsService } from './corrections.service.ts';
import { eventIdentity } from '../ingest/event-identity.ts';
import { rowIdentity } from './event-revision.ts';
import { IngestService, type IngestResult } from '../ingest/ingest.service.ts';
import { UsageAnnouncements } from '../ingest/usage-announcements.ts';
import { UsageBoundaries } from '../buckets/usage-boundaries.ts';
import { UsageCosting } from '../costing/usage-costing.ts';
import { UsageEventStore } from '../ingest/usage-event.store.ts';
import { UsageLists } from '../buckets/usage-lists.ts';
import { UsageModule } from '../usage.module.ts';
import { UsageReader } from '../buckets/usage-reader.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const FIRST = parseInstant('2020-01-01T00:00:00Z');
const AUTHOR = { actor: 'key of Ada', reason: null };

let db: TestDatabase;
let modules: TestingModule[];
let ingest: IngestService;
let corrections: CorrectionsService;
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
  corrections = module.get(CorrectionsService);
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
  type: 'call',
  at: '2026-11-20T10:00:00Z',
  quantity: 1,
  ...more,
});
const send = (tenantId: string, ...raws: unknown[]): Promise<IngestResult> => ingest.ingest(tenantId, raws, NOW);
const revoke = (tenantId: string, ...keys: unknown[]): Promise<IngestResult> => corrections.voidEvents(tenantId, keys, AUTHOR);
const amend = (tenantId: string, ...raws: unknown[]): Promise<IngestResult> => corrections.amendEvents(tenantId, raws, AUTHOR, NOW);
const answer = (accepted: number, duplicates = 0): IngestResult => ({ accepted, duplicates, rejected: [] });

const inTenant = <Result extends object>(tenantId: string, sql: string): Promise<Result[]> =>
  db.database.withTenant(tenantId, (tx) => tx.query(sql, [tenantId]));
const currentSeq = (tenantId: string): Promise<number> => db.database.withTenant(tenantId, (tx) => reader.currentSeq(tx));
const customerNo = (tenantId: string, customer = 'acme'): Promise<number> =>
  db.database.withTenant(tenantId, async (tx) => (await new CustomerStore().numbersOf(tx, [customer])).get(customer) ?? -1);
async function usage(tenantId: string, customer = 'acme', upToSeq?: number): Promise<UsageRecord[]> {
  const query = { customerNo: await customerNo(tenantId, customer), cuts: [FIRST, NOW + 1], ...(upToSeq === undefined ? {} : { upToSeq }) };
  return db.database.withTenant(tenantId, (tx) => reader.read(tx, query));
}
async function quantityOf(tenantId: string, customer = 'acme', upToSeq?: number): Promise<string> {
  return Decimal.sum((await usage(tenantId, customer, upToSeq)).map(({ quantity }) => quantity)).toString();
}

describe('voiding', () => {
  test('3.5 a voided event counts no more, and whoever reads as of an earlier commit still sees it', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', { quantity: 5 }), event('b', { quantity: 7, at: '2026-11-20T10:07:00Z' }));
    const before = await currentSeq(tenantId);
    const seen = await usage(tenantId);
    expect(await revoke(tenantId, 'a')).toEqual(answer(1));
    expect(await quantityOf(tenantId)).toBe('7');
    expect(await usage(tenantId, 'acme', before)).toEqual(seen);
    const span = { customerNo: await customerNo(tenantId), from: FIRST, to: NOW };
    const single = (upToSeq: number): Promise<UsageRecord[]> =>
      db.database.withTenant(tenantId, (tx) => reader.readEvents(tx, { ...span, upToSeq }));
    expect((await single(before)).map(({ quantity }) => quantity.toString())).toEqual(['5', '7']);
    expect((await single(before + 1)).map(({ quantity }) => quantity.toString())).toEqual(['7']);
  });

  test('3.5 voiding again is a duplicate, an unknown key is rejected by its position, and the others stand', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'), event('b'));
    const expected = { index: 1, key: 'no such', code: 'KEY_UNKNOWN', message: expect.stringMatching(/No event has this key/) };
    expect(await revoke(tenantId, 'a', 'no such', 'b')).toEqual({ accepted: 2, duplicates: 0, rejected: [expected] });
    expect(await revoke(tenantId, 'a', 'b', 'a')).toEqual(answer(0, 3));
    expect(await usage(tenantId)).toEqual([]);
    const seq = await currentSeq(tenantId);
    await revoke(tenantId, 'a');
    expect(await currentSeq(tenantId)).toBe(seq);
  });

  test('a key that is none is rejected alone, and says what is wrong', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'));
    const { accepted, rejected } = await revoke(tenantId, '', 'x'.repeat(256), 5, 'a\u0000', 'a');
    expect(accepted).toBe(1);
    expect(rejected.map(({ index, code, message }) => [index, code, message.slice(0, 5)])).toEqual([
      [0, 'KEY_MISSING', 'key: '],
      [1, 'KEY_TOO_LONG', 'key: '],
      [2, 'INVALID_FIELD', 'key: '],
      [3, 'INVALID_CHARACTER', 'key: '],
    ]);
  });

  test('3.1 sending a voided event again never revives it, and other contents do not get its key', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'));
    await revoke(tenantId, 'a');
    expect(await send(tenantId, event('a'))).toEqual(answer(0, 1));
    expect((await send(tenantId, event('a', { quantity: 2 }))).rejected[0]?.code).toBe('KEY_REUSED');
    expect(await amend(tenantId, event('a', { quantity: 2 }))).toMatchObject({
      accepted: 0,
      rejected: [{ index: 0, code: 'EVENT_VOIDED' }],
    });
    expect(await amend(tenantId, event('a'))).toEqual(answer(0, 1));
    expect(await usage(tenantId)).toEqual([]);
  });

  test('2.4 events of live tenants can be voided however old they are, and amended within the window only', async () => {
    const tenantId = await db.createTenant({ live: true });
    const old = event('old', { at: '2026-10-20T00:00:00Z' });
    await send(tenantId, old, event('older', { at: '2026-10-18T00:00:00Z' }));
    const later = NOW + 60 * 86_400_000_000;
    const amended = await corrections.amendEvents(tenantId, [{ ...old, quantity: 2 }], AUTHOR, later);
    expect(amended).toMatchObject({ accepted: 0, rejected: [{ index: 0, key: 'old', code: 'AT_TOO_OLD' }] });
    expect(await revoke(tenantId, 'old')).toEqual(answer(1));
    expect(await quantityOf(tenantId)).toBe('1');
  });

  test('an event that retention has dropped is not voided: what it added stays', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'), event('b'));
    await inTenant(tenantId, `DELETE FROM usage_event WHERE tenant_id = $1 AND key = 'a'`);
    expect(await revoke(tenantId, 'a', 'b', 'a')).toMatchObject({
      accepted: 1,
      rejected: [
        { index: 0, key: 'a', code: 'EVENT_NOT_KEPT' },
        { index: 2, key: 'a', code: 'EVENT_NOT_KEPT' },
      ],
    });
    expect(await quantityOf(tenantId)).toBe('1');
  });

  test('an event beyond the horizon of retention counts as dropped, also while its row is still there', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', { at: '2026-09-30T23:59:59Z' }), event('b', { at: '2026-10-01T00:00:00Z' }));
    await inTenant(
      tenantId,
      `INSERT INTO usage_retention (tenant_id, refused_before, announced_at, dropped_before) VALUES ($1, '2026-10-01Z', now(), '2026-10-01Z')`,
    );
    expect(await revoke(tenantId, 'a', 'b')).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: 'EVENT_NOT_KEPT' }] });
    expect(await quantityOf(tenantId)).toBe('1');
  });

  test('worklists and the span of usage pass over what was voided', async () => {
    const tenantId = await db.createTenant();
    const unpriced = { provider: 'nobody', model: 'x', tokens: { input: 10 }, quantity: undefined };
    await send(tenantId, event('a', { ...unpriced, at: '2026-10-01T00:00:00Z' }), event('b', { ...unpriced, at: '2026-11-01T00:00:01Z' }));
    await revoke(tenantId, 'a');
    const lists = new UsageLists(db.database);
    expect(await lists.unpricedModels(tenantId, 5)).toMatchObject([{ model: 'x', firstSeen: parseInstant('2026-11-01T00:00:01Z') }]);
    expect(await lists.unattributed(tenantId, 5)).toMatchObject([{ key: 'acme', firstSeen: parseInstant('2026-11-01T00:00:01Z') }]);
    expect(await lists.span(tenantId)).toEqual({ start: parseInstant('2026-11-01T00:00:00Z'), end: parseInstant('2026-11-01T00:15:00Z') });
    await revoke(tenantId, 'b');
    expect([await lists.unpricedModels(tenantId, 5), await lists.unattributed(tenantId, 5), await lists.span(tenantId)]).toEqual([
      [],
      [],
      null,
    ]);
  });
});

describe('amending', () => {
  test('3.5 an amended event counts as what took its place, at once and in one commit', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', { quantity: 5 }));
    const before = await currentSeq(tenantId);
    expect(await amend(tenantId, event('a', { quantity: 8, model: 'other' }))).toEqual(answer(1));
    expect(await usage(tenantId)).toMatchObject([{ model: 'other', quantity: Decimal.parse('8'), events: Decimal.ONE }]);
    expect(await quantityOf(tenantId, 'acme', before)).toBe('5');
    expect(await currentSeq(tenantId)).toBe(before + 1);
  });

  test('an amendment moves usage to another customer, month and day', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', { quantity: 5 }));
    const moved: [string, readonly number[]][] = [];
    modules[0]?.get(UsageAnnouncements).onCommitted((_, customers) => moved.push(['moved', customers]));
    expect(await amend(tenantId, event('a', { quantity: 5, customer: 'zoe', at: '2026-06-01T00:00:00Z' }))).toEqual(answer(1));
    expect(await usage(tenantId)).toEqual([]);
    expect(await quantityOf(tenantId, 'zoe')).toBe('5');
    const both = [await customerNo(tenantId), await customerNo(tenantId, 'zoe')].sort((a, b) => a - b);
    expect(moved.map(([, customers]) => [...customers].sort((a, b) => a - b))).toEqual([both]);
    expect(await revoke(tenantId, 'a')).toEqual(answer(1));
    expect(await usage(tenantId, 'zoe')).toEqual([]);
  });

  test('3.1 contents that the key has or had are duplicates, by ingest and by amendment: a late retry never undoes a newer one', async () => {
    const tenantId = await db.createTenant();
    const [first, second, third] = [1, 2, 3].map((quantity) => event('a', { quantity })) as [object, object, object];
    await send(tenantId, first);
    expect(await amend(tenantId, second)).toEqual(answer(1));
    expect(await amend(tenantId, third)).toEqual(answer(1));
    for (const contents of [first, second, third]) {
      expect(await send(tenantId, contents)).toEqual(answer(0, 1));
      expect(await amend(tenantId, contents)).toEqual(answer(0, 1));
    }
    expect((await send(tenantId, event('a', { quantity: 4 }))).rejected[0]?.code).toBe('KEY_REUSED');
    expect(await quantityOf(tenantId)).toBe('3');
  });

  test('corrections of one key in one request are applied in their order', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'));
    const result = await amend(tenantId, event('a', { quantity: 2 }), event('a', { quantity: 3 }), event('a', { quantity: 2 }), event('a'));
    expect(result).toEqual(answer(2, 2));
    expect(await quantityOf(tenantId)).toBe('3');
    const kept = await inTenant<{ quantity: string; counts: boolean }>(
      tenantId,
      'SELECT quantity::text AS quantity, voided_seq IS NULL AS counts FROM usage_event WHERE tenant_id = $1 ORDER BY quantity',
    );
    expect(kept).toEqual([
      { quantity: '1', counts: false },
      { quantity: '2', counts: false },
      { quantity: '3', counts: true },
    ]);
  });

  test('an unknown key and what ingest would refuse are rejected alone', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'));
    const result = await amend(
      tenantId,
      event('b'),
      event('a', { tokens: { input: 1, cacheRead: 2 } }),
      event('a', { at: '2026-11-21T13:00:00Z' }),
      null,
      event('a', { quantity: 2 }),
    );
    expect(result).toMatchObject({
      accepted: 1,
      duplicates: 0,
      rejected: [
        { index: 0, key: 'b', code: 'KEY_UNKNOWN' },
        { index: 1, code: 'TOKEN_PARTS_EXCEED_TOTAL' },
        { index: 2, code: 'AT_IN_FUTURE' },
        { index: 3, code: 'INVALID_EVENT' },
      ],
    });
    expect(await quantityOf(tenantId)).toBe('2');
  });

  test('0015 an amended event has a row of its own whatever its key, and the row says the key', async () => {
    const tenantId = await db.createTenant();
    const keys = ['0190f5d2-7b3a-7cde-8f00-112233445566', '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'any text', randomUUID()];
    await send(tenantId, ...keys.map((key) => event(key)));
    await amend(tenantId, ...keys.map((key) => event(key, { quantity: 2 })));
    await amend(tenantId, ...keys.map((key) => event(key, { quantity: 3 })));
    const rows = await inTenant<{ key: string }>(
      tenantId,
      'SELECT key FROM usage_event WHERE tenant_id = $1 AND voided_seq IS NULL AND quantity = 3',
    );
    expect(rows.map(({ key }) => key).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      for (const revision of [1, 2]) expect(rowIdentity(eventIdentity(key), revision)).toMatch(/^[0-7][0-9a-f]{15}[4-7][0-9a-f]{15}$/);
    }
  });

  test('8.3 an amendment that changes no sum is seen all the same: meters on single events change', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', { user: 'Ada' }));
    const seen = await currentSeq(tenantId);
    await amend(tenantId, event('a', { user: 'Bob' }));
    const changed = await db.database.withTenant(tenantId, (tx) => reader.customersChangedSince(tx, seen));
    expect(changed).toMatchObject([{ customerNo: await customerNo(tenantId), seq: seen + 1 }]);
    expect(await quantityOf(tenantId)).toBe('1');
  });
});

describe('cost', () => {
  const priced = { provider: 'nobody', model: 'x', tokens: { input: 10 } };
  /** Gives every event of the model this cost, as a new rate would. */
  async function cost(tenantId: string, amount: string, currency = 'USD'): Promise<number> {
    const costing = modules[0]?.get(UsageCosting) as UsageCosting;
    return db.database.withTenant(tenantId, async (tx) => {
      await costing.lock(tx);
      const match = { provider: 'nobody', model: 'x', pool: null };
      const events = await costing.eventsToCost(tx, { match, from: FIRST, to: null, after: null, limit: 100 });
      const changes = events.map((one) => ({ event: one, amount: Decimal.parse(amount), currency, rateId: randomUUID() }));
      const costed = changes.filter((change) => change.event.cost === null);
      await costing.applyCosts(tx, { costed, restated: changes.filter((change) => change.event.cost !== null) });
      return events.length;
    });
  }

  test.each([
    ['unpriced', []],
    ['costed', [['2']]],
    ['costed and restated', [['2'], ['3']]],
    ['restated twice and in another currency', [['2'], ['3'], ['5', 'EUR'], ['7']]],
  ] as [string, [string, string?][]][])('9.2 a void takes back all that an event added: %s', async (_, costs) => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', priced));
    const snapshots: [number, UsageRecord[]][] = [[await currentSeq(tenantId), await usage(tenantId)]];
    for (const [amount, currency] of costs) {
      await cost(tenantId, amount, currency);
      snapshots.push([await currentSeq(tenantId), await usage(tenantId)]);
    }
    await revoke(tenantId, 'a');
    expect(await usage(tenantId)).toEqual([]);
    await db.database.withTenant(tenantId, async (tx) =>
      (modules[0]?.get(UsageBoundaries) as UsageBoundaries).register(tx, await customerNo(tenantId), [
        parseInstant('2026-11-20T10:00:01Z'),
      ]),
    );
    expect(await usage(tenantId)).toEqual([]);
    for (const [seq, records] of snapshots) expect(await usage(tenantId, 'acme', seq)).toEqual(records);
  });

  test('9.2 voided events are neither costed nor restated, and what replaces an event is costed on its own', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', priced), event('b', priced));
    await revoke(tenantId, 'a');
    expect(await cost(tenantId, '2')).toBe(1);
    await amend(tenantId, event('b', { ...priced, quantity: 4 }));
    expect(await usage(tenantId)).toMatchObject([{ costState: 'UNPRICED', cost: Decimal.ZERO, quantity: Decimal.parse('4') }]);
    expect(await cost(tenantId, '3')).toBe(1);
    expect(await usage(tenantId)).toMatchObject([{ costState: 'PRICED', cost: Decimal.parse('3'), restatedCost: Decimal.parse('3') }]);
    await revoke(tenantId, 'b');
    expect(await cost(tenantId, '4')).toBe(0);
    expect(await usage(tenantId)).toEqual([]);
  });
});

describe('the trail', () => {
  test('3.5 who did what, when and why is kept with the event and in the audit log', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'), event('b'));
    await corrections.amendEvents(tenantId, [event('a', { customer: 'zoe', at: '2026-11-20T11:00:00Z' })], AUTHOR, NOW);
    await corrections.voidEvents(tenantId, ['a', 'b'], { actor: 'key of Bob', reason: 'A test run' });
    expect(await corrections.trail(tenantId, 'a')).toEqual([
      {
        kind: 'AMEND',
        revision: 0,
        actor: 'key of Ada',
        reason: null,
        customer: 'acme',
        at: parseInstant('2026-11-20T10:00:00Z'),
        recordedAt: expect.any(Number),
      },
      {
        kind: 'VOID',
        revision: 1,
        actor: 'key of Bob',
        reason: 'A test run',
        customer: 'zoe',
        at: parseInstant('2026-11-20T11:00:00Z'),
        recordedAt: expect.any(Number),
      },
    ]);
    expect(await corrections.trail(await db.createTenant(), 'a')).toEqual([]);
    expect(await inTenant(tenantId, 'SELECT actor, action, detail FROM audit_entry WHERE tenant_id = $1 ORDER BY at')).toEqual([
      { actor: 'key of Ada', action: 'usage.amend', detail: { events: 1, seq: 2, reason: null } },
      { actor: 'key of Bob', action: 'usage.void', detail: { events: 2, seq: 3, reason: 'A test run' } },
    ]);
  });

  test('the trail is only ever added to', async () => {
    const tenantId = await db.createTenant();
    for (const change of ['DELETE FROM usage_correction', `UPDATE usage_correction SET actor = 'nobody'`]) {
      await expect(inTenant(tenantId, `${change} WHERE tenant_id = $1`)).rejects.toThrow(/permission denied/);
    }
  });

  test('a reason that is too long refuses the request, and nothing is changed', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'));
    await expect(corrections.voidEvents(tenantId, ['a'], { actor: 'x', reason: 'r'.repeat(256) })).rejects.toMatchObject({
      code: 'FIELD_TOO_LONG',
    });
    expect(await quantityOf(tenantId)).toBe('1');
  });
});

describe('exactly once', () => {
  test('3.3 a correction whose answer is lost is a duplicate when it is sent again; one whose commit failed is not', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', { quantity: 1 }));
    const failing = await startProcess();
    const [database, store, service] = [failing.get(Database), failing.get(UsageEventStore), failing.get(CorrectionsService)];
    const [withTenants, insertBuckets] = [database.withTenants.bind(database), store.insertBuckets.bind(store)];
    let isWriting = false;
    jest.spyOn(store, 'insertBuckets').mockImplementation(async (tx, rows) => {
      isWriting = true;
      await insertBuckets(tx, rows);
    });
    const failOnce = (when: 'before' | 'after'): void => {
      isWriting = false;
      const breakOnce = (): void => {
        if (!isWriting) return;
        jest.spyOn(database, 'withTenants').mockImplementation(withTenants);
        throw new Error('the connection broke');
      };
      jest.spyOn(database, 'withTenants').mockImplementation(async (tenantIds, work) => {
        const result = await withTenants(tenantIds, async (tx) => {
          const done = await work(tx);
          if (when === 'before') breakOnce();
          return done;
        });
        breakOnce();
        return result;
      });
    };
    failOnce('before');
    await expect(service.amendEvents(tenantId, [event('a', { quantity: 2 })], AUTHOR, NOW)).rejects.toThrow('broke');
    expect(await quantityOf(tenantId)).toBe('1');
    failOnce('after');
    await expect(service.amendEvents(tenantId, [event('a', { quantity: 2 })], AUTHOR, NOW)).rejects.toThrow('broke');
    expect(await service.amendEvents(tenantId, [event('a', { quantity: 2 })], AUTHOR, NOW)).toEqual(answer(0, 1));
    expect(await quantityOf(tenantId)).toBe('2');
  });

  test('a deadlock is tried again and nobody hears of it', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'));
    const failing = await startProcess();
    jest
      .spyOn(failing.get(UsageEventStore), 'insertBuckets')
      .mockRejectedValueOnce(Object.assign(new Error('deadlock detected'), { code: '40P01' }));
    expect(await failing.get(CorrectionsService).voidEvents(tenantId, ['a'], AUTHOR)).toEqual(answer(1));
    expect(await usage(tenantId)).toEqual([]);
  });

  test('3.1, 3.5 six clients on three processes send, void and amend the same keys: each event is cancelled once, and no sum is off', async () => {
    const tenantId = await db.createTenant();
    const processes = [await startProcess(), await startProcess(), await startProcess()];
    const keys = Array.from({ length: 40 }, () => randomUUID());
    const voided: number[] = [];
    const clients = Array.from({ length: 6 }, async (_, client) => {
      const own = processes[client % 3] as TestingModule;
      for (let round = 0; round < 8; round += 1) {
        const mine = keys.filter((__, i) => (i * 7 + client + round) % 3 !== 0).sort(() => ((client + round) % 2 ? 1 : -1));
        await own.get(IngestService).ingest(
          tenantId,
          mine.map((key) => event(key)),
          NOW,
        );
        if (client % 2 === 0) {
          const raws = mine.slice(0, 15).map((key) => event(key, { quantity: 10 + round, customer: round % 2 ? 'acme' : 'zoe' }));
          const { rejected } = await own.get(CorrectionsService).amendEvents(tenantId, raws, AUTHOR, NOW);
          expect(rejected.filter(({ code }) => code !== 'EVENT_VOIDED')).toEqual([]);
        } else {
          const { accepted, rejected } = await own.get(CorrectionsService).voidEvents(tenantId, mine.slice(10, 14), AUTHOR);
          expect(rejected).toEqual([]);
          voided.push(accepted);
        }
      }
    });
    await Promise.all(clients);
    const [rows] = await inTenant<{
      keys: number;
      voided: number;
      counting: number;
      quantity: string;
      corrections: number;
      events: number;
    }>(
      tenantId,
      `SELECT (SELECT count(*)::int FROM usage_event_key WHERE tenant_id = $1) AS keys,
        (SELECT count(*)::int FROM usage_event_key WHERE tenant_id = $1 AND voided_seq IS NOT NULL) AS voided,
        (SELECT count(*)::int FROM usage_event WHERE tenant_id = $1 AND voided_seq IS NULL) AS counting,
        (SELECT coalesce(sum(quantity), 0)::text FROM usage_event WHERE tenant_id = $1 AND voided_seq IS NULL) AS quantity,
        (SELECT count(*)::int FROM usage_correction WHERE tenant_id = $1) AS corrections,
        (SELECT count(*)::int FROM usage_event WHERE tenant_id = $1) AS events`,
    );
    expect(rows?.keys).toBe(keys.length);
    expect(voided.reduce((sum, count) => sum + count, 0)).toBe(rows?.voided);
    expect(rows?.counting).toBe(keys.length - (rows?.voided ?? 0));
    expect(rows?.events).toBe((rows?.corrections ?? 0) + (rows?.counting ?? 0));
    const sums = [...(await usage(tenantId)), ...(await usage(tenantId, 'zoe'))];
    expect(Decimal.sum(sums.map(({ quantity }) => quantity)).toString()).toBe(rows?.quantity);
    expect(Decimal.sum(sums.map(({ events }) => events)).toString()).toBe(String(rows?.counting));
  });

  test('corrections of two tenants in one flush stay apart', async () => {
    const tenants = [await db.createTenant(), await db.createTenant()] as const;
    for (const tenantId of tenants) await send(tenantId, event('a'));
    const results = await Promise.all([revoke(tenants[0], 'a'), amend(tenants[1], event('a', { quantity: 9 })), revoke(tenants[0], 'a')]);
    expect(results).toEqual([answer(1), answer(1), answer(0, 1)]);
    expect([await quantityOf(tenants[0]), await quantityOf(tenants[1])]).toEqual(['0', '9']);
  });
});
