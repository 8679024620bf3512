import { SettingsService } from '@tare/access';
import { Decimal, parseInstant } from '@tare/core';
import { CustomersService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { parse } from 'csv-parse/sync';
import { CreditNotesService, type CreditNoteInput, type CreditNoteView } from '../credit-notes/credit-notes.service.ts';
import { CustomerTaxesService } from '../tax/customer-taxes.service.ts';
import { InvoicesService } from '../invoices/invoices.service.ts';
import type { InvoiceWithLines } from '../invoices/invoice.ts';
import { TestWorld } from '../world.fixture.ts';
import { creditNoteDocument } from './credit-note-document.ts';
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
  const document = invoiceDocument(invoice, { parties: await partiesOf(invoice), numbers: new Map(), creditNotes: [] });
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
  await world.get(CustomersService).update(world.tenantId, 'acme', { name: 'Renamed', email: 'new@acme.test', address: '2 Road\nTown' });
  expect((await documents().invoicePdf(world.tenantId, invoice.id)).content.equals(before.content)).toBe(true);
  await world.bill('2026-03-02T00:00:00Z');
  const next = (await world.invoices('acme')).at(-1) ?? invoice;
  expect(await partiesOf(next)).toMatchObject({
    seller: { name: 'Second Name Ltd', address: null },
    buyer: { name: 'Renamed', email: 'new@acme.test', address: '2 Road\nTown' },
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
  const document = invoiceDocument(voided, { parties: await partiesOf(voided), numbers: new Map(), creditNotes: [] });
  expect(document).toMatchObject({ mark: 'VOID', notes: [`Invoice ${voided.number} is void: nothing of it is to be paid.`] });
  const stranger = await world.neighbour(database);
  await expect(documents().invoicePdf(stranger.tenantId, invoice.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(documents().usageCsv(world.tenantId, 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

describe('a credit note', () => {
  let shop: TestWorld;
  let taxed: InvoiceWithLines;

  beforeAll(async () => {
    shop = await world.neighbour(database);
    await shop.meter('request');
    const usage = { key: 'usage', model: 'PER_UNIT' as const, meter: 'request', unitPrice: '0.5' };
    await shop.plan({ key: 'pro', name: 'Pro', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '20' }, usage] });
    await shop.customer('acme', 'Europe/Berlin');
    await shop.get(CustomerTaxesService).set(shop.tenantId, 'acme', { rates: [{ name: 'VAT', percent: Decimal.of(19) }] }, 'test');
    await shop.subscribe('acme', 'pro', '2026-01-01T00:00:00+01:00');
    await shop.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '10' });
    await shop.get(SettingsService).update(shop.tenantId, { seller: { name: 'Shop Ltd', note: 'Please pay soon.' } }, 'test');
    await shop.bill('2026-02-02T00:00:00Z');
    taxed = (await shop.invoices('acme')).find(({ lines }) => lines.some(({ kind }) => kind === 'USAGE')) ?? invoice;
  });

  const credit = (input: Partial<CreditNoteInput>): Promise<CreditNoteView> =>
    shop
      .get(CreditNotesService)
      .create(
        shop.tenantId,
        { invoice: taxed.id, reason: '=The model was down', at: parseInstant('2026-02-03T00:00:00Z'), ...input },
        'test',
      );
  const partiesOfNote = ({ id, customerId, finalizedAt: billingAt }: CreditNoteView): Promise<Parties> =>
    shop.database.withTenant(shop.tenantId, (tx) => new PartyStore().partiesOf(tx, { id, customerId, billingAt }));

  test('refers to its invoice, says why, takes tax back and tells where the money goes; it asks for nothing', async () => {
    const line = taxed.lines.find(({ kind }) => kind === 'USAGE');
    const note = await credit({ lines: [{ line: line?.id ?? '', quantity: Decimal.of(4) }] });
    const document = creditNoteDocument(note, taxed, await partiesOfNote(note));
    expect(document).toMatchObject({ title: 'Credit note', number: 'TARE-CN-000001', buyerLabel: 'Credited to', mark: null });
    expect(document.facts).toEqual([
      { label: 'Credit note', text: 'TARE-CN-000001' },
      { label: 'Date of issue', text: '3 Feb 2026' },
      { label: 'For invoice', text: `${taxed.number} of 2 Feb 2026` },
      { label: 'Reason', text: '=The model was down' },
    ]);
    expect(document.lines).toMatchObject([
      { description: 'Pro: usage', remarks: ['1 Jan 2026 – 31 Jan 2026'], quantity: '4', amount: '2.00' },
    ]);
    expect(document.totals).toEqual([
      { label: 'Subtotal', amount: '2.00', isStrong: false },
      { label: 'VAT 19 %, taken back', amount: '0.38', isStrong: false },
      { label: 'Total credited', amount: '2.38', isStrong: true },
      { label: `Taken off what invoice ${taxed.number} asks for`, amount: '2.38', isStrong: false },
    ]);
    expect(document.notes.join(' ')).not.toContain('Please pay');
  });

  test('is no payment on the document of its invoice: what is due is less, and what was given back after a payment is told', async () => {
    const totals = async () => {
      const creditNotes = (await shop.get(CreditNotesService).list(shop.tenantId, { invoice: taxed.id })).rows;
      const now = (await shop.get(InvoicesService).byId(shop.tenantId, taxed.id)) ?? taxed;
      const document = invoiceDocument(now, {
        parties: await partiesOfNote(creditNotes[0] as CreditNoteView),
        numbers: new Map(),
        creditNotes,
      });
      return { notes: document.notes, totals: document.totals.slice(2).map(({ label, amount }) => `${label} ${amount}`) };
    };
    expect((await totals()).totals).toEqual(['Total 29.75', 'Credit note TARE-CN-000001 -2.38', 'Amount due 27.37']);
    await shop.get(InvoicesService).pay(shop.tenantId, taxed.id, parseInstant('2026-02-04T00:00:00Z'));
    const later = await credit({ amount: Decimal.parse('11.9'), settlement: 'REFUND', at: parseInstant('2026-02-05T00:00:00Z') });
    const after = await totals();
    expect(after.totals).toEqual(['Total 29.75', 'Credit note TARE-CN-000001 -2.38', 'Paid -27.37', 'Amount due 0.00']);
    expect(after.notes).toContain(`Of what was paid, 11.90 USD was given back with credit note ${later.number}.`);
    const document = creditNoteDocument(later, taxed, await partiesOfNote(later));
    expect(document.totals.slice(-2)).toEqual([
      { label: 'Total credited', amount: '11.90', isStrong: true },
      { label: 'Refunded', amount: '11.90', isStrong: false },
    ]);
  });

  test('has the same bytes for ever, whatever becomes of seller, customer and invoice; its lines as CSV add up to it', async () => {
    const note = (await shop.get(CreditNotesService).list(shop.tenantId, { invoice: taxed.id })).rows[0] as CreditNoteView;
    const files = shop.get(DocumentsService);
    const before = await files.creditNotePdf(shop.tenantId, note.id);
    expect(before.name).toBe('TARE-CN-000001.pdf');
    await shop.get(SettingsService).update(shop.tenantId, { seller: { name: 'Other Ltd' } }, 'test');
    await shop.database.withTenant(shop.tenantId, (tx) => tx.query(`UPDATE customer SET name = 'Renamed'`));
    await credit({ amount: Decimal.of(1), at: parseInstant('2026-02-06T00:00:00Z') });
    expect((await files.creditNotePdf(shop.tenantId, note.id)).content.equals(before.content)).toBe(true);
    const csv = await files.creditNoteLinesCsv(shop.tenantId, note.id);
    expect(csv.name).toBe('TARE-CN-000001-lines.csv');
    const rows = parse<Record<string, string>>(csv.content, { columns: true });
    expect(rows).toMatchObject([{ credit_note: 'TARE-CN-000001', invoice: taxed.number, quantity: '4', amount: '2.00', currency: 'USD' }]);
    const stranger = await world.neighbour(database);
    await expect(files.creditNotePdf(stranger.tenantId, note.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(files.creditNoteLinesCsv(shop.tenantId, 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
