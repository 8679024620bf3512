import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CreditNotesService } from '../credit-notes/credit-notes.service.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
import { TestWorld } from '../world.fixture.ts';
import { CustomerTaxesService, type CustomerTaxInput } from './customer-taxes.service.ts';

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
  await world.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '33.33' }] });
  for (const customer of ['acme', 'other']) {
    await world.customer(customer);
    await world.subscribe(customer, 'pro', '2026-01-01T00:00:00Z');
  }
});

const rate = (name: string, percent: string) => ({ name, percent: Decimal.parse(percent) });
const set = (input: CustomerTaxInput, customer = 'acme') => world.get(CustomerTaxesService).set(world.tenantId, customer, input, 'tester');
const taxed = async (customer = 'acme'): Promise<string[]> =>
  (await world.invoices(customer)).map(({ detail, tax, total }) =>
    [...detail.taxes.map(({ name, amount }) => `${name} ${amount.toString()}`), `${tax.toString()} of ${total.toString()}`].join(', '),
  );

describe('taxes of a customer', () => {
  test('8.1 are each on the whole base and rounded once, and other customers have their own', async () => {
    await set({ rates: [rate('GST', '5'), rate('QST', '9.975')], taxId: 'CA 1' });
    await world.bill('2026-01-02T00:00:00Z');
    expect(await taxed()).toEqual(['GST 1.67, QST 3.32, 4.99 of 38.32']);
    expect(await taxed('other')).toEqual(['0 of 33.33']);
  });

  test('hold from their time on; what was invoiced keeps its tax, also when it is recomputed and credited', async () => {
    await set({ rates: [rate('VAT', '19')] });
    await set({ rates: [rate('VAT', '16')], from: parseInstant('2026-02-01T00:00:00Z') });
    await set({ exempt: true, rates: [rate('VAT', '16')], from: parseInstant('2026-03-01T00:00:00Z') });
    await world.bill('2026-03-02T00:00:00Z');
    const invoices = ['VAT 6.33, 6.33 of 39.66', 'VAT 5.33, 5.33 of 38.66', '0 of 33.33'];
    expect(await taxed()).toEqual(invoices);
    await set({ rates: [rate('VAT', '7')], from: parseInstant('2026-01-01T00:00:00Z') });
    expect(await taxed()).toEqual(invoices);
    for (const invoice of await world.invoices('acme')) {
      const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
      expect([again.tax, again.total].map(String)).toEqual([invoice.tax, invoice.total].map(String));
    }
    const january = (await world.invoices('acme'))[0];
    const line = january?.lines[0]?.id ?? '';
    const note = await world
      .get(CreditNotesService)
      .create(
        world.tenantId,
        { invoice: january?.id ?? '', lines: [{ line, amount: Decimal.parse('11.11') }], reason: 'a third' },
        'tester',
      );
    expect([note.subtotal, note.tax, note.total].map(String)).toEqual(['11.11', '2.11', '13.22']);
  });

  test('set again as they are change nothing, and are refused when they cannot be', async () => {
    const tax = await set({ rates: [rate('VAT', '19')], taxId: 'DE 1' });
    expect(await set({ rates: [rate('VAT', '19.0')], taxId: 'DE 1' })).toEqual(tax);
    const current = (at: string) => world.get(CustomerTaxesService).current(world.tenantId, 'acme', parseInstant(at));
    expect(await current('2001-01-01T00:00:00Z')).toEqual(tax);
    expect(await world.get(CustomerTaxesService).current(world.tenantId, 'other')).toBeNull();
    await expect(set({ rates: [rate('VAT', '101')] })).rejects.toMatchObject({ code: 'OUT_OF_RANGE', path: 'rates.0.percent' });
    await expect(set({ rates: [rate('VAT', '-1')] })).rejects.toMatchObject({ code: 'OUT_OF_RANGE' });
    await expect(set({ rates: [rate('VAT', '1'), rate('VAT', '2')] })).rejects.toMatchObject({
      code: 'DUPLICATE_TAX_RATE',
      path: 'rates.1.name',
    });
    await expect(set({ rates: [rate('', '1')] })).rejects.toMatchObject({ path: 'rates.0.name' });
    await expect(set({ creditsTaxed: 'AT_USE' })).rejects.toMatchObject({ code: 'NOT_AVAILABLE', path: 'creditsTaxed' });
    await expect(set({}, 'nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
