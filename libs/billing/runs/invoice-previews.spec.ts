import { createTestDatabase, type TestDatabase } from '@tare/database';
import { Decimal, parseInstant } from '@tare/core';
import { PurchasesService } from '@tare/credits';
import { SubscriptionsService } from '@tare/customers';
import type { InvoicePreview } from '../invoices/invoice-preview.ts';
import { TestWorld } from '../world.fixture.ts';
import { InvoicePreviews } from './invoice-previews.ts';

/** A preview says what the next run issues: test/scenarios/previewed.spec.ts compares the two for every story. */
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
  await world.meter('calls', { eventType: 'request' });
  await world.customer('acme');
});

const previews = (at: string): Promise<InvoicePreview[]> => world.get(InvoicePreviews).of(world.tenantId, 'acme', parseInstant(at));

const shown = (invoices: readonly InvoicePreview[]): string[] =>
  invoices.map(({ preview, kind, lines, total }) => {
    const amounts = lines.map((line) => `${line.kind} ${line.quantity.toString()} = ${line.amount.toString()}`);
    return `${preview} ${kind}: ${amounts.join(', ')}: ${total.toString()}`;
  });

const metered = { key: 'usage', meter: 'calls', model: 'PER_UNIT' as const, unitPrice: '2' };

test('6.3 late usage of a subscription that has ended is previewed as the supplementary invoice that the next run issues', async () => {
  await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [metered] });
  for (const customer of ['acme', 'globex']) {
    if (customer !== 'acme') await world.customer(customer);
    const id = await world.subscribe(customer, 'metered', '2026-01-01T00:00:00Z');
    await world.use(customer, { at: '2026-01-05T00:00:00Z', quantity: '3' });
    await world.cancel(id, '2026-01-20T00:00:00Z', true);
  }
  await world.bill('2026-02-01T01:00:00Z');
  expect(await previews('2026-02-02T00:00:00Z')).toEqual([]);
  await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '5' });
  await world.use('globex', { at: '2026-01-06T00:00:00Z', quantity: '7' });
  expect(shown(await previews('2026-02-02T00:00:00Z'))).toEqual(['DUE SUPPLEMENTARY: DELTA 8 = 10: 10']);
  await world.bill('2026-02-02T00:00:00Z');
  expect(await previews('2026-02-02T00:00:00Z')).toEqual([]);
});

test('4.7 usage that has reached the threshold is previewed as the invoice that the next run issues, and not once more as usage so far', async () => {
  await world.plan({ key: 'metered', kind: 'PER_QUERY', invoiceThreshold: '10', prices: [metered] });
  await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
  await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '5' });
  await world.bill('2026-01-03T00:00:00Z');
  expect(shown(await previews('2026-01-04T00:00:00Z'))).toEqual([]);
  expect(shown(await previews('2026-01-06T00:00:00Z'))).toEqual(['DUE THRESHOLD: USAGE 5 = 10: 10', 'SO_FAR REGULAR: USAGE 5 = 0: 0']);
  await world.use('acme', { at: '2026-02-01T00:10:00Z', quantity: '6' });
  // In the grace period of January a run issues nothing: its usage waits for the closing invoice, that of February for the period before.
  expect(shown(await previews('2026-02-01T00:30:00Z'))).toEqual(['IN_GRACE REGULAR: USAGE 5 = 10: 10', 'SO_FAR REGULAR: USAGE 6 = 12: 12']);
  expect(shown(await previews('2026-02-01T01:00:00Z'))).toEqual([
    'DUE REGULAR: USAGE 5 = 10: 10',
    'DUE THRESHOLD: USAGE 6 = 12: 12',
    'SO_FAR REGULAR: USAGE 6 = 0: 0',
  ]);
});

test('8.3 late usage of a closed period stands with the usage so far, its fee in arrears and its minimum as they were billed', async () => {
  const fee = { key: 'fee', model: 'FLAT' as const, amount: '7', timing: 'IN_ARREARS' as const };
  await world.plan({ key: 'plan', kind: 'SUBSCRIPTION', minimumCommitment: '50', prices: [fee, metered] });
  await world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z');
  await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '5' });
  await world.bill('2026-02-01T01:00:00Z');
  await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '3' }, { at: '2026-02-06T00:00:00Z', quantity: '4' });
  expect(shown(await previews('2026-02-10T00:00:00Z'))).toEqual(['SO_FAR REGULAR: USAGE 4 = 8, DELTA 8 = 6, DELTA 1 = -6: 8']);
});

test('8.5 credits that were bought and are not invoiced are previewed as the invoices that the next run issues, each with a name of its own', async () => {
  for (const key of ['one', 'two']) {
    const price = { amount: Decimal.of(50), currency: 'USD' };
    const pack = { customer: 'acme', key, credits: Decimal.of(100), price };
    await world.get(PurchasesService).purchase(world.tenantId, pack, parseInstant('2026-01-03T00:00:00Z'));
  }
  const previewed = await previews('2026-01-04T00:00:00Z');
  expect(shown(previewed)).toEqual(['DUE PREPAID: CREDITS 100 = 50: 50', 'DUE PREPAID: CREDITS 100 = 50: 50']);
  expect(new Set(previewed.map(({ id }) => id)).size).toBe(2);
  expect(await world.invoices('acme')).toEqual([]);
  await world.bill('2026-01-04T00:00:00Z');
  expect(await world.invoices('acme')).toHaveLength(2);
  expect(await previews('2026-01-04T00:00:00Z')).toEqual([]);
});

test('6.1 what a change gives back stands in the order in which it was billed, also where all of it is only previewed', async () => {
  const fee = (key: string, more: object) => ({ key, model: 'FLAT' as const, amount: '28', perSeat: true, ...more });
  await world.plan({ key: 'plan', kind: 'SUBSCRIPTION', prices: [fee('license', {}), fee('yearly', { everyIntervals: 12 })] });
  const subscription = await world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z');
  await world.get(SubscriptionsService).change(world.tenantId, { subscription, seats: 2, at: parseInstant('2026-02-15T00:00:00Z') });
  // The license of February was billed after the yearly fee.
  const previewed = (await previews('2026-02-15T01:00:00Z')).find(({ kind }) => kind === 'PRORATION')?.lines ?? [];
  await world.bill('2026-02-15T01:00:00Z');
  const issued = (await world.invoices('acme')).find(({ kind }) => kind === 'PRORATION')?.lines ?? [];
  const order = (lines: readonly { kind: string; priceKey: string | null }[]) => lines.map(({ kind, priceKey }) => `${kind} ${priceKey}`);
  expect(order(issued).slice(0, 2)).toEqual(['PRORATION_CREDIT yearly', 'PRORATION_CREDIT license']);
  expect(order(previewed)).toEqual(order(issued));
});
