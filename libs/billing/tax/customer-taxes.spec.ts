import { Decimal, parseInstant } from '@tare/core';
import { PurchasesService } from '@tare/credits';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CreditNotesService } from '../credit-notes/credit-notes.service.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
import { InvoicesService } from '../invoices/invoices.service.ts';
import { InvoiceRegeneration } from '../runs/regenerate-invoice.ts';
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
    await expect(set({}, 'nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('credits that are taxed at use', () => {
  const AT_USE = { rates: [rate('VAT', '19')], creditsTaxed: 'AT_USE' as const };
  const BURNS = { burnRates: [{ meter: 'picture', creditsPerUnit: '1' }] };
  const pictures = (at: string, quantity: string) => world.use('user', { type: 'picture', at, quantity });

  beforeEach(async () => {
    await world.meter('picture');
    await world.customer('user');
    await set(AT_USE, 'user');
  });

  async function subscribed(terms: Partial<Parameters<TestWorld['plan']>[0]> = {}): Promise<void> {
    await world.plan({ key: 'creative', kind: 'CREDIT', ...BURNS, ...terms });
    await world.subscribe('user', 'creative', '2026-01-01T00:00:00Z');
  }
  const recomputed = async (): Promise<void> => {
    for (const invoice of (await world.invoices('user')).filter(({ kind, status }) => kind !== 'PREPAID' && status !== 'VOID')) {
      const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
      expect([again.tax, again.taxBase, again.total].map(String)).toEqual([invoice.tax, invoice.detail.taxBase, invoice.total].map(String));
    }
  };

  test('8.6 are sold without tax, and what is burnt of them is taxed by the invoice that closes its period; what expires never is', async () => {
    await subscribed({ creditsPerInterval: '100', creditPrice: '0.1' });
    await world.bill('2026-01-01T02:00:00Z');
    await pictures('2026-01-20T00:00:00Z', '40');
    await world.bill('2026-02-01T02:00:00Z');
    // One of January that comes late burns what is current; one of February's first hour is February's.
    await pictures('2026-01-25T00:00:00Z', '10');
    await pictures('2026-02-20T00:00:00Z', '20');
    await pictures('2026-03-01T00:30:00Z', '5');
    await world.bill('2026-03-01T02:00:00Z');
    await world.bill('2026-04-01T02:00:00Z');
    expect(await taxed('user')).toEqual(['VAT 0, 0 of 10', 'VAT 0.76, 0.76 of 10.76', 'VAT 0.57, 0.57 of 10.57', 'VAT 0.1, 0.1 of 10.1']);
    await recomputed();
  });

  test('8.6 of a pack are taxed where nothing else is billed too; credits sold with tax are not taxed again', async () => {
    await subscribed();
    const buy = async (key: string, at: string): Promise<void> => {
      const price = { amount: Decimal.of(50), currency: 'USD' };
      const input = { customer: 'user', key, credits: Decimal.of(100), price };
      await world.get(PurchasesService).purchase(world.tenantId, input, parseInstant(at));
      await world.bill(at);
      const invoice = (await world.invoices('user')).find(({ kind, status }) => kind === 'PREPAID' && status === 'FINALIZED');
      await world.get(InvoicesService).pay(world.tenantId, invoice?.id ?? '', parseInstant(at));
    };
    await buy('untaxed', '2026-01-02T00:00:00Z');
    await pictures('2026-01-20T00:00:00Z', '60');
    await world.bill('2026-02-01T02:00:00Z');
    await set({ ...AT_USE, creditsTaxed: 'AT_PURCHASE', from: parseInstant('2026-02-02T00:00:00Z') }, 'user');
    await buy('taxed', '2026-02-03T00:00:00Z');
    await pictures('2026-02-20T00:00:00Z', '70');
    await world.bill('2026-03-01T02:00:00Z');
    const shown = (await world.invoices('user')).map(({ kind, lines, tax, total }) =>
      [kind, lines.length, tax.toString(), total.toString()].join(' '),
    );
    expect(shown).toEqual(['PREPAID 1 0 50', 'REGULAR 0 5.7 5.7', 'PREPAID 1 9.5 59.5', 'REGULAR 0 3.8 3.8']);
    await recomputed();
  });

  test('8.6 are taxed once, whatever is voided and billed again', async () => {
    await subscribed({ creditsPerInterval: '100', creditPrice: '0.1' });
    await world.bill('2026-01-01T02:00:00Z');
    await pictures('2026-01-20T00:00:00Z', '40');
    await world.bill('2026-02-01T02:00:00Z');
    const february = (await world.invoices('user')).at(-1);
    await world.get(InvoicesService).voidInvoice(world.tenantId, february?.id ?? '');
    await world.get(InvoiceRegeneration).regenerate(world.tenantId, february?.id ?? '');
    await world.bill('2026-03-01T02:00:00Z');
    const standing = (await world.invoices('user')).filter(({ status }) => status !== 'VOID');
    expect(standing.map(({ tax }) => tax.toString())).toEqual(['0', '0.76', '0']);
    await recomputed();
  });
});
