import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '@tare/usage';
import { InvoicesService, type InvoiceView } from '../invoices/invoices.service.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
import { TestWorld } from '../world.fixture.ts';
import { CreditNotesService, type CreditNoteInput, type CreditNoteView } from './credit-notes.service.ts';

let databaseOfFile: TestDatabase;
let first: TestWorld;
let world: TestWorld;

beforeAll(async () => {
  databaseOfFile = await createTestDatabase();
  first = await TestWorld.open(databaseOfFile);
});
afterAll(async () => {
  await first.close();
  await databaseOfFile.drop();
});
beforeEach(async () => {
  world = await first.neighbour(databaseOfFile);
  await world.meter('request');
  const usage = { key: 'usage', model: 'PER_UNIT' as const, meter: 'request', unitPrice: '0.5' };
  await world.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '20' }, usage] });
  await world.customer('acme');
  await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
});

const d = (text: string): Decimal => Decimal.parse(text);
const notes = (): CreditNotesService => world.get(CreditNotesService);
const credit = (invoice: string, input: Partial<CreditNoteInput> = {}): Promise<CreditNoteView> =>
  notes().create(world.tenantId, { invoice, reason: 'goodwill', ...input }, 'tester');

/** The invoice of February: 10 units at 0.5 and the fee. */
async function february(): Promise<InvoiceView> {
  await world.use(
    'acme',
    { key: 'right', at: '2026-01-05T00:00:00Z', quantity: '6' },
    { key: 'wrong', at: '2026-01-05T00:00:00Z', quantity: '4' },
  );
  await world.bill('2026-02-01T01:00:00Z');
  const invoice = (await world.invoices('acme'))[1];
  if (invoice === undefined) throw new Error('there is no invoice of February');
  return invoice;
}

async function paid(): Promise<InvoiceView> {
  const { id } = await february();
  return world.get(InvoicesService).pay(world.tenantId, id, parseInstant('2026-02-03T00:00:00Z'));
}

const lineOf = (invoice: InvoiceView, priceKey: string): string => invoice.lines.find((line) => line.priceKey === priceKey)?.id ?? '';
const again = async ({ id }: InvoiceView): Promise<InvoiceView> => {
  const view = await world.get(InvoicesService).byId(world.tenantId, id);
  if (view === null) throw new Error('the invoice is gone');
  return view;
};

describe('a credit note', () => {
  test('8.2 on an unpaid invoice lowers what is owed, and pays it when nothing is owed any more', async () => {
    const invoice = await february();
    const note = await credit(invoice.id, { lines: [{ line: lineOf(invoice, 'usage'), amount: d('3') }] });
    expect(note).toMatchObject({ number: 'TARE-CN-000001', settlement: 'CUSTOMER_BALANCE', customer: { key: 'acme' } });
    expect([note.total, note.offInvoice, note.settled].map(String)).toEqual(['3', '3', '0']);
    expect(await again(invoice)).toMatchObject({ status: 'FINALIZED' });
    const rest = await credit(invoice.id);
    expect([rest.number, String(rest.total)]).toEqual(['TARE-CN-000002', '22']);
    const view = await again(invoice);
    expect([view.status, String(view.credited?.total), String(view.total)]).toEqual(['PAID', '25', '25']);
    await expect(credit(invoice.id)).rejects.toMatchObject({ code: 'NOTHING_TO_CREDIT' });
  });

  test("8.6 on a paid invoice it goes to the customer's balance, and the next invoice takes it", async () => {
    const invoice = await paid();
    await credit(invoice.id, { amount: d('7') });
    await world.bill('2026-03-01T01:00:00Z');
    const march = (await world.invoices('acme'))[2];
    expect([march?.detail.balanceApplied, march?.total].map(String)).toEqual(['7', '13']);
  });

  test('8.2 refunds at most what was paid', async () => {
    const invoice = await paid();
    const input = { amount: d('20'), settlement: 'REFUND' as const };
    expect(await credit(invoice.id, input)).toMatchObject({ settlement: 'REFUND' });
    await expect(credit(invoice.id, input)).rejects.toMatchObject({ code: 'CREDIT_EXCEEDS_INVOICE' });
    await credit((await world.invoices('acme'))[0]?.id ?? '', { amount: d('4') });
    await world.get(InvoicesService).pay(world.tenantId, (await world.invoices('acme'))[0]?.id ?? '', parseInstant('2026-02-04T00:00:00Z'));
    await credit(invoice.id, { amount: d('5') });
    await world.bill('2026-03-01T01:00:00Z');
    const march = (await world.invoices('acme'))[2] as InvoiceView;
    expect([march.detail.balanceApplied, march.total].map(String)).toEqual(['5', '15']);
    await world.get(InvoicesService).pay(world.tenantId, march.id, parseInstant('2026-03-04T00:00:00Z'));
    await expect(credit(march.id, input)).rejects.toMatchObject({ code: 'REFUND_EXCEEDS_PAYMENT', path: 'settlement' });
    expect(String((await credit(march.id, { ...input, amount: d('15') })).settled)).toBe('15');
  });

  test('8.3 does not give back again what a correction on a later invoice took off a line', async () => {
    const invoice = await paid();
    await world.get(CorrectionsService).voidEvents(world.tenantId, ['wrong'], { actor: 'tester', reason: 'test' });
    await world.bill('2026-03-01T01:00:00Z');
    expect((await world.invoices('acme'))[2]?.lines.map(({ kind, amount }) => `${kind} ${amount.toString()}`)).toEqual([
      'FEE 20',
      'DELTA -2',
    ]);
    await expect(credit(invoice.id, { lines: [{ line: lineOf(invoice, 'usage'), amount: d('3.01') }] })).rejects.toMatchObject({
      code: 'CREDIT_EXCEEDS_LINE',
    });
    expect(String((await credit(invoice.id)).total)).toBe('23');
  });

  test('6.1 is not given back once more by an upgrade that credits the fee', async () => {
    await world.plan({ key: 'max', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '60' }] });
    await world.customer('changing');
    const subscription = await world.subscribe('changing', 'pro', '2026-04-01T00:00:00Z');
    await world.bill('2026-04-01T01:00:00Z');
    const [april] = await world.invoices('changing');
    await credit(april?.id ?? '', { amount: d('15'), at: parseInstant('2026-04-02T00:00:00Z') });
    await world.change(subscription, 'max', '2026-04-16T00:00:00Z');
    await world.bill('2026-04-16T01:00:00Z');
    const proration = (await world.invoices('changing'))[1];
    const nets = (proration?.lines ?? []).map(({ kind, amount, discount }) => `${kind} ${amount.minus(discount).toString()}`);
    expect(nets).toEqual(['PRORATION_CREDIT -2.5', 'PRORATION_CHARGE 30']);
    const again = await world.database.withTenant(world.tenantId, (tx) =>
      world.get(InvoiceRecomputation).recompute(tx, proration as InvoiceView),
    );
    expect(again.total.toString()).toBe('27.5');
  });

  test('8.3 of usage is not billed again by a correction that comes with an upgrade', async () => {
    await world.plan({ key: 'max', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '60' }] });
    await world.customer('changing');
    const subscription = await world.subscribe('changing', 'pro', '2026-04-01T00:00:00Z');
    await world.use('changing', { at: '2026-04-10T00:00:00Z', quantity: '10' });
    await world.bill('2026-05-01T01:00:00Z');
    const may = (await world.invoices('changing'))[1];
    const line = may?.lines.find(({ kind }) => kind === 'USAGE');
    await credit(may?.id ?? '', {
      lines: [{ line: line?.id ?? '', amount: d('1') }],
      at: parseInstant('2026-05-02T00:00:00Z'),
    });
    await world.use('changing', { at: '2026-04-20T00:00:00Z', quantity: '3' });
    await world.change(subscription, 'max', '2026-05-16T00:00:00Z');
    await world.bill('2026-05-16T01:00:00Z');
    const upgrade = (await world.invoices('changing'))[2];
    const deltas = upgrade?.lines.filter(({ kind }) => kind === 'DELTA') ?? [];
    expect(deltas.map(({ amount }) => amount.toString())).toEqual(['1.5']);
  });

  test('is one under its key, also when two are made at once, and another one under it is refused', async () => {
    const invoice = await paid();
    const input = { key: 'ticket 7', amount: d('5') };
    const made = await Promise.all([1, 2, 3, 4].map(() => credit(invoice.id, input)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await expect(credit(invoice.id, { ...input, amount: d('6') })).rejects.toMatchObject({ code: 'KEY_REUSED', path: 'key' });
  });

  test('8.2 many at once never take more than the invoice, and their numbers have no gap', async () => {
    const invoice = await paid();
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => credit(invoice.id, { amount: d('4') })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
    const { rows } = await notes().list(world.tenantId, { invoice: invoice.id, first: 50 });
    expect(rows.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4, 5, 6].map((no) => `TARE-CN-00000${no}`));
    expect(String((await again(invoice)).credited?.total)).toBe('24');
  });

  test('keeps its invoice from being voided, and is not made of a draft, a void invoice or before it', async () => {
    const invoice = await february();
    await expect(credit(invoice.id, { at: parseInstant('2026-01-31T00:00:00Z') })).rejects.toMatchObject({ code: 'BEFORE_INVOICE' });
    await credit(invoice.id, { amount: d('5') });
    const voiding = (id: string) => world.get(InvoicesService).voidInvoice(world.tenantId, id);
    await expect(voiding(invoice.id)).rejects.toMatchObject({ code: 'INVOICE_CREDITED' });
    await world.bill('2026-03-01T00:30:00Z');
    const draft = (await world.invoices('acme'))[2] as InvoiceView;
    await expect(credit(draft.id)).rejects.toMatchObject({ code: 'INVOICE_NOT_FINAL' });
    await voiding(draft.id);
    await expect(credit(draft.id)).rejects.toMatchObject({ code: 'INVOICE_VOID' });
    await expect(credit('7d0e7a3e-0000-4000-8000-000000000000')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is announced for the sync and written to the audit log, with the transaction that makes it', async () => {
    const invoice = await paid();
    const note = await credit(invoice.id, { amount: d('5') });
    const [outbox, audit] = await world.database.withTenant(world.tenantId, async (tx) => [
      await tx.query('SELECT credit_note_id, taken_at FROM credit_note_outbox'),
      await tx.query("SELECT actor, subject FROM audit_entry WHERE action = 'credit_note.create'"),
    ]);
    expect(outbox).toEqual([{ credit_note_id: note.id, taken_at: null }]);
    expect(audit).toEqual([{ actor: 'tester', subject: note.id }]);
  });

  test('of another tenant is not there', async () => {
    const invoice = await paid();
    const note = await credit(invoice.id, { amount: d('5') });
    const stranger = await first.neighbour(databaseOfFile);
    expect(await notes().byId(stranger.tenantId, note.id)).toBeNull();
    expect((await notes().list(stranger.tenantId, { invoice: invoice.id })).rows).toEqual([]);
    await expect(notes().create(stranger.tenantId, { invoice: invoice.id, reason: 'x' }, 'them')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
