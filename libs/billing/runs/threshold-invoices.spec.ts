import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { InvoicePreviews } from './invoice-previews.ts';
import { EarlyFinalization } from './finalize-invoice.ts';
import { InvoicesService, type InvoiceView } from '../invoices/invoices.service.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
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
    ({ billingAt, kind, status, lines, total }) =>
      `${new Date(billingAt / 1000).toISOString().slice(0, 10)} ${kind} ${status}: ${[
        ...lines.map((line) => `${line.kind} ${line.quantity.toString()} = ${line.amount.toString()}`),
        total.toString(),
      ].join(', ')}`,
  );
const invoices = () => world.invoices('acme');

async function recomputed(): Promise<void> {
  for (const invoice of (await invoices()).filter(({ number }) => number !== null)) {
    const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
    expect([invoice.number, ...again.lines.map(({ scopeKey, amount }) => `${scopeKey} ${amount.toString()}`)]).toEqual([
      invoice.number,
      ...invoice.lines.map(({ scopeKey, amount }) => `${scopeKey} ${amount.toString()}`),
    ]);
  }
}

const tiers = [{ upTo: '100', unitPrice: '1' }, { unitPrice: '0.333' }];
const tiered = { key: 'usage', model: 'GRADUATED' as const, meter: 'request', tiers };

describe('threshold invoices', () => {
  test('4.7 bill what is not billed yet when it reaches the threshold, keep the tier position, and leave the rest to the closing invoice', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', invoiceThreshold: '50', minimumCommitment: '200', prices: [tiered] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '40' });
    await world.bill('2026-01-06T00:00:00Z');
    expect(await invoices()).toEqual([]);
    await world.use('acme', { at: '2026-01-07T00:00:00Z', quantity: '50' }, { at: '2026-01-20T00:00:00Z', quantity: '1000' });
    await world.bill('2026-01-08T00:00:00Z');
    await world.bill('2026-01-08T00:00:00Z');
    await world.bill('2026-01-09T00:00:00Z');
    await world.bill('2026-01-21T00:00:00Z');
    await world.use('acme', { at: '2026-01-22T00:00:00Z', quantity: '10' });
    await world.bill('2026-02-01T01:00:00Z');
    expect(shown(await invoices())).toEqual([
      '2026-01-08 THRESHOLD FINALIZED: USAGE 90 = 90, 90',
      '2026-01-21 THRESHOLD FINALIZED: USAGE 1090 = 339.67, 339.67',
      '2026-02-01 REGULAR FINALIZED: USAGE 1100 = 3.33, 3.33',
    ]);
    await world.use('acme', { at: '2026-01-23T00:00:00Z', quantity: '100' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(
      (await invoices())
        .flatMap(({ lines }) => lines)
        .filter(({ kind }) => kind === 'DELTA')
        .map(({ amount }) => amount.toString()),
    ).toEqual(['33.3']);
    await recomputed();
  });

  test('8.1 share the amount off of their period with the closing invoice and its corrections', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', invoiceThreshold: '10', prices: [tiered] });
    const amountOff = { amount: Decimal.of(15), currency: 'USD' };
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z', { discounts: [{ key: 'off', amountOff }] });
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '28' });
    await world.bill('2026-01-06T00:00:00Z');
    await world.use('acme', { at: '2026-01-07T00:00:00Z', quantity: '2' });
    await world.bill('2026-02-01T01:00:00Z');
    expect((await invoices()).map(({ subtotal, discounts, total }) => [subtotal, discounts, total].map(String))).toEqual([
      ['28', '15', '13'],
      ['2', '0', '2'],
    ]);
    await world.use('acme', { at: '2026-01-08T00:00:00Z', quantity: '5' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(shown(await invoices()).at(-1)).toBe('2026-03-01 REGULAR FINALIZED: DELTA 35 = 5, 5');
    await recomputed();
  });

  test('are made once by runs that race, and a voided one is billed by the next', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', invoiceThreshold: '10', prices: [tiered] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '30' });
    await world.bill('2026-01-02T00:00:00Z');
    await Promise.all(['2026-01-06T00:00:00Z', '2026-01-06T00:00:00Z', '2026-01-07T00:00:00Z'].map((asOf) => world.bill(asOf)));
    const [threshold] = await invoices();
    expect(await invoices()).toHaveLength(1);
    await world.get(InvoicesService).voidInvoice(world.tenantId, threshold?.id ?? '');
    await world.bill('2026-02-01T01:00:00Z');
    expect(shown(await invoices()).at(-1)).toBe('2026-02-01 REGULAR FINALIZED: USAGE 30 = 30, 30');
    await recomputed();
  });

  test('leave of a preview what is not billed', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', invoiceThreshold: '10', prices: [tiered] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '30' }, { at: '2026-01-07T00:00:00Z', quantity: '4' });
    await world.bill('2026-01-06T00:00:00Z');
    const [preview] = await world.get(InvoicePreviews).of(world.tenantId, 'acme', parseInstant('2026-01-08T00:00:00Z'));
    expect(preview?.total.toString()).toBe('4');
  });
});

describe('a draft that is finalized early', () => {
  test('8.2 is final with what is known, and what comes later is a correction', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [tiered] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '30' });
    await world.bill('2026-02-01T00:10:00Z');
    const [draft] = await invoices();
    const finalize = () => world.get(EarlyFinalization).finalize(world.tenantId, draft?.id ?? '', null);
    expect(await finalize()).toMatchObject({
      id: draft?.id,
      status: 'FINALIZED',
      number: 'TARE-000001',
      finalizedAt: parseInstant('2026-02-01T00:10:00Z'),
    });
    expect((await finalize()).number).toBe('TARE-000001');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '3' });
    await world.bill('2026-02-01T01:00:00Z');
    await world.bill('2026-03-01T01:00:00Z');
    expect(shown(await invoices())).toEqual([
      '2026-02-01 REGULAR FINALIZED: USAGE 30 = 30, 30',
      '2026-03-01 REGULAR FINALIZED: DELTA 33 = 3, 3',
    ]);
    await expect(world.get(EarlyFinalization).finalize(world.tenantId, 'x', null)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a draft that is voided', () => {
  test('8.3 leaves what it would have corrected of earlier periods to the next invoice', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [tiered] });
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '30' });
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '7' }, { at: '2026-02-06T00:00:00Z', quantity: '5' });
    await world.bill('2026-03-01T00:10:00Z');
    const draft = (await invoices()).find(({ status }) => status === 'DRAFT');
    await world.get(InvoicesService).voidInvoice(world.tenantId, draft?.id ?? '');
    await world.bill('2026-03-01T01:00:00Z');
    await world.use('acme', { at: '2026-03-06T00:00:00Z', quantity: '3' });
    await world.bill('2026-04-01T01:00:00Z');
    expect(shown(await invoices())).toEqual([
      '2026-02-01 REGULAR FINALIZED: USAGE 30 = 30, 30',
      '2026-03-01 REGULAR VOID: USAGE 5 = 5, DELTA 37 = 7, 12',
      '2026-04-01 REGULAR FINALIZED: USAGE 3 = 3, DELTA 37 = 7, 10',
    ]);
    await recomputed();
  });
});

describe('credits of a plan that grants them when paid', () => {
  test('7.6 come with the payment, once, and at once where there is nothing to pay', async () => {
    const credits = {
      kind: 'CREDIT' as const,
      creditsPerInterval: '100',
      creditsGrantedWhen: 'PAID' as const,
      burnRates: [{ meter: 'request', creditsPerUnit: '1' }],
    };
    await world.plan({ key: 'sold', creditPrice: '0.1', ...credits });
    await world.plan({ key: 'free', ...credits });
    await world.subscribe('acme', 'sold', '2026-01-01T00:00:00Z');
    await world.customer('other');
    await world.subscribe('other', 'free', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-01T01:00:00Z');
    const available = async (customer: string) => (await world.balance(customer, '2026-01-02T00:00:00Z')).available.toString();
    expect([await available('acme'), await available('other')]).toEqual(['0', '100']);
    const [invoice] = await invoices();
    for (const _ of [1, 2]) await world.get(InvoicesService).pay(world.tenantId, invoice?.id ?? '', parseInstant('2026-01-01T12:00:00Z'));
    expect(await available('acme')).toBe('100');
  });
});
