import { SettingsService } from '@tare/access';
import { Decimal } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { parse } from 'csv-parse/sync';
import { InvoicesService } from '../invoices/invoices.service.ts';
import type { InvoiceWithLines } from '../invoices/invoice.ts';
import { TestWorld } from '../world.fixture.ts';
import { DocumentsService } from './documents.service.ts';
import { invoiceDocument } from './invoice-document.ts';
import { PartyStore, type Parties } from './party.store.ts';

let database: TestDatabase;
let world: TestWorld;
let invoice: InvoiceWithLines;

beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database);
  await world.meter('tokens', { eventType: 'call' });
  await world.plan({
    key: '=plan',
    name: '=Team',
    kind: 'SUBSCRIPTION',
    prices: [
      { key: 'fee', model: 'FLAT', amount: '1250' },
      {
        key: 'tokens',
        model: 'GRADUATED',
        meter: 'tokens',
        tiers: [
          { upTo: '1000', unitPrice: '0.005' },
          { unitPrice: '0.001', flatFee: '3' },
        ],
      },
    ],
  });
  await world.customer('acme', 'Europe/Berlin');
  const discount = { key: 'start', percentOff: Decimal.of(10), amountOff: null, prices: null, periods: null };
  await world.subscribe('acme', '=plan', '2026-01-01T00:00:00+01:00', { discounts: [discount] });
  await world.use(
    'acme',
    { key: '=cmd()', at: '2026-01-05T00:00:00Z', type: 'call', quantity: '1500.5', user: '-evil', properties: { a: 1 } },
    { key: 'plain', at: '2026-01-06T00:00:00Z', type: 'call', quantity: '2' },
  );
  await setSeller({ name: 'First Name Ltd', address: '1 Road\nTown', note: 'Thank you.' });
  await world.bill('2026-02-02T00:00:00Z');
  const billed = (await world.invoices('acme')).find(({ lines }) => lines.some(({ kind }) => kind === 'USAGE'));
  if (billed === undefined) throw new Error('no usage was billed');
  invoice = billed;
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

const documents = (): DocumentsService => world.get(DocumentsService);
const setSeller = (seller: object): Promise<unknown> => world.get(SettingsService).update(world.tenantId, { seller }, 'test');
const partiesOf = (of: InvoiceWithLines): Promise<Parties> =>
  world.database.withTenant(world.tenantId, (tx) => new PartyStore().partiesOf(tx, of));

test('a document writes every sum with the digits of its currency, periods as days of the customer, and how the amount came about', async () => {
  const document = invoiceDocument(invoice, { parties: await partiesOf(invoice), numbers: new Map() });
  expect(document.seller).toEqual({ name: 'First Name Ltd', lines: ['1 Road', 'Town'] });
  expect(document.buyer).toEqual({ name: 'acme', lines: [] });
  expect(document.facts).toContainEqual({ label: 'Billing period', text: '1 Jan 2026 – 31 Jan 2026' });
  const usage = document.lines.find(({ description }) => description.endsWith('tokens'));
  expect(usage).toMatchObject({ quantity: '1,502.5', unitPrice: '', amount: '8.50', remarks: ['1 Jan 2026 – 31 Jan 2026'] });
  expect(usage?.steps.map(({ description, amount }) => `${description}: ${amount}`)).toEqual([
    'tier 1 (over 0 up to 1000): 5.00',
    'tier 2 (over 1000): 0.5025',
    'tier 2 (over 1000): flat fee: 3.00',
    'discount start: -0.85',
  ]);
  expect(document.totals).toEqual([
    { label: 'Subtotal', amount: '1,258.50', isStrong: false },
    { label: 'Discount start', amount: '-125.85', isStrong: false },
    { label: 'Subtotal after discounts', amount: '1,132.65', isStrong: false },
    { label: 'Total', amount: '1,132.65', isStrong: true },
  ]);
  expect(document.notes).toEqual(['Thank you.']);
});

test('8.2 the document of a final invoice says what held when it was finalized: the same bytes after seller and customer have changed', async () => {
  const before = await documents().invoicePdf(world.tenantId, invoice.id);
  expect(before).toMatchObject({ name: `${invoice.number}.pdf` });
  await setSeller({ name: 'Second Name Ltd', address: null });
  await world.database.withTenant(world.tenantId, (tx) => tx.query(`UPDATE customer SET name = 'Renamed', email = 'new@acme.test'`));
  expect((await documents().invoicePdf(world.tenantId, invoice.id)).content.equals(before.content)).toBe(true);
  await world.bill('2026-03-02T00:00:00Z');
  const next = (await world.invoices('acme')).at(-1) ?? invoice;
  expect(await partiesOf(next)).toMatchObject({
    seller: { name: 'Second Name Ltd', address: null },
    buyer: { name: 'Renamed', email: 'new@acme.test' },
  });
});

test('lines as CSV: net amounts add up to the invoice, and no text of others is a formula', async () => {
  const { name, content } = await documents().linesCsv(world.tenantId, invoice.id);
  expect(name).toBe(`${invoice.number}-lines.csv`);
  const rows = parse<Record<string, string>>(content, { columns: true });
  expect(rows).toHaveLength(invoice.lines.length);
  const net = Decimal.sum(rows.map((row) => Decimal.parse(row['net_amount'] ?? '')));
  expect(net.equals(invoice.subtotal.minus(invoice.discounts))).toBe(true);
  expect(rows.map((row) => row['description'])).toContain("'=Team: tokens");
  expect(rows.find((row) => row['price'] === 'tokens')).toMatchObject({
    quantity: '1502.5',
    exact_amount: '8.5025',
    amount: '8.50',
    discount: '0.85',
    currency: 'USD',
  });
});

test('usage as CSV: a row for each event behind each line, their quantities add up to the line', async () => {
  const { content } = await documents().usageCsv(world.tenantId, invoice.id);
  let text = '';
  for await (const piece of content) text += piece;
  const rows = parse<Record<string, string>>(text, { columns: true });
  expect(rows.map((row) => [row['event'], row['billed_quantity'], row['state'], row['user'], row['properties']])).toEqual([
    ["'=cmd()", '1500.5', 'COUNTED', "'-evil", '{"a":1}'],
    ['plain', '2', 'COUNTED', '', ''],
  ]);
  expect(rows[0]).toMatchObject({
    price: 'tokens',
    uncached_input: '0',
    cache_write_5m: '0',
    quantity: '1500.5',
    at: '2026-01-05T00:00:00.000Z',
  });
});

test('what is void or a draft says so on its document; an unknown invoice is NOT_FOUND, also for another tenant', async () => {
  const last = (await world.invoices('acme')).at(-1) ?? invoice;
  const voided = await world.get(InvoicesService).voidInvoice(world.tenantId, last.id);
  const document = invoiceDocument(voided, { parties: await partiesOf(voided), numbers: new Map() });
  expect(document).toMatchObject({ mark: 'VOID', notes: [`Invoice ${voided.number} is void: nothing of it is to be paid.`, 'Thank you.'] });
  const stranger = await world.neighbour(database);
  await expect(documents().invoicePdf(stranger.tenantId, invoice.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(documents().usageCsv(world.tenantId, 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
