import { Test, type TestingModule } from '@nestjs/testing';
import { CostRatesService } from '@tare/catalog';
import { SLOT, formatInstant, parseInstant, type Instant } from '@tare/core';
import { createTestDatabase, DatabaseModule, type TenantTransaction, type TestDatabase } from '@tare/database';
import fc from 'fast-check';
import { CorrectionsService } from '../corrections/corrections.service.ts';
import { EventList, type EventFilter, type EventPage, type ListedEvent } from './event-list.ts';
import { IngestService } from '../ingest/ingest.service.ts';
import { UsageModule } from '../usage.module.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const ORIGIN = parseInstant('2026-03-05T10:00:00Z');
const DAY = 86_400_000_000;

let db: TestDatabase;
let module: TestingModule;
let list: EventList;

beforeAll(async () => {
  db = await createTestDatabase();
  module = await Test.createTestingModule({ imports: [DatabaseModule.register({ url: db.url, connections: 6 }), UsageModule] }).compile();
  list = module.get(EventList);
});
afterAll(async () => {
  await module.close();
  await db.drop();
});

interface Raw extends Record<string, unknown> {
  readonly key: string;
  readonly at: string;
}

const raw = (key: string, at: Instant, more: Record<string, unknown> = {}): Raw => ({
  customer: 'acme',
  type: 'call',
  ...more,
  key,
  at: formatInstant(at),
});
async function send(tenantId: string, raws: readonly Raw[]): Promise<void> {
  const result = await module.get(IngestService).ingest(tenantId, raws, NOW);
  expect(result).toMatchObject({ accepted: raws.length, rejected: [] });
}
const keysOf = ({ events }: EventPage): string[] => events.map(({ key }) => key);

/** Page after page, as a client reads. */
async function readAll(tenantId: string, filter: EventFilter, first: number): Promise<string[]> {
  const keys: string[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < 500; pages += 1) {
    const page: EventPage = await list.page(tenantId, filter, { first, after });
    expect(page.events.length).toBeLessThanOrEqual(first);
    keys.push(...keysOf(page));
    if (!page.hasNextPage) return keys;
    after = page.endCursor;
  }
  throw new Error('a list that does not end');
}

describe('listing events', () => {
  test('newest first, each with its tokens, cost, rate and properties; another tenant sees none', async () => {
    const tenantId = await db.createTenant();
    await module
      .get(CostRatesService)
      .set(tenantId, { provider: 'lab', model: 'm', currency: 'USD', validFrom: ORIGIN - DAY, input: '2', output: '10' });
    const tokens = { input: 1_000_000, output: 100_000, cacheRead: 0, reasoning: 40_000 };
    await send(tenantId, [
      raw('0192f0a0-0000-7000-8000-000000000001', ORIGIN, {
        provider: 'lab',
        model: 'm',
        tokens,
        user: 'u',
        traceId: 't',
        properties: { a: [1] },
      }),
      raw('plain key', ORIGIN + 1, { quantity: '2.5', outcome: 'FAILED', durationMs: 7 }),
    ]);
    const page = await list.page(tenantId, {}, {});
    expect(keysOf(page)).toEqual(['plain key', '0192f0a0-0000-7000-8000-000000000001']);
    expect(page.hasNextPage).toBe(false);
    const [failed, priced] = page.events as [ListedEvent, ListedEvent];
    expect(failed).toMatchObject({
      at: ORIGIN + 1,
      outcome: 'FAILED',
      durationMs: 7,
      costState: 'NOT_COST_BEARING',
      frozenCost: null,
      rate: null,
      state: 'COUNTED',
    });
    expect([failed.quantity?.toString(), failed.gpuSeconds]).toEqual(['2.5', null]);
    expect(priced).toMatchObject({
      customer: 'acme',
      type: 'call',
      user: 'u',
      traceId: 't',
      properties: { a: [1] },
      costState: 'PRICED',
      rate: { provider: 'lab' },
    });
    expect([priced.frozenCost?.amount.toString(), priced.restatedCost?.currency, priced.tokens.plainOutput.toString()]).toEqual([
      '3',
      'USD',
      '60000',
    ]);
    expect((await list.page(await db.createTenant(), {}, {})).events).toEqual([]);
  });

  test('any filters and page sizes list exactly the events that hold, once each, newest first', async () => {
    const tenantId = await db.createTenant();
    const random = fc.sample(
      fc.record({
        at: fc.oneof(fc.nat(4 * SLOT), fc.nat(80 * DAY), fc.constant(SLOT)).map((offset) => ORIGIN + offset),
        customer: fc.constantFrom('acme', 'beta', 'gamma', 'delta', 'epsilon'),
        type: fc.constantFrom('call', 'call', 'call', 'rare'),
        model: fc.constantFrom('a', 'b', undefined),
        user: fc.constantFrom('u', undefined),
        traceId: fc.constantFrom('t', undefined, undefined),
        outcome: fc.constantFrom('SUCCEEDED', 'FAILED'),
      }),
      { numRuns: 400, seed: 7 },
    );
    const raws = random.map(({ at, ...more }, i) => raw(`k${i}`, at, JSON.parse(JSON.stringify(more)) as Record<string, unknown>));
    for (let i = 0; i < raws.length; i += 37) await send(tenantId, raws.slice(i, i + 37));
    const ids = new Map((await Promise.all(raws.map(({ key }) => list.byKey(tenantId, key)))).map((event) => [event?.key, event]));
    const option = (...values: string[]): fc.Arbitrary<string | undefined> => fc.constantFrom(undefined, undefined, ...values);
    const filter = fc.record({
      customer: option('acme', 'beta', 'nobody'),
      type: option('rare', 'call', 'none'),
      model: option('a'),
      user: option('u'),
      traceId: option('t'),
      outcome: fc.constantFrom(undefined, undefined, 'FAILED' as const),
      span: fc.option(fc.tuple(fc.nat(80 * DAY), fc.nat(40 * DAY)), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(filter, fc.integer({ min: 1, max: 60 }), async ({ span, ...fields }, first) => {
        const from = span === undefined ? undefined : ORIGIN + span[0];
        const to = span === undefined ? undefined : ORIGIN + span[0] + span[1] + 1;
        const holds = (event: Raw): boolean =>
          Object.entries(fields).every(([field, value]) => value === undefined || event[field] === value) &&
          parseInstant(event.at) >= (from ?? 0) &&
          parseInstant(event.at) < (to ?? Infinity);
        const expected = raws.filter(holds).map(({ key }) => ids.get(key) as ListedEvent);
        expected.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
        expect(await readAll(tenantId, { ...fields, from, to }, first)).toEqual(expected.map(({ key }) => key));
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  test('a cursor stays where it is while events arrive', async () => {
    const tenantId = await db.createTenant();
    await send(
      tenantId,
      [0, 1, 2, 3].map((i) => raw(`k${i}`, ORIGIN + i)),
    );
    const page = await list.page(tenantId, {}, { first: 2 });
    await send(tenantId, [raw('new', ORIGIN + 9), raw('late', ORIGIN - 1)]);
    expect(keysOf(await list.page(tenantId, {}, { first: 9, after: page.endCursor }))).toEqual(['k1', 'k0', 'late']);
  });

  test('events of keys, as they stand now; other filters hold for them too', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [raw('a', ORIGIN), raw('b', ORIGIN, { customer: 'beta' }), raw('c', ORIGIN + DAY)]);
    expect(keysOf(await list.page(tenantId, { keys: ['a', 'c', 'none', 'a'] }, {}))).toEqual(['c', 'a']);
    expect(keysOf(await list.page(tenantId, { keys: ['a', 'b'], customer: 'beta' }, {}))).toEqual(['b']);
    expect(await list.byKey(tenantId, 'none')).toBeNull();
  });

  test('3.5 voided and amended events stay listed with what became of them', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [raw('a', ORIGIN, { quantity: 1 }), raw('b', ORIGIN + 1, { quantity: 2 })]);
    const corrections = module.get(CorrectionsService);
    expect(await corrections.voidEvents(tenantId, ['a'], { actor: 'test' } as never)).toMatchObject({ rejected: [] });
    expect(await corrections.amendEvents(tenantId, [raw('b', ORIGIN + 2, { quantity: 3 })], { actor: 'test' } as never)).toMatchObject({
      rejected: [],
    });
    const { events } = await list.page(tenantId, {}, {});
    expect(events.map(({ key, state, quantity }) => [key, state, quantity?.toString()])).toEqual([
      ['b', 'COUNTED', '3'],
      ['b', 'AMENDED', '2'],
      ['a', 'VOIDED', '1'],
    ]);
    expect((await list.byKey(tenantId, 'b'))?.quantity?.toString()).toBe('3');
    expect((await list.byKey(tenantId, 'a'))?.state).toBe('VOIDED');
  });

  test.each([
    ['a page of none', {}, { first: 0 }, 'INVALID_PAGE_SIZE'],
    ['a page of too many', {}, { first: 501 }, 'INVALID_PAGE_SIZE'],
    ['a cursor that no list gave out', {}, { after: 'xyz' }, 'INVALID_CURSOR'],
    ['a span that ends before it begins', { from: ORIGIN, to: ORIGIN }, {}, 'INVALID_SPAN'],
    ['more than a hundred keys', { keys: Array.from({ length: 101 }, String) }, {}, 'TOO_MANY_KEYS'],
  ])('%s is refused', async (_, filter, request, code) => {
    const tenantId = await db.createTenant();
    await expect((async () => list.page(tenantId, filter, request))()).rejects.toMatchObject({ code });
  });
});

describe('how little is read', () => {
  interface Node {
    readonly 'Node Type': string;
    readonly 'Relation Name'?: string;
    readonly 'Actual Rows': number;
    readonly 'Actual Loops': number;
    readonly 'Rows Removed by Filter'?: number;
    readonly Plans?: readonly Node[];
  }

  /** The transaction, which explains each statement instead of answering it alone: what was read of each table. */
  async function touched(
    tenantId: string,
    filter: EventFilter,
    first: number,
  ): Promise<{ rows: Map<string, number>; nodes: Set<string>; found: number }> {
    const rows = new Map<string, number>();
    const nodes = new Set<string>();
    const visit = (node: Node): void => {
      const relation = node['Relation Name'];
      if (relation !== undefined && node['Actual Loops'] > 0) {
        const read = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
        rows.set(relation, (rows.get(relation) ?? 0) + read);
        nodes.add(`${node['Node Type']} ${relation.replace(/_y\d{4}m\d\d$/, '')}`);
      }
      node.Plans?.forEach(visit);
    };
    const explaining = {
      withTenant: <Result>(id: string, work: (tx: TenantTransaction) => Promise<Result>): Promise<Result> =>
        db.database.withTenant(id, (tx) => {
          const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
            const [plan] = await tx.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
            visit((plan as { 'QUERY PLAN': [{ Plan: Node }] })['QUERY PLAN'][0].Plan);
            return tx.query(text, values);
          };
          return work(Object.create(tx, { query: { value: query } }) as TenantTransaction);
        }),
    };
    const explained = new EventList(explaining as never, list['rates']);
    const { events } = await explained.page(tenantId, filter, { first });
    return { rows, nodes, found: events.length };
  }

  let tenantId: string;
  const CUSTOMERS = 200;
  const MONTHS = 8;
  beforeAll(async () => {
    tenantId = await db.createTenant();
    for (let month = 0; month < MONTHS; month += 1) {
      const at = (i: number): Instant => ORIGIN - 60 * DAY + month * 30 * DAY + i * 60_000_000;
      await send(
        tenantId,
        Array.from({ length: 2_000 }, (_, i) =>
          raw(`m${month} ${i}`, at(i), { customer: `c${i % CUSTOMERS}`, type: i === 77 ? 'rare' : 'call', user: `u${i % 3}` }),
        ),
      );
    }
  }, 60_000);

  const eventRows = (rows: Map<string, number>): number =>
    [...rows].filter(([name]) => name.startsWith('usage_event_y')).reduce((sum, [, read]) => sum + read, 0);
  const partitions = (rows: Map<string, number>): string[] =>
    [...rows].filter(([name, read]) => name.startsWith('usage_event_y') && read > 0).map(([name]) => name);

  test('of one customer: the page and the newest partitions it lies in, by the index', async () => {
    const { rows, nodes, found } = await touched(tenantId, { customer: 'c5' }, 8);
    expect(found).toBe(8);
    expect(eventRows(rows)).toBeLessThan(50);
    expect(partitions(rows).length).toBeLessThanOrEqual(2);
    expect([...nodes].filter((node) => node.startsWith('Seq Scan usage_event'))).toEqual([]);
  });

  test('of all customers: one look into the buckets for each, and of the events little more than the page', async () => {
    const { rows, nodes, found } = await touched(tenantId, {}, 20);
    expect(found).toBe(20);
    expect(eventRows(rows)).toBeLessThan(200);
    expect(partitions(rows)).toHaveLength(1);
    expect(rows.get('usage_bucket')).toBeLessThanOrEqual(CUSTOMERS);
    expect([...nodes].filter((node) => /^Seq Scan usage_(event|bucket)/.test(node))).toEqual([]);
  });

  test('a rare type is found through the buckets: no event is read but those of its cells', async () => {
    const { rows, nodes, found } = await touched(tenantId, { type: 'rare' }, 20);
    expect(found).toBe(MONTHS);
    expect(eventRows(rows)).toBeLessThan(100);
    expect([...nodes].filter((node) => node.startsWith('Seq Scan usage_event'))).toEqual([]);
  });
});
