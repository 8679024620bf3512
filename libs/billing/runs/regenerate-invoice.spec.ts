import { Decimal } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '@tare/usage';
import { InvoicesService, type InvoiceView } from '../invoices/invoices.service.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
import { InvoiceRegeneration } from './regenerate-invoice.ts';
import { TestWorld } from '../world.fixture.ts';

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
  await world.meter('request');
  await world.customer('acme');
});

const shown = (invoices: readonly InvoiceView[]): string[] =>
  invoices.map(
    ({ billingAt, kind, sequence, status, lines, total }) =>
      `${new Date(billingAt / 1000).toISOString().slice(0, 10)} ${kind}${sequence} ${status}: ${[
        ...lines.map((line) => `${line.kind} ${line.amount.toString()}`),
        total.toString(),
      ].join(', ')}`,
  );
const invoices = () => world.invoices('acme');
const voided = async (index: number): Promise<InvoiceView> =>
  world.get(InvoicesService).voidInvoice(world.tenantId, (await invoices())[index]?.id ?? '');
const regenerated = (id: string): Promise<InvoiceView> => world.get(InvoiceRegeneration).regenerate(world.tenantId, id, 'tester');
const cancelled = (...keys: string[]) =>
  world.get(CorrectionsService).voidEvents(world.tenantId, keys, { actor: 'tester', reason: 'wrong' });

/** Every finalized invoice comes out again as it was issued, whatever was voided since. */
async function recomputed(): Promise<void> {
  for (const invoice of (await invoices()).filter(({ number }) => number !== null)) {
    const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
    expect([
      invoice.number,
      ...again.lines.map(({ scopeKey, amount }) => `${scopeKey} ${amount.toString()}`),
      again.total.toString(),
    ]).toEqual([
      invoice.number,
      ...invoice.lines.map(({ scopeKey, amount }) => `${scopeKey} ${amount.toString()}`),
      invoice.total.toString(),
    ]);
  }
}

const flat = { key: 'fee', model: 'FLAT' as const, amount: '20' };
const perUnit = { key: 'usage', model: 'PER_UNIT' as const, meter: 'request', unitPrice: '1' };

describe('a voided invoice', () => {
  test('8.2 is billed again with what is known now, fee and late usage too, once', async () => {
    await world.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [flat, perUnit] });
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.use('acme', { key: 'a', at: '2026-01-05T00:00:00Z', quantity: '7' });
    await world.bill('2026-02-01T01:00:00Z');
    const { id } = await voided(1);
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '5' });
    await world.bill('2026-02-02T00:00:00Z');
    expect(shown(await invoices()).slice(1)).toEqual(['2026-02-01 REGULAR0 VOID: USAGE 7, FEE 20, 27']);
    const replacement = await regenerated(id);
    expect(replacement).toMatchObject({ status: 'FINALIZED', replaces: id, sequence: 1, number: 'TARE-000003' });
    expect((await regenerated(id)).id).toBe(replacement.id);
    await world.use('acme', { at: '2026-01-07T00:00:00Z', quantity: '2' }, { at: '2026-02-07T00:00:00Z', quantity: '3' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(shown(await invoices()).slice(1)).toEqual([
      '2026-02-01 REGULAR0 VOID: USAGE 7, FEE 20, 27',
      '2026-02-01 REGULAR1 FINALIZED: USAGE 12, FEE 20, 32',
      '2026-03-01 REGULAR0 FINALIZED: USAGE 3, FEE 20, DELTA 2, 25',
    ]);
    expect((await invoices()).at(-1)?.lines.at(-1)?.adjusts).toBe(replacement.id);
    await recomputed();
  });

  test('8.2 takes with it what a correction had given for it, by the invoice that bills it again', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perUnit] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use(
      'acme',
      { key: 'right', at: '2026-01-05T00:00:00Z', quantity: '11' },
      { key: 'wrong', at: '2026-01-05T00:00:00Z', quantity: '89' },
    );
    await world.bill('2026-02-01T01:00:00Z');
    await cancelled('wrong');
    await world.bill('2026-03-01T01:00:00Z');
    const { id } = await voided(0);
    await regenerated(id);
    await world.use('acme', { at: '2026-03-05T00:00:00Z', quantity: '500' });
    await world.bill('2026-04-01T01:00:00Z');
    const all = await invoices();
    expect(shown(all)).toEqual([
      '2026-02-01 REGULAR0 VOID: USAGE 100, 100',
      '2026-02-01 REGULAR1 FINALIZED: USAGE 100, 11',
      '2026-03-01 REGULAR0 FINALIZED: DELTA -89, 0',
      '2026-04-01 REGULAR0 FINALIZED: USAGE 500, 500',
    ]);
    expect(String(all[1]?.detail.balanceApplied)).toBe('89');
    expect(all[1]?.lines[0]?.rounding).toMatchObject({ rounded: Decimal.of(11), alreadyBilled: Decimal.parse('-89') });
    await recomputed();
  });

  test('8.2 that is not billed again gives back and takes back what corrections did, on the next invoice', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perUnit] });
    const subscription = await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use(
      'acme',
      { key: 'right', at: '2026-01-05T00:00:00Z', quantity: '11' },
      { key: 'wrong', at: '2026-01-05T00:00:00Z', quantity: '89' },
    );
    await world.bill('2026-02-01T01:00:00Z');
    await cancelled('wrong');
    await world.bill('2026-03-01T01:00:00Z');
    await voided(0);
    await world.use('acme', { at: '2026-03-05T00:00:00Z', quantity: '500' });
    await world.bill('2026-04-01T01:00:00Z');
    expect(shown(await invoices()).at(-1)).toBe('2026-04-01 REGULAR0 FINALIZED: USAGE 500, DELTA 89, 500');
    await world.cancel(subscription, '2026-04-10T00:00:00Z', true);
    await world.bill('2026-05-01T01:00:00Z');
    expect(await invoices()).toHaveLength(3);
    await recomputed();
    const balance = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query<{ sum: string }>('SELECT sum(amount)::text FROM customer_balance_entry'),
    );
    expect(balance).toEqual([{ sum: '0' }]);
  });

  test('8.3 with corrections of other periods on it: they come again on the next invoice', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perUnit] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '10' });
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '4' }, { at: '2026-02-06T00:00:00Z', quantity: '2' });
    await world.bill('2026-03-01T01:00:00Z');
    const { id } = await voided(1);
    await world.bill('2026-04-01T01:00:00Z');
    await regenerated(id);
    expect(shown(await invoices())).toEqual([
      '2026-02-01 REGULAR0 FINALIZED: USAGE 10, 10',
      '2026-03-01 REGULAR0 VOID: USAGE 2, DELTA 4, 6',
      '2026-03-01 REGULAR1 FINALIZED: USAGE 2, 2',
      '2026-04-01 REGULAR0 FINALIZED: DELTA 4, 4',
    ]);
    await recomputed();
  });

  test('6.3 that was supplementary is billed again like any other', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perUnit] });
    const subscription = await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '10' });
    await world.cancel(subscription, '2026-01-10T00:00:00Z', true);
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '4' });
    await world.bill('2026-02-02T01:00:00Z');
    await regenerated((await voided(1)).id);
    await world.bill('2026-02-03T01:00:00Z');
    expect(shown(await invoices())).toEqual([
      '2026-01-10 REGULAR0 FINALIZED: USAGE 10, 10',
      '2026-01-10 SUPPLEMENTARY0 VOID: DELTA 4, 4',
      '2026-01-10 SUPPLEMENTARY1 FINALIZED: DELTA 4, 4',
    ]);
    await recomputed();
  });

  test('7.6 grants its credits again when it is billed again', async () => {
    await world.plan({
      ...{ key: 'credits', kind: 'CREDIT', creditsPerInterval: '100', creditPrice: '0.1', creditExhaustion: 'OVERAGE' },
      ...{ overagePricePerCredit: '1', burnRates: [{ meter: 'request', creditsPerUnit: '1' }] },
    });
    await world.subscribe('acme', 'credits', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-01T01:00:00Z');
    const { id } = await voided(0);
    expect((await world.balance('acme', '2026-01-02T00:00:00Z')).available.toString()).toBe('0');
    await regenerated(id);
    expect((await world.balance('acme', '2026-01-02T00:00:00Z')).available.toString()).toBe('100');
  });

  test('8.1 has its amount off again, also where later months have theirs and the rest is carried on', async () => {
    await world.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '100' }] });
    const off = { key: 'off', amountOff: { amount: Decimal.parse('10'), currency: 'USD' }, periods: 2, carriesOn: true };
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z', { discounts: [off] });
    await world.bill('2026-02-01T01:00:00Z');
    expect((await regenerated((await voided(0)).id)).total.toString()).toBe('90');
    await world.bill('2026-03-01T01:00:00Z');
    expect((await invoices()).map(({ status, total }) => `${status} ${total.toString()}`)).toEqual([
      'VOID 90',
      'FINALIZED 90',
      'FINALIZED 90',
      'FINALIZED 100',
    ]);
    await recomputed();
  });

  test('is not billed again while it stands, twice at once makes one, and nothing to bill is none', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perUnit] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use(
      'acme',
      { key: 'a', at: '2026-01-05T00:00:00Z', quantity: '10' },
      { key: 'b', at: '2026-02-05T00:00:00Z', quantity: '10' },
    );
    await world.bill('2026-03-01T01:00:00Z');
    const [january, february] = await invoices();
    await expect(regenerated(january?.id ?? '')).rejects.toMatchObject({ code: 'INVOICE_NOT_VOID' });
    await voided(0);
    const made = await Promise.all([1, 2, 3].map(() => regenerated(january?.id ?? '')));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await world.get(InvoicesService).voidInvoice(world.tenantId, february?.id ?? '');
    await cancelled('b');
    await expect(regenerated(february?.id ?? '')).rejects.toMatchObject({ code: 'NOTHING_TO_BILL' });
  });
});
