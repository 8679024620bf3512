import { Test, type TestingModule } from '@nestjs/testing';
import { CapacityPoolsService, CatalogModule, CostRatesService, type CapacityPoolInput } from '@tare/catalog';
import { Decimal, MICROS_PER_HOUR, parseInstant, type CostRateInput, type Instant, type UsageRecord } from '@tare/core';
import { CustomerStore, CustomersModule } from '@tare/customers';
import { createTestDatabase, DatabaseModule, type TestDatabase } from '@tare/database';
import { IngestService, UsageBoundaries, UsageLists, UsageModule, UsageReader } from '@tare/usage';
import { CostsModule } from './costs.module.ts';
import { PoolHours, type SharedCost } from './pool-hours.ts';
import { RecostingService } from './recosting.service.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const FIRST = parseInstant('2020-01-01T00:00:00Z');
const MARCH = parseInstant('2026-03-01T00:00:00Z');

let db: TestDatabase;
let module: TestingModule;

beforeAll(async () => {
  db = await createTestDatabase();
  const imports = [DatabaseModule.register({ url: db.url, connections: 6 }), CatalogModule, CustomersModule, UsageModule, CostsModule];
  module = await Test.createTestingModule({ imports }).compile();
});
afterAll(async () => {
  await module.close();
  await db.drop();
});

const event = (key: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  key,
  customer: 'acme',
  type: 'llm.completion',
  at: '2026-03-20T10:00:00Z',
  provider: 'own-lab',
  model: 'lab-1',
  tokens: { input: 1_000_000, output: 100_000 },
  ...more,
});
const send = (tenantId: string, ...raws: Record<string, unknown>[]): Promise<unknown> =>
  module.get(IngestService).ingest(tenantId, raws, NOW);
const rate = (more: Partial<CostRateInput> = {}): CostRateInput => ({
  provider: 'own-lab',
  model: 'lab-1',
  currency: 'USD',
  validFrom: MARCH,
  input: '2',
  output: '10',
  ...more,
});
const setRate = (tenantId: string, more?: Partial<CostRateInput>): Promise<unknown> =>
  module.get(CostRatesService).set(tenantId, rate(more));
const recost = (tenantId: string): ReturnType<RecostingService['run']> => module.get(RecostingService).run(tenantId);

async function records(tenantId: string, upToSeq?: number, cuts: Instant[] = [FIRST, NOW], customer = 'acme'): Promise<UsageRecord[]> {
  return db.database.withTenant(tenantId, async (tx) => {
    const customerNo = (await new CustomerStore().numbersOf(tx, [customer])).get(customer) ?? -1;
    return module.get(UsageReader).read(tx, { customerNo, cuts, ...(upToSeq === undefined ? {} : { upToSeq }) });
  });
}
const summary = (list: readonly UsageRecord[]): unknown[] =>
  list
    .map(({ costState, costCurrency, events, cost, restatedCost }) => [
      costState,
      costCurrency,
      `${events.toString()} events`,
      cost.toString(),
      restatedCost.toString(),
    ])
    .sort();
const tasks = (tenantId: string): Promise<unknown[]> =>
  db.database.withTenant(tenantId, (tx) => tx.query('SELECT id FROM costing_task WHERE tenant_id = $1', [tenantId]));

describe('where cost comes from', () => {
  test("9.1 an event is costed at ingest by the tenant's own rate; reported cost comes before it", async () => {
    const tenantId = await db.createTenant();
    await setRate(tenantId);
    await send(tenantId, event('a'), event('b', { reportedCost: { amount: '7', currency: 'EUR' } }), event('c', { model: 'lab-2' }));
    expect(summary(await records(tenantId))).toEqual([
      ['PRICED', 'USD', '1 events', '3', '3'],
      ['REPORTED', 'EUR', '1 events', '7', '7'],
      ['UNPRICED', null, '1 events', '0', '0'],
    ]);
  });

  test('9.1 GPU-seconds on a pool cost what the pool cost at event time', async () => {
    const tenantId = await db.createTenant();
    await createPool(tenantId, { hourlyCost: Decimal.parse('3.6') });
    await createPool(tenantId, { hourlyCost: Decimal.parse('7.2'), validFrom: parseInstant('2026-03-20T10:30:00Z') });
    await send(tenantId, onPool('a', '2026-03-20T10:29:59Z', 100), onPool('b', '2026-03-20T10:30:00Z', 100));
    expect(summary(await records(tenantId))).toEqual([['PRICED', 'USD', '2 events', '0.3', '0.3']]);
  });
});

describe('a pool that is made after its events', () => {
  test('9.2 gives them their first known cost, frozen, from its first day on and no earlier', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, onPool('before', '2026-02-28T23:59:59Z', 100), onPool('a', '2026-03-20T10:00:00Z', 100));
    await send(tenantId, event('model too', { pool: 'h100', gpuSeconds: 200 }));
    expect(summary(await records(tenantId))).toEqual([
      ['UNPRICED', null, '1 events', '0', '0'],
      ['UNPRICED', null, '2 events', '0', '0'],
    ]);
    await createPool(tenantId);
    expect(await recost(tenantId)).toEqual({ costed: 2, restated: 0 });
    await createPool(tenantId, { hourlyCost: Decimal.parse('7.2') });
    expect(await recost(tenantId)).toEqual({ costed: 0, restated: 2 });
    expect(summary(await records(tenantId))).toEqual([
      ['PRICED', 'USD', '1 events', '0.1', '0.2'],
      ['PRICED', 'USD', '1 events', '0.2', '0.4'],
      ['UNPRICED', null, '1 events', '0', '0'],
    ]);
    expect(await tasks(tenantId)).toEqual([]);
  });

  test('9.4 tokens that wait for their hour to close stand in the worklist, never silently aside', async () => {
    const tenantId = await db.createTenant();
    await createPool(tenantId, { tokensPerSecond: Decimal.of(1000) });
    await send(tenantId, event('tokens on a pool', { pool: 'h100', model: 'llama' }));
    expect(summary(await records(tenantId))).toEqual([['PENDING', null, '1 events', '0', '0']]);
    expect(await module.get(UsageLists).unpricedModels(tenantId, 10)).toMatchObject([
      {
        provider: 'own-lab',
        model: 'llama',
        events: Decimal.ONE,
        tokens: Decimal.of(1_100_000),
        firstSeen: parseInstant('2026-03-20T10:00:00Z'),
      },
    ]);
  });
});

describe('9.2 frozen and restated cost', () => {
  test('9.2 an event that came in unpriced gets its first known cost, frozen, and what an invoice has seen stays apart', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'), event('b', { at: '2026-02-28T23:59:59Z' }));
    const seen = await db.database.withTenant(tenantId, (tx) => module.get(UsageReader).currentSeq(tx));
    await setRate(tenantId);
    expect(await recost(tenantId)).toEqual({ costed: 1, restated: 0 });
    expect(summary(await records(tenantId))).toEqual([
      ['PRICED', 'USD', '1 events', '3', '3'],
      ['UNPRICED', null, '1 events', '0', '0'],
    ]);
    expect(summary(await records(tenantId, seen))).toEqual([['UNPRICED', null, '2 events', '0', '0']]);
    expect(await tasks(tenantId)).toEqual([]);
  });

  test('9.2 a later rate never changes the frozen cost: the difference is shown as restated, once', async () => {
    const tenantId = await db.createTenant();
    await setRate(tenantId);
    await send(tenantId, event('a'), event('b'));
    await setRate(tenantId, { input: '1' });
    expect(await recost(tenantId)).toEqual({ costed: 0, restated: 2 });
    expect(summary(await records(tenantId))).toEqual([['PRICED', 'USD', '2 events', '6', '4']]);
    expect(await recost(tenantId)).toEqual({ costed: 0, restated: 0 });
    await setRate(tenantId, { input: '1' });
    expect(await recost(tenantId)).toEqual({ costed: 0, restated: 0 });
    await setRate(tenantId, { input: '5' });
    expect(await recost(tenantId)).toEqual({ costed: 0, restated: 2 });
    expect(summary(await records(tenantId))).toEqual([['PRICED', 'USD', '2 events', '6', '12']]);
  });

  test('9.2 a rate in another currency moves the restated cost there and leaves the frozen one', async () => {
    const tenantId = await db.createTenant();
    await setRate(tenantId);
    await send(tenantId, event('a'));
    await setRate(tenantId, { currency: 'EUR' });
    await recost(tenantId);
    expect(summary(await records(tenantId))).toEqual([
      ['PRICED', 'EUR', '0 events', '0', '3'],
      ['PRICED', 'USD', '1 events', '3', '0'],
    ]);
  });

  test('12 buckets that are cut after costs moved are what the events give, at every commit', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a', { at: '2026-03-20T10:01:00Z' }), event('b', { at: '2026-03-20T10:02:00Z' }));
    await setRate(tenantId);
    await recost(tenantId);
    await send(tenantId, event('c', { at: '2026-03-20T10:02:30Z' }));
    await setRate(tenantId, { input: '1' });
    await recost(tenantId);
    await setRate(tenantId, { currency: 'EUR' });
    await recost(tenantId);
    const boundary = parseInstant('2026-03-20T10:02:00Z');
    const cuts = [parseInstant('2026-03-20T00:00:00Z'), boundary, NOW];
    const last = await db.database.withTenant(tenantId, (tx) => module.get(UsageReader).currentSeq(tx));
    const history = (): Promise<UsageRecord[][]> => Promise.all(Array.from({ length: last + 1 }, (_, seq) => records(tenantId, seq, cuts)));
    const fromEvents = await history();
    const whole = await Promise.all(Array.from({ length: last + 1 }, (_, seq) => records(tenantId, seq)));
    await db.database.withTenant(tenantId, async (tx) => {
      const customerNo = (await new CustomerStore().numbersOf(tx, ['acme'])).get('acme') ?? -1;
      await module.get(UsageBoundaries).register(tx, customerNo, [boundary]);
    });
    expect(JSON.stringify(await history())).toBe(JSON.stringify(fromEvents));
    expect(JSON.stringify(await Promise.all(whole.map((_, seq) => records(tenantId, seq))))).toBe(JSON.stringify(whole));
    expect(summary(fromEvents[last] ?? [])).toHaveLength(4);
  });

  test('9.2 single events read back with their frozen and their restated cost, as of any commit', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, event('a'));
    await setRate(tenantId);
    await recost(tenantId);
    await setRate(tenantId, { input: '1' });
    await recost(tenantId);
    const at = (upToSeq: number): Promise<unknown> =>
      db.database.withTenant(tenantId, async (tx) => {
        const customerNo = (await new CustomerStore().numbersOf(tx, ['acme'])).get('acme') ?? -1;
        return summary(await module.get(UsageReader).readEvents(tx, { customerNo, from: FIRST, to: NOW, upToSeq }));
      });
    expect(await at(0)).toEqual([]);
    expect(await at(1)).toEqual([['UNPRICED', null, '1 events', '0', '0']]);
    expect(await at(2)).toEqual([['PRICED', 'USD', '1 events', '3', '3']]);
    expect(await at(3)).toEqual([['PRICED', 'USD', '1 events', '3', '2']]);
  });

  test('a long run works in chunks, may run twice at once, and counts each event once', async () => {
    const tenantId = await db.createTenant();
    const many = Array.from({ length: 2_500 }, (_, i) =>
      event(`k${i}`, { tokens: { input: 1_000 }, at: new Date(Date.UTC(2026, 2, 2, 0, 0, i)).toISOString() }),
    );
    await send(tenantId, ...many);
    await setRate(tenantId);
    const [one, two] = await Promise.all([recost(tenantId), recost(tenantId)]);
    expect(one.costed + two.costed).toBe(2_500);
    expect(summary(await records(tenantId))).toEqual([['PRICED', 'USD', '2500 events', '5', '5']]);
  });

  test('events that come in while a rate is being set are priced by ingest or by the run after it, whoever comes first', async () => {
    const tenantId = await db.createTenant();
    const sending = Array.from({ length: 30 }, (_, i) => send(tenantId, event(`k${i}`)));
    const setting = setRate(tenantId).then(() => recost(tenantId));
    await Promise.all([...sending, setting]);
    expect(summary(await records(tenantId))).toEqual([['PRICED', 'USD', '30 events', '90', '90']]);
  });
});

function createPool(tenantId: string, more: Partial<CapacityPoolInput> = {}): Promise<unknown> {
  const base = {
    key: 'h100',
    name: 'H100',
    deployment: 'ON_PREMISE',
    currency: 'USD',
    validFrom: MARCH,
    gpus: 2,
    idlePolicy: 'NONE',
  } as const;
  return module.get(CapacityPoolsService).create(tenantId, { ...base, hourlyCost: Decimal.parse('3.6'), ...more });
}
const onPool = (key: string, at: string, gpuSeconds: number | string, customer = 'acme'): Record<string, unknown> =>
  event(key, { at, gpuSeconds, customer, pool: 'h100', provider: null, model: null, tokens: null });

describe('9.4 idle and shared cost of pools', () => {
  const hour = parseInstant('2026-03-20T10:00:00Z');
  const shared = (tenantId: string, from: Instant, to: Instant): Promise<SharedCost[]> =>
    db.database.withTenant(tenantId, (tx) => module.get(PoolHours).sharedCost(tx, { from, to, now: NOW }));
  async function named(tenantId: string, from: Instant, to: Instant): Promise<Record<string, string>> {
    const numbers = await db.database.withTenant(tenantId, (tx) => new CustomerStore().numbersOf(tx, ['acme', 'beta']));
    const names = new Map([...numbers].map(([key, no]) => [no, key]));
    const totals: Record<string, Decimal> = {};
    for (const { customerNo, amount } of await shared(tenantId, from, to)) {
      const name = customerNo === null ? 'nobody' : (names.get(customerNo) ?? '?');
      totals[name] = (totals[name] ?? Decimal.ZERO).plus(amount);
    }
    return Object.fromEntries(Object.entries(totals).map(([name, amount]) => [name, amount.toString()]));
  }

  test.each([
    ['NONE', { nobody: '6.3' }],
    ['BY_USE', { acme: '4.2', beta: '2.1' }],
    ['EVENLY', { acme: '3.15', beta: '3.15' }],
  ] as const)('9.4 an hour of 2 GPUs at 3.60 costs 7.20: 0.90 of it direct, the idle 6.30 is shared %s', async (idlePolicy, expected) => {
    const tenantId = await db.createTenant();
    await createPool(tenantId, { idlePolicy });
    await send(tenantId, onPool('a', '2026-03-20T10:10:00Z', 600), onPool('b', '2026-03-20T10:50:00Z', 300, 'beta'));
    expect(await named(tenantId, hour, hour + MICROS_PER_HOUR)).toEqual(expected);
  });

  test('9.4 parts add up to the charge to the last decimal, also of thirds and of hours cut in pieces', async () => {
    const tenantId = await db.createTenant();
    await createPool(tenantId, { idlePolicy: 'EVENLY', hourlyCost: Decimal.parse('1'), gpus: 1 });
    await createPool(tenantId, {
      idlePolicy: 'EVENLY',
      hourlyCost: Decimal.parse('2'),
      gpus: 1,
      validFrom: parseInstant('2026-03-20T10:20:00Z'),
    });
    for (const customer of ['acme', 'beta', 'gamma']) await send(tenantId, onPool(customer, '2026-03-20T10:10:00Z', 60, customer));
    const parts = await shared(tenantId, hour, hour + MICROS_PER_HOUR);
    const direct = Decimal.sum(
      (await Promise.all(['acme', 'beta', 'gamma'].map((key) => records(tenantId, undefined, [FIRST, NOW], key))))
        .flat()
        .map(({ cost }) => cost),
    );
    const total = Decimal.sum(parts.map(({ amount }) => amount)).plus(direct);
    // 20 minutes at 1 and 40 at 2, each as a difference of amounts at 12 decimals (SEMANTICS 1.6).
    expect(total.roundedTo(12).toString()).toBe('1.666666666666');
    expect(parts.map(({ customerNo }) => customerNo)).not.toContain(null);
    const halves = [
      ...(await shared(tenantId, hour, hour + MICROS_PER_HOUR / 3)),
      ...(await shared(tenantId, hour + MICROS_PER_HOUR / 3, hour + MICROS_PER_HOUR)),
    ];
    expect(Decimal.sum(halves.map(({ amount }) => amount))).toEqual(Decimal.sum(parts.map(({ amount }) => amount)));
  });

  test('9.4 seconds measured above capacity are scaled to it: direct and shared cost together are the charge', async () => {
    const tenantId = await db.createTenant();
    await createPool(tenantId, { idlePolicy: 'BY_USE' });
    await send(tenantId, onPool('a', '2026-03-20T10:10:00Z', 7_200), onPool('b', '2026-03-20T10:20:00Z', 7_200, 'beta'));
    expect(summary(await records(tenantId))).toEqual([['PRICED', 'USD', '1 events', '7.2', '7.2']]);
    expect(await named(tenantId, hour, hour + MICROS_PER_HOUR)).toEqual({ acme: '-3.6', beta: '-3.6' });
  });

  test('9.4 hours that nobody used are borne by the users of their day, and a day without any by those of the span', async () => {
    const tenantId = await db.createTenant();
    await createPool(tenantId, { idlePolicy: 'BY_USE' });
    await send(tenantId, onPool('a', '2026-03-20T10:10:00Z', 3_600));
    const day = parseInstant('2026-03-20T00:00:00Z');
    expect(await named(tenantId, day, day + 24 * MICROS_PER_HOUR)).toEqual({ acme: '169.2' });
    expect(await named(tenantId, day, day + 48 * MICROS_PER_HOUR)).toEqual({ acme: '342' });
    expect(await named(tenantId, day + 24 * MICROS_PER_HOUR, day + 48 * MICROS_PER_HOUR)).toEqual({ nobody: '172.8' });
  });

  test('a pool costs nothing before its first rate, nor in hours that are still ahead', async () => {
    const tenantId = await db.createTenant();
    await createPool(tenantId, { validFrom: NOW - MICROS_PER_HOUR });
    expect(await named(tenantId, NOW - 10 * MICROS_PER_HOUR, NOW + 10 * MICROS_PER_HOUR)).toEqual({ nobody: '7.2' });
    expect(await named(tenantId, FIRST, MARCH)).toEqual({});
  });

  test('sharing by reservation is refused rather than guessed', async () => {
    const tenantId = await db.createTenant();
    await db.database.withTenant(tenantId, async (tx) => {
      await tx.query(
        `INSERT INTO capacity_pool (tenant_id, id, key, name, deployment, currency, idle_policy)
        VALUES ($1, gen_random_uuid(), 'r', 'r', 'ON_PREMISE', 'USD', 'BY_RESERVATION')`,
        [tenantId],
      );
    });
    await expect(shared(tenantId, hour, hour + MICROS_PER_HOUR)).rejects.toMatchObject({ code: 'NOT_AVAILABLE' });
  });
});
