import { createTestDatabase, type TestDatabase } from '@tare/database';
import { runTare } from '../e2e/running-tare.ts';
import { recomputeTenant } from './recompute-tenant.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('8.4 a second implementation gives every invoice of the demo again from raw events, line by line', async () => {
  const env = { DATABASE_URL: database.url, TARE_BOOTSTRAP_API_KEY: undefined, STRIPE_SECRET_KEY: undefined };
  const { code, output } = await runTare(['demo', '--once', '--events', '4000'], env);
  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
  const tenants = await database.database.withoutTenant((tx) => tx.query<{ id: string }>('SELECT id FROM tenant'));
  let invoices = 0;
  for (const { id } of tenants) {
    const found = await database.database.withTenant(id, recomputeTenant);
    expect(found.differences).toEqual([]);
    expect(found.notCovered).toEqual([]);
    invoices += found.invoices;
  }
  expect(invoices).toBeGreaterThan(10);
}, 900_000);
