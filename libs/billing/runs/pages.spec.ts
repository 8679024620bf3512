import { parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { BillingService } from './billing.service.ts';
import { TestWorld } from '../world.fixture.ts';

/** More than two pages, and the last of them not full. */
const CUSTOMERS = 1_203;

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

/** In bulk: one by one they take longer than the test. */
async function subscribeAll(): Promise<void> {
  await database.database.withTenant(world.tenantId, async (tx) => {
    const values = [tx.tenantId, CUSTOMERS];
    await tx.query(`INSERT INTO customer_key (tenant_id, no, key) SELECT $1, n, 'c' || n FROM generate_series(1, $2::int) AS n`, values);
    await tx.query(
      `INSERT INTO customer (tenant_id, id, no, name) SELECT $1, gen_random_uuid(), n, 'C' || n FROM generate_series(1, $2::int) AS n`,
      values,
    );
    await tx.query(
      `INSERT INTO subscription (tenant_id, id, customer_id, starts_at, discounts) SELECT tenant_id, gen_random_uuid(), id, '2026-01-01', '[]'
       FROM customer WHERE tenant_id = $1`,
      [tx.tenantId],
    );
    await tx.query(
      `INSERT INTO subscription_segment (tenant_id, id, subscription_id, position, plan_version_id, start_at, anchor_at, time_zone)
       SELECT s.tenant_id, gen_random_uuid(), s.id, 0, v.id, '2026-01-01', '2026-01-01', 'UTC' FROM subscription s JOIN plan_version v ON v.tenant_id = s.tenant_id
       WHERE s.tenant_id = $1`,
      [tx.tenantId],
    );
  });
}

test('8.2, 8.5 runs that race over several pages bill each customer once, and their numbers have no gap', async () => {
  await world.plan({ key: 'flat', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '10' }] });
  await subscribeAll();
  const asOf = parseInstant('2026-02-03T00:00:00Z');
  const service = world.get(BillingService);
  const runs = await Promise.all([service.run(world.tenantId, asOf, asOf), service.run(world.tenantId, asOf, asOf)]);
  // The fee of January at its start, that of February when January is closed.
  expect(runs.reduce((sum, { invoicesFinalized }) => sum + invoicesFinalized, 0)).toBe(2 * CUSTOMERS);
  const [found] = await database.database.withTenant(world.tenantId, (tx) =>
    tx.query(
      `SELECT count(DISTINCT number)::int AS numbers, max(substring(number FROM '[0-9]+$')::int) AS last, count(DISTINCT (subscription_id, billing_at))::int AS instants,
         sum(total)::text AS total FROM invoice WHERE tenant_id = $1 AND status = 'FINALIZED'`,
      [tx.tenantId],
    ),
  );
  expect(found).toEqual({ numbers: 2 * CUSTOMERS, last: 2 * CUSTOMERS, instants: 2 * CUSTOMERS, total: String(20 * CUSTOMERS) });
  expect(await service.run(world.tenantId, asOf, asOf)).toMatchObject({ invoicesFinalized: 0, periodsClosed: 0 });
});
