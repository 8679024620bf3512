import { Decimal, parseInstant } from '@tare/core';
import { PurchasesService } from '@tare/credits';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CreditNotesService } from '../credit-notes/credit-notes.service.ts';
import { InvoicesService, type InvoiceView } from '../invoices/invoices.service.ts';
import { CustomerTaxesService } from '../tax/customer-taxes.service.ts';
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
  await world.customer('acme');
});

const d = (text: string): Decimal => Decimal.parse(text);
const buy = (key: string, amount = '50') =>
  world
    .get(PurchasesService)
    .purchase(
      world.tenantId,
      { customer: 'acme', key, credits: d('1000'), price: { amount: d(amount), currency: 'USD' } },
      parseInstant('2026-01-01T00:00:00Z'),
    );
const shown = (invoices: readonly InvoiceView[]): string[] =>
  invoices.map(({ number, kind, status, lines, tax, total }) =>
    [number, kind, status, ...lines.map((line) => `${line.kind} ${line.quantity.toString()} = ${line.amount.toString()}`), tax, total].join(
      ' ',
    ),
  );
const invoices = () => world.invoices('acme');
const available = async (): Promise<string> => (await world.balance('acme', '2026-01-10T00:00:00Z')).available.toString();
const statuses = () =>
  world.database.withTenant(world.tenantId, (tx) => tx.query<{ status: string }>('SELECT status FROM credit_purchase ORDER BY key'));

describe('prepaid invoices', () => {
  test('7.6 bill what is bought, taxed at purchase, and paying one brings its credits, once', async () => {
    await world.get(CustomerTaxesService).set(world.tenantId, 'acme', { rates: [{ name: 'VAT', percent: d('19') }] }, 'tester');
    await buy('pack');
    await world.bill('2026-01-02T00:00:00Z');
    await world.bill('2026-01-02T00:00:00Z');
    expect(shown(await invoices())).toEqual(['TARE-000001 PREPAID FINALIZED CREDITS 1000 = 50 9.5 59.5']);
    expect(await available()).toBe('0');
    const [invoice] = await invoices();
    const pay = () => world.get(InvoicesService).pay(world.tenantId, invoice?.id ?? '', parseInstant('2026-01-03T00:00:00Z'));
    await Promise.all([pay(), pay()]);
    expect(await available()).toBe('1000');
    expect(await statuses()).toEqual([{ status: 'PAID' }]);
  });

  test('7.6 that are voided before they are paid cancel the purchase', async () => {
    await buy('pack');
    await world.bill('2026-01-02T00:00:00Z');
    const [invoice] = await invoices();
    await expect(
      world.get(CreditNotesService).create(world.tenantId, { invoice: invoice?.id ?? '', reason: 'x' }, 'tester'),
    ).rejects.toMatchObject({ code: 'INVOICE_NOT_PAID' });
    await world.get(InvoicesService).voidInvoice(world.tenantId, invoice?.id ?? '');
    await world.bill('2026-01-03T00:00:00Z');
    expect(await statuses()).toEqual([{ status: 'CANCELED' }]);
    expect(await invoices()).toHaveLength(1);
    expect(await available()).toBe('0');
  });

  test('8.5 are made once by runs that race, and their numbers have no gap', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, index) => buy(`pack ${index}`)));
    await Promise.all([1, 2, 3].map(() => world.bill('2026-01-02T00:00:00Z')));
    const all = await invoices();
    expect(all.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((no) => `TARE-00000${no}`));
    expect(new Set(await statuses())).toEqual(new Set([...Array(8)].map(() => ({ status: 'INVOICED' }))));
  });

  test("8.6 that the customer's balance pays wholly are paid at once", async () => {
    await buy('first');
    await world.bill('2026-01-02T00:00:00Z');
    const [invoice] = await invoices();
    await world.get(InvoicesService).pay(world.tenantId, invoice?.id ?? '', parseInstant('2026-01-03T00:00:00Z'));
    await world.get(CreditNotesService).create(world.tenantId, { invoice: invoice?.id ?? '', reason: 'goodwill' }, 'tester');
    await buy('second', '30');
    await world.bill('2026-01-04T00:00:00Z');
    expect(shown(await invoices()).at(-1)).toBe('TARE-000002 PREPAID PAID CREDITS 1000 = 30 0 0');
    expect(await available()).toBe('2000');
  });
});
