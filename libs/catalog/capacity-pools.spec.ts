import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { PoolStore, poolRateAt } from './capacity-pool.store.ts';
import { CapacityPoolsService, type CapacityPoolInput } from './capacity-pools.service.ts';
import { CostRateStore } from './cost-rate.store.ts';

const decimal = (text: string): Decimal => Decimal.parse(text);
const january = parseInstant('2026-01-01T00:00:00Z');
const february = parseInstant('2026-02-01T00:00:00Z');
const h100: CapacityPoolInput = {
  key: 'h100',
  name: 'H100 cluster',
  deployment: 'ON_PREMISE',
  currency: 'USD',
  validFrom: january,
  gpus: 8,
  hourlyCost: decimal('2.5'),
  tokensPerSecond: decimal('1200'),
  idlePolicy: 'BY_USE',
};

describe('capacity pools', () => {
  let db: TestDatabase;
  let tenantId: string;
  let pools: CapacityPoolsService;
  const store = new PoolStore();

  beforeAll(async () => {
    db = await createTestDatabase();
    pools = new CapacityPoolsService(db.database, store, new CostRateStore());
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    tenantId = await db.createTenant();
  });

  const costAt = (at: number) => db.database.withTenant(tenantId, async (tx) => (await store.rateAt(tx, 'h100', at))?.hourlyCost ?? null);

  test('9.4 a pool costs what its rate of the time says, and nothing is known before the first', async () => {
    await pools.create(tenantId, h100);
    await pools.create(tenantId, { ...h100, validFrom: february, hourlyCost: decimal('2') });
    expect(await costAt(january - 1)).toBeNull();
    expect(await costAt(january)).toEqual(decimal('2.5'));
    expect(await costAt(february - 1)).toEqual(decimal('2.5'));
    expect(await costAt(february)).toEqual(decimal('2'));
  });

  test('9.2 of two costs for one time the one that was learned last counts', async () => {
    await pools.create(tenantId, h100);
    await pools.create(tenantId, { ...h100, hourlyCost: decimal('3') });
    expect(await costAt(january)).toEqual(decimal('3'));
    const rates = await db.database.withTenant(tenantId, (tx) => store.rates(tx));
    expect(poolRateAt(rates.get('h100'), february)?.hourlyCost).toEqual(decimal('3'));
    expect(poolRateAt(rates.get('h100'), january - 1)).toBeNull();
  });

  test('9.4 the hourly cost is computed from capital, power and operations where it is not given', async () => {
    const { hourlyCost, ...rest } = h100;
    const made = await pools.create(tenantId, {
      ...rest,
      capital: decimal('30000'),
      lifetimeHours: decimal('30000'),
      powerKw: decimal('1'),
      pue: decimal('1.5'),
      electricityPerKwh: decimal('0.2'),
      operationsPerHour: decimal('0.1'),
    });
    expect(made.hourlyCost.toString()).toBe('1.4');
    expect(hourlyCost).not.toEqual(made.hourlyCost);
  });

  test('a new cost asks for the events of the pool to be costed again', async () => {
    await pools.create(tenantId, h100);
    const tasks = await db.database.withTenant(tenantId, (tx) =>
      tx.query('SELECT provider, model, pool, valid_from, valid_to FROM costing_task'),
    );
    expect(tasks).toEqual([{ provider: null, model: null, pool: 'h100', valid_from: january, valid_to: null }]);
  });

  test.each([
    [{ ...h100, name: 'Another' }, 'ALREADY_EXISTS', 'name'],
    [{ ...h100, currency: 'EUR' }, 'ALREADY_EXISTS', 'currency'],
    [{ ...h100, currency: '???' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ ...h100, gpus: 0 }, 'INVALID_COUNT', 'gpus'],
    [{ ...h100, hourlyCost: null }, 'POOL_COST_MISSING', 'hourlyCost'],
    [{ ...h100, hourlyCost: decimal('-1') }, 'NEGATIVE_NUMBER', 'hourlyCost'],
    [{ ...h100, hourlyCost: decimal('0.0000000000000000001') }, 'TOO_PRECISE', 'hourlyCost'],
    [{ ...h100, tokensPerSecond: Decimal.ZERO }, 'NEGATIVE_NUMBER', 'tokensPerSecond'],
    [{ ...h100, key: 'reserved', idlePolicy: 'BY_RESERVATION' as const }, 'NOT_AVAILABLE', 'idlePolicy'],
  ])('a pool that cannot be costed is refused at its field (%#)', async (input, code, path) => {
    await pools.create(tenantId, h100);
    await expect(pools.create(tenantId, input)).rejects.toMatchObject({ code, path });
  });

  test("another tenant's pool looks like one that does not exist", async () => {
    await pools.create(tenantId, h100);
    const stranger = await db.createTenant();
    expect(await db.database.withTenant(stranger, (tx) => store.rateAt(tx, 'h100', february))).toBeNull();
    expect(await db.database.withTenant(stranger, (tx) => store.all(tx))).toEqual([]);
  });
});
