import { CostBook, CostRateStore, PoolStore } from '@tare/catalog';
import { CustomerStore } from '@tare/customers';
import { Decimal, SLOT, TOKEN_POOLS, dimensionsKey, parseInstant, slotStart, sumRecords, type Instant, type UsageRecord } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import fc from 'fast-check';
import { CorrectionStore } from '../corrections/correction.store.ts';
import { CustomerNumbers } from '../ingest/customer-numbers.ts';
import { DimensionStore } from '../ingest/dimension.store.ts';
import { EventCosting } from '../costing/event-costing.ts';
import { EventWriter } from '../ingest/event-writer.ts';
import { FlushPreparation } from '../ingest/flush-preparation.ts';
import { incomingEvent } from '../ingest/parse-batch.ts';
import { UsageAnnouncements } from '../ingest/usage-announcements.ts';
import { UsageBoundaries } from './usage-boundaries.ts';
import { UsageEventStore } from '../ingest/usage-event.store.ts';
import { UsageMonths } from '../ingest/usage-months.ts';
import { UsageReader } from './usage-reader.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const LATER = parseInstant('2030-01-01T00:00:00Z');

let db: TestDatabase;
let boundaries: UsageBoundaries;
let reader: UsageReader;
let writer: EventWriter;
let keys = 0;

beforeAll(async () => {
  db = await createTestDatabase();
  const { database } = db;
  boundaries = new UsageBoundaries();
  reader = new UsageReader(boundaries);
  const costing = new EventCosting(new CostBook(new CostRateStore()), new PoolStore());
  const preparation = new FlushPreparation(new DimensionStore(), costing, boundaries);
  const numbers = new CustomerNumbers(database, new CustomerStore());
  const [months, store, corrections, announcements] = [
    new UsageMonths(database),
    new UsageEventStore(),
    new CorrectionStore(),
    new UsageAnnouncements(),
  ];
  writer = new EventWriter(database, months, numbers, preparation, store, corrections, announcements);
});
afterAll(() => db.drop());

async function send(tenantId: string, raws: readonly Record<string, unknown>[]): Promise<void> {
  const full = raws.map((raw) => ({ key: `k${(keys += 1)}`, customer: 'acme', type: 'call', ...raw }));
  await writer.write(full.map((raw) => incomingEvent(tenantId, raw, { now: LATER, backdatingLimit: null })));
}

const customerNo = (tenantId: string, key = 'acme'): Promise<number> =>
  db.database.withTenant(tenantId, async (tx) => (await new CustomerStore().numbersOf(tx, [key])).get(key) ?? -1);
const register = async (tenantId: string, instants: Instant[]): Promise<void> => {
  const no = await customerNo(tenantId);
  await db.database.withTenant(tenantId, (tx) => boundaries.register(tx, no, instants));
};
async function read(tenantId: string, cuts: readonly Instant[], upToSeq?: number): Promise<UsageRecord[]> {
  const no = await customerNo(tenantId);
  const query = { customerNo: no, cuts, ...(upToSeq === undefined ? {} : { upToSeq }) };
  return db.database.withTenant(tenantId, (tx) => reader.read(tx, query));
}
const quantities = (records: readonly UsageRecord[], cuts: readonly Instant[]): string[] =>
  cuts.slice(0, -1).map((cut) => Decimal.sum(records.filter(({ from }) => from === cut).map(({ quantity }) => quantity)).toString());

describe('usage is cut where bills are cut (SEMANTICS 12)', () => {
  const start = parseInstant('2026-03-05T10:17:33+05:45');
  const change = parseInstant('2026-03-05T10:41:07+05:45');
  const second = 1_000_000;
  const cuts = [start - SLOT * 8, start, change, change + SLOT * 8];
  const events = [start - second, start, start + second, change - second, change, change + second];
  const weights = [1, 10, 100, 1_000, 10_000, 100_000];
  const raws = events.map((at, i) => ({ at: new Date(at / 1_000).toISOString(), quantity: String(weights[i]), model: i % 2 ? 'a' : 'b' }));

  test.each([
    ['registered before the events came', 'before'],
    ['registered after them', 'after'],
    ['registered between them', 'between'],
    ['never registered', 'never'],
  ])('12 a subscription from 10:17:33 to 10:41:07 in Kathmandu gets its events to the second: boundaries %s', async (_, when) => {
    const tenantId = await db.createTenant();
    if (when === 'before') await register(tenantId, [start, change]);
    await send(tenantId, raws.slice(0, 3));
    if (when === 'between') await register(tenantId, [start, change]);
    await send(tenantId, raws.slice(3));
    if (when === 'after') await register(tenantId, [change, start]);
    expect(quantities(await read(tenantId, cuts), cuts)).toEqual(['1', '1110', '110000']);
  });

  test('12 a boundary that comes later leaves what an invoice has seen apart from what came after its cut-off', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, raws.slice(0, 3));
    const seen = await db.database.withTenant(tenantId, (tx) => reader.currentSeq(tx));
    await send(tenantId, raws.slice(3));
    const before = await read(tenantId, cuts, seen);
    await register(tenantId, [start, change]);
    expect(quantities(await read(tenantId, cuts, seen), cuts)).toEqual(['1', '110', '0']);
    expect(await read(tenantId, cuts, seen)).toEqual(before);
    expect(quantities(await read(tenantId, cuts), cuts)).toEqual(['1', '1110', '110000']);
  });

  test('12 buckets read at any cuts are what recounting the events gives, whatever was registered when', async () => {
    const origin = slotStart(start);
    const span = 4 * SLOT;
    const instant = fc.integer({ min: 0, max: span / 1_000 }).map((millis) => origin + millis * 1_000);
    const event = fc.record({
      at: instant,
      quantity: fc.integer({ min: 1, max: 1_000 }),
      model: fc.constantFrom('a', 'b', undefined),
      input: fc.nat(5_000),
    });
    const scenario = fc.record({
      first: fc.array(event, { maxLength: 12 }),
      registered: fc.array(instant, { maxLength: 3 }),
      second: fc.array(event, { maxLength: 12 }),
      registeredLater: fc.array(instant, { maxLength: 3 }),
      cuts: fc.uniqueArray(instant, { minLength: 2, maxLength: 6 }).map((cuts) => cuts.sort((a, b) => a - b)),
    });
    const rawOf = ({
      at,
      quantity,
      model,
      input,
    }: {
      at: Instant;
      quantity: number;
      model: string | undefined;
      input: number;
    }): Record<string, unknown> => ({
      at: new Date(at / 1_000).toISOString(),
      quantity,
      model,
      tokens: { input },
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ first, registered, second: late, registeredLater, cuts: randomCuts }) => {
        const tenantId = await db.createTenant();
        await send(tenantId, first.map(rawOf));
        await register(tenantId, registered);
        await send(tenantId, late.map(rawOf));
        await register(tenantId, registeredLater);
        expect((await read(tenantId, randomCuts)).map(comparable).sort()).toEqual(await recounted(tenantId, randomCuts));
        const atBoundaries = [
          origin,
          ...new Set([...registered, ...registeredLater].filter((at) => at > origin && at < origin + span)),
          origin + span + SLOT,
        ].sort((a, b) => a - b);
        expect((await read(tenantId, atBoundaries)).map(comparable).sort()).toEqual(await recounted(tenantId, atBoundaries));
      }),
      { numRuns: 25 },
    );
  });

  async function recounted(tenantId: string, cuts: readonly Instant[]): Promise<string[]> {
    const no = await customerNo(tenantId);
    const texts: string[] = [];
    for (let i = 0; i + 1 < cuts.length; i += 1) {
      const [from, to] = [cuts[i] as Instant, cuts[i + 1] as Instant];
      const events_ = await db.database.withTenant(tenantId, (tx) => reader.readEvents(tx, { customerNo: no, from, to }));
      texts.push(...sumRecords(events_).map((record) => comparable({ ...record, from })));
    }
    return texts.sort();
  }

  const comparable = (record: UsageRecord): string =>
    JSON.stringify([
      record.from,
      dimensionsKey(record),
      record.events,
      TOKEN_POOLS.map((pool) => record.tokens[pool]),
      record.quantity,
      record.gpuSeconds,
      record.cost,
      record.restatedCost,
    ]);
});

describe('usage as others follow it', () => {
  test('single events come with what sums do not keep', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [
      { at: '2026-03-05T10:00:00Z', user: 'u1', traceId: 't1', properties: { pages: 3, "it's": 'a "quote" \\ and {braces}' } },
    ]);
    const no = await customerNo(tenantId);
    const from = parseInstant('2026-03-05T00:00:00Z');
    const [event] = await db.database.withTenant(tenantId, (tx) => reader.readEvents(tx, { customerNo: no, from, to: NOW }));
    expect(event).toMatchObject({
      user: 'u1',
      traceId: 't1',
      properties: { pages: 3, "it's": 'a "quote" \\ and {braces}' },
      from: parseInstant('2026-03-05T10:00:00Z'),
    });
    expect(
      await db.database.withTenant(tenantId, (tx) =>
        reader.readEvents(tx, { customerNo: no, from, to: parseInstant('2026-03-05T10:00:00Z') }),
      ),
    ).toEqual([]);
  });

  test('a cursor over commits finds the customers that moved since, and a re-bucketing moves nobody', async () => {
    const tenantId = await db.createTenant();
    const seq = (): Promise<number> => db.database.withTenant(tenantId, (tx) => reader.currentSeq(tx));
    const changes = (since: number): ReturnType<UsageReader['customersChangedSince']> =>
      db.database.withTenant(tenantId, (tx) => reader.customersChangedSince(tx, since));
    await send(tenantId, [{ at: '2026-03-05T10:00:00Z' }]);
    const cursor = await seq();
    await send(tenantId, [
      { at: '2026-03-05T10:20:00Z', customer: 'other' },
      { at: '2026-03-07T00:00:00Z', customer: 'other' },
    ]);
    expect(await changes(cursor)).toEqual([
      {
        customerNo: await customerNo(tenantId, 'other'),
        from: parseInstant('2026-03-05T10:15:00Z'),
        to: parseInstant('2026-03-07T00:15:00Z'),
        seq: cursor + 1,
      },
    ]);
    const now = await seq();
    await register(tenantId, [parseInstant('2026-03-05T10:00:01Z')]);
    expect(await changes(now)).toEqual([]);
  });

  test('customers with usage are those whose slots a span touches', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, [{ at: '2026-03-05T10:00:00Z' }, { at: '2026-04-05T10:00:00Z', customer: 'april' }]);
    const span = { from: parseInstant('2026-04-01T00:00:00Z'), to: parseInstant('2026-05-01T00:00:00Z') };
    expect(await db.database.withTenant(tenantId, (tx) => reader.customersWithUsage(tx, span))).toEqual([
      await customerNo(tenantId, 'april'),
    ]);
  });
});
