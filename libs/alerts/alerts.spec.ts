import { createTestDatabase, type TestDatabase } from '@tare/database';
import { AlertStore } from './alert.store.ts';
import { AlertsService } from './index.ts';

let db: TestDatabase;
let alerts: AlertsService;
let tenantId: string;

beforeAll(async () => {
  db = await createTestDatabase();
  alerts = new AlertsService(db.database, new AlertStore());
});
beforeEach(async () => {
  tenantId = await db.createTenant();
});
afterAll(() => db.drop());

const raise = (subject: string, message: string): Promise<void> =>
  db.database.withTenant(tenantId, (tx) => alerts.raise(tx, { kind: 'SYNC_FAILED', subject, message, detail: { message } }));

test('a problem that is seen again is one alert with its latest message', async () => {
  await raise('invoice 1', 'first');
  await raise('invoice 2', 'other');
  await raise('invoice 1', 'second');
  const open = await alerts.open(tenantId);
  expect(open.map(({ subject, message }) => `${subject}: ${message}`).sort()).toEqual(['invoice 1: second', 'invoice 2: other']);
  expect(open[0]?.detail).toEqual({ message: open[0]?.message });
});

test('a problem that many see at once is one alert', async () => {
  await Promise.all(Array.from({ length: 5 }, (_, i) => raise('invoice 1', String(i))));
  expect(await alerts.open(tenantId)).toHaveLength(1);
});

test('a problem that is resolved is closed, and opens anew when it comes back', async () => {
  await raise('invoice 1', 'first');
  const [before] = await alerts.open(tenantId);
  await db.database.withTenant(tenantId, (tx) => alerts.resolve(tx, 'SYNC_FAILED', 'invoice 1'));
  expect(await alerts.open(tenantId)).toEqual([]);
  await raise('invoice 1', 'again');
  const [after] = await alerts.open(tenantId);
  expect(after?.message).toBe('again');
  expect(after?.id).not.toBe(before?.id);
});

test('alerts of one tenant are not seen by another', async () => {
  await raise('invoice 1', 'first');
  expect(await alerts.open(await db.createTenant())).toEqual([]);
});
