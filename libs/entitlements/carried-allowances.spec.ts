import { AlertEvents } from '@tare/alerts';
import { BillingService } from '@tare/billing';
import { parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { LimitAlerts } from './index.ts';
import { LimitedWorld } from './limits.fixture.ts';

let db: TestDatabase;
let world: LimitedWorld;

beforeAll(async () => {
  db = await createTestDatabase();
  world = await LimitedWorld.open(db);
  await world.meter('chats');
  const price = { key: 'chats', model: 'PER_UNIT' as const, meter: 'chats', unitPrice: '1', includedQuantity: '100' };
  await world.plan({ key: 'rolling', kind: 'SUBSCRIPTION', prices: [{ ...price, rollover: true, rolloverMaximum: '80' }] });
});
afterAll(async () => {
  await world.close();
  await db.drop();
});

/** "remaining of limit, used", of what the price includes. */
const standing = async (customer: string, at: string): Promise<string> => {
  const { remaining, limit, used, resetsAt } = await world.answer(customer, 'chats', at);
  const day = resetsAt === null ? '-' : new Date(resetsAt / 1_000).toISOString().slice(0, 10);
  return `${remaining?.toString() ?? '-'} of ${limit?.toString() ?? '-'} until ${day}, ${used?.toString() ?? '-'} used`;
};
const bill = (asOf: string) => world.get(BillingService).run(world.tenantId, parseInstant(asOf));
const told = async (customer: string): Promise<string[]> => {
  const events = await world.get(AlertEvents).page(world.tenantId, {}, { beforeTime: null, beforeId: null, limit: 100 });
  const own = events.filter(({ subject }) => subject === customer).reverse();
  return own.map(({ payload }) => `${String(payload['percent'])} % of ${String(payload['limit'])}: ${String(payload['used'])}`);
};
const look = (at: string) => world.get(LimitAlerts).run(world.tenantId, parseInstant(at));

test('what was carried into a period counts, from its first moment on and once it is recorded, and so do percents of it', async () => {
  await world.customer('acme');
  await world.subscribe('acme', 'rolling', '2026-01-01T00:00:00Z');
  await world.use('acme', 'chats', '40', '2026-01-10T00:00:00Z');
  expect(await standing('acme', '2026-01-20T00:00:00Z')).toBe('60 of 100 until 2026-02-01, 40 used');
  // January may still be reported: what its usage leaves by now goes on.
  expect(await standing('acme', '2026-02-01T00:00:00Z')).toBe('160 of 160 until 2026-03-01, 0 used');
  await world.use('acme', 'chats', '10', '2026-01-31T23:00:00Z');
  expect(await standing('acme', '2026-02-01T00:10:00Z')).toBe('150 of 150 until 2026-03-01, 0 used');
  await bill('2026-02-01T02:00:00Z');
  expect(await standing('acme', '2026-02-05T00:00:00Z')).toBe('150 of 150 until 2026-03-01, 0 used');
  await world.use('acme', 'chats', '80', '2026-02-10T00:00:00Z');
  expect(await standing('acme', '2026-02-11T00:00:00Z')).toBe('70 of 150 until 2026-03-01, 80 used');
  await look('2026-02-11T00:00:00Z');
  expect(await told('acme')).toEqual([]);
  await world.use('acme', 'chats', '50', '2026-02-12T00:00:00Z');
  await look('2026-02-13T00:00:00Z');
  expect(await told('acme')).toEqual(['80 % of 150: 130']);
});

test('no more than the maximum goes on, of all that is left', async () => {
  await world.customer('quiet');
  await world.subscribe('quiet', 'rolling', '2026-01-01T00:00:00Z');
  await bill('2026-02-01T02:00:00Z');
  expect(await standing('quiet', '2026-02-05T00:00:00Z')).toBe('180 of 180 until 2026-03-01, 0 used');
  await bill('2026-03-01T02:00:00Z');
  expect(await standing('quiet', '2026-03-05T00:00:00Z')).toBe('180 of 180 until 2026-04-01, 0 used');
});

test('7.9 plan credits above the maximum that rolls over are gone with their period, also before its invoice is final', async () => {
  const rolling = { creditsPerInterval: '100', creditPrice: '0.1', creditRollover: true, creditRolloverMaximum: '60' };
  await world.plan({ key: 'credits', kind: 'CREDIT', ...rolling, burnRates: [{ meter: 'chats', creditsPerUnit: '1' }] });
  await world.customer('wealthy');
  await world.subscribe('wealthy', 'credits', '2026-01-01T00:00:00Z');
  await bill('2026-01-01T02:00:00Z');
  const left = async (at: string): Promise<string> => (await world.answer('wealthy', 'chats', at)).remaining?.toString() ?? '-';
  expect(await left('2026-01-31T23:59:59.999999Z')).toBe('100');
  // Sixty that roll over, and the hundred of February that are sure to come.
  expect(await left('2026-02-01T00:00:00Z')).toBe('160');
  await world.use('wealthy', 'chats', '70', '2026-01-31T12:00:00Z');
  expect(await left('2026-02-01T00:30:00Z')).toBe('130');
  await bill('2026-02-01T02:00:00Z');
  expect(await left('2026-02-01T03:00:00Z')).toBe('130');
});
