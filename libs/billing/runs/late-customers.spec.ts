import { createTestDatabase, type TestDatabase } from '@tare/database';
import { Decimal, formatAmount, parseInstant } from '@tare/core';
import { CustomersService } from '@tare/customers';
import { CorrectionsService, UsageLists, UsageReader } from '@tare/usage';
import { TestWorld } from '../world.fixture.ts';

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

const audit = (tenantId: string): Promise<{ actor: string; detail: object }[]> =>
  database.database.withTenant(tenantId, (tx) =>
    tx.query(`SELECT actor, detail FROM audit_entry WHERE tenant_id = $1 AND action = 'usage.attribute'`, [tenantId]),
  );

test('3.7, 12 usage that came before its customer is billed from the second in which a subscription that starts in the past begins', async () => {
  const mine = await world.neighbour(database);
  await mine.meter('query');
  await mine.plan({
    key: 'payg',
    kind: 'PER_QUERY',
    prices: [{ key: 'queries', model: 'PER_UNIT', meter: 'query', unitPrice: Decimal.ONE }],
  });
  const lists = world.get(UsageLists);
  // 10:17:33 in Kathmandu; one second before, and at it.
  await mine.use(
    'early bird',
    { type: 'query', at: '2026-01-05T04:32:32Z', quantity: '1', reportedCost: { amount: '0.5', currency: 'USD' } },
    { type: 'query', at: '2026-01-05T04:32:33Z', quantity: '10', reportedCost: { amount: '0.5', currency: 'USD' } },
    { type: 'query', at: '2026-02-10T00:00:00Z', quantity: '100', reportedCost: { amount: '0.5', currency: 'USD' } },
  );
  expect(await lists.unattributed(mine.tenantId, 5)).toMatchObject([{ key: 'early bird', events: Decimal.parse('3') }]);
  const input = { key: 'early bird', name: 'Early Bird', timeZone: 'Asia/Kathmandu' };
  await world.get(CustomersService).create(mine.tenantId, input, 'key of Ada');
  await world.get(CustomersService).create(mine.tenantId, input, 'key of Bob');
  expect(await lists.unattributed(mine.tenantId, 5)).toEqual([]);
  expect(await audit(mine.tenantId)).toEqual([{ actor: 'key of Ada', detail: { customer: 'early bird', events: '3' } }]);

  await mine.subscribe('early bird', 'payg', '2026-01-05T04:32:33Z');
  await mine.bill('2026-03-06T00:00:00Z');
  const invoices = await mine.invoices('early bird');
  expect(
    invoices.map(({ lines, total, currency }) => [lines.map(({ quantity }) => quantity.toString()), formatAmount(total, currency)]),
  ).toEqual([
    [['10'], '10.00'],
    [['100'], '100.00'],
  ]);
  const costs = await database.database.withTenant(mine.tenantId, async (tx) => {
    const cuts = ['2026-01-01T00:00:00Z', '2026-01-05T04:32:33Z', '2026-04-01T00:00:00Z'].map((at) => parseInstant(at));
    return world.get(UsageReader).readMany(tx, { customerNos: null, cuts });
  });
  expect(costs.map(({ cost }) => cost.toString())).toEqual(['0.5', '1']);
});

test('3.5, 3.7 usage that was voided before its customer came is not attributed, and a customer without usage leaves no trail', async () => {
  const mine = await world.neighbour(database);
  await mine.use('careless', { key: 'a mistake', at: '2026-01-05T00:00:00Z' });
  await world.get(CorrectionsService).voidEvents(mine.tenantId, ['a mistake'], { actor: 'a key', reason: null });
  await mine.customer('careless');
  await mine.customer('quiet');
  expect(await audit(mine.tenantId)).toEqual([]);
});
