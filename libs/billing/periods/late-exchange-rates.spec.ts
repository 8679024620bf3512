import { ExchangeRatesService } from '@tare/catalog';
import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { jest } from '@jest/globals';
import { TestWorld } from '../world.fixture.ts';
import { BillingPeriodStore } from './billing-period.store.ts';

let database: TestDatabase;
let world: TestWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

/** Whether somebody waits for the exchange rates. */
async function isWaitedFor(): Promise<boolean> {
  const [row] = await world.database.withTenant(world.tenantId, (tx) =>
    tx.query<{ waiting: boolean }>(`SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS waiting`),
  );
  return row?.waiting === true;
}

test('4.5 a rate that comes while a period is closed without it has the period rated again', async () => {
  await world.meter('llm', { valueProperty: 'tokens.total' });
  const prices = [{ key: 'llm', model: 'COST_PLUS' as const, meter: 'llm', markup: '0.30' }];
  await world.plan({ key: 'plus', kind: 'PER_QUERY', currency: 'EUR', prices });
  await world.customer('acme');
  await world.subscribe('acme', 'plus', '2026-01-01T00:00:00Z');
  await world.use('acme', {
    ...{ type: 'llm', at: '2026-01-05T00:00:00Z', provider: 'house', model: 'large', tokens: { input: '5' } },
    reportedCost: { amount: '10', currency: 'USD' },
  });
  await world.bill('2026-01-02T01:00:00Z');
  const rate = { from: 'USD', to: 'EUR', rate: Decimal.parse('0.8'), validFrom: parseInstant('2026-01-01T00:00:00Z') };
  const periods = world.get(BillingPeriodStore);
  let isSet = false;
  const setting: Promise<void>[] = [];
  const close = jest.spyOn(periods, 'close').mockImplementationOnce(async (tx, closings) => {
    setting.push(
      world
        .get(ExchangeRatesService)
        .set(world.tenantId, rate)
        .then(() => void (isSet = true)),
    );
    while (!isSet && !(await isWaitedFor())) await new Promise(setImmediate);
    await BillingPeriodStore.prototype.close.call(periods, tx, closings);
  });
  await world.bill('2026-02-01T01:00:00Z');
  expect(close).toHaveBeenCalled();
  await Promise.all(setting);
  expect(await world.invoices('acme')).toEqual([]);
  await world.bill('2026-03-01T01:00:00Z');
  expect((await world.invoices('acme')).map(({ total }) => total.toString())).toEqual(['10.4']);
});
