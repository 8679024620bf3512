import { WalletChecker } from '@tare/credits';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { InvoicesService } from '../invoices/invoices.service.ts';
import { TestWorld } from '../world.fixture.ts';
import { InvoiceRegeneration } from './regenerate-invoice.ts';

let database: TestDatabase;
let first: TestWorld;
let world: TestWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  first = await TestWorld.open(database);
});
afterAll(async () => {
  await first.close();
  await database.drop();
});
beforeEach(async () => {
  world = await first.neighbour(database);
  await world.meter('picture');
  await world.plan({ key: 'creative', kind: 'CREDIT', ...CREDITS, creditRolloverMaximum: '60' });
  await world.plan({ key: 'studio', kind: 'CREDIT', ...CREDITS, creditsPerInterval: '400', creditRolloverMaximum: '500' });
  await world.plan({ key: 'plain', kind: 'CREDIT', ...CREDITS, creditRollover: false });
  await world.customer('acme');
});
afterEach(async () => {
  expect(await world.get(WalletChecker).mistakes(world.tenantId)).toEqual([]);
});

const CREDITS = {
  creditsPerInterval: '100',
  creditPrice: '0.1',
  creditRollover: true,
  creditExhaustion: 'OVERAGE' as const,
  overagePricePerCredit: '0.2',
  burnRates: [{ meter: 'picture', creditsPerUnit: '1' }],
};
const pictures = (at: string, quantity: string) => ({ type: 'picture', at, quantity });
const available = async (at: string): Promise<string> => (await world.balance('acme', at)).available.toString();
const linesAt = async (at: string): Promise<string[]> =>
  (await world.invoices('acme'))
    .filter(({ billingAt, status }) => billingAt === Date.parse(at) * 1_000 && status !== 'VOID')
    .flatMap(({ lines }) => lines.map(({ kind, quantity, amount }) => `${kind} ${quantity.toString()} ${amount.toString()}`));
/** "key-less grant: left", oldest first. */
const grantsAt = async (at: string): Promise<string[]> =>
  (await world.balance('acme', at)).grants
    .filter(({ remaining }) => remaining.isPositive())
    .sort((a, b) => a.effectiveAt - b.effectiveAt)
    .map(({ effectiveAt, remaining }) => `${new Date(effectiveAt / 1_000).toISOString().slice(0, 10)} ${remaining.toString()}`);

test('7.3 usage that comes after its period was closed burns what was carried on, and nothing is billed for it', async () => {
  await world.subscribe('acme', 'creative', '2026-01-01T00:00:00Z');
  await world.bill('2026-02-01T02:00:00Z');
  expect(await grantsAt('2026-02-02T00:00:00Z')).toEqual(['2026-01-01 60', '2026-02-01 100']);
  await world.use('acme', pictures('2026-01-20T00:00:00Z', '50'));
  await world.bill('2026-03-01T02:00:00Z');
  expect(await linesAt('2026-03-01T00:00:00Z')).toEqual(['CREDITS 100 10']);
  // 40 were lost in February's first instant, the late 50 take 50 of the 60; 110 are left, and the oldest 50 of them go.
  expect(await grantsAt('2026-03-02T00:00:00Z')).toEqual(['2026-02-01 60', '2026-03-01 100']);
});

test('6.1 an upgrade keeps what was carried and adds the difference; the new plan says how much goes on', async () => {
  const subscription = await world.subscribe('acme', 'creative', '2026-01-01T00:00:00Z');
  await world.bill('2026-02-01T02:00:00Z');
  await world.change(subscription, 'studio', '2026-02-15T00:00:00Z');
  await world.bill('2026-02-15T02:00:00Z');
  // Half of February: 200 of the new plan less 50 of the old one.
  expect(await grantsAt('2026-02-16T00:00:00Z')).toEqual(['2026-01-01 60', '2026-02-01 100', '2026-02-15 150']);
  await world.bill('2026-03-01T02:00:00Z');
  expect(await available('2026-03-02T00:00:00Z')).toBe('710');
});

test('a plan without rollover that follows grants nothing that lives on, and leaves what was carried as it is', async () => {
  const subscription = await world.subscribe('acme', 'creative', '2026-01-01T00:00:00Z');
  await world.bill('2026-02-01T02:00:00Z');
  await world.change(subscription, 'plain', '2026-02-10T00:00:00Z');
  await world.bill('2026-03-01T02:00:00Z');
  expect(await grantsAt('2026-03-02T00:00:00Z')).toEqual(['2026-02-01 60', '2026-03-01 100']);
  await world.bill('2026-04-01T02:00:00Z');
  expect(await grantsAt('2026-04-02T00:00:00Z')).toEqual(['2026-02-01 60', '2026-04-01 100']);
});

test('a subscription that is cancelled takes its credits along; packs stay', async () => {
  const subscription = await world.subscribe('acme', 'creative', '2026-01-01T00:00:00Z');
  await world.bill('2026-02-01T02:00:00Z');
  await world.cancel(subscription, '2026-02-10T00:00:00Z');
  await world.bill('2026-03-01T02:00:00Z');
  expect(await available('2026-02-28T23:59:59Z')).toBe('160');
  expect(await available('2026-03-01T00:00:00Z')).toBe('0');
});

test('8.2 a voided invoice that is billed again carries on what it carried on, once', async () => {
  await world.subscribe('acme', 'creative', '2026-01-01T00:00:00Z');
  await world.bill('2026-01-01T02:00:00Z');
  await world.use('acme', pictures('2026-01-20T00:00:00Z', '10'));
  await world.bill('2026-02-01T02:00:00Z');
  const february = (await world.invoices('acme')).at(-1);
  await world.get(InvoicesService).voidInvoice(world.tenantId, february?.id ?? '');
  expect(await grantsAt('2026-02-02T00:00:00Z')).toEqual(['2026-01-01 70']);
  await world.get(InvoiceRegeneration).regenerate(world.tenantId, february?.id ?? '');
  expect(await grantsAt('2026-02-02T00:00:00Z')).toEqual(['2026-01-01 60', '2026-02-01 100']);
});
