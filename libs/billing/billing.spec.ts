import { parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import type { InvoiceView } from './invoices.service.ts';
import { TestWorld } from './test-world.ts';

let test_: TestDatabase;
let world: TestWorld;

beforeAll(async () => {
  test_ = await createTestDatabase();
  world = await TestWorld.open(test_);
});
afterAll(async () => {
  await world.close();
  await test_.drop();
});
beforeEach(async () => {
  world = await world.neighbour(test_);
  await world.meter('request');
});

const flat = (key: string, amount: string) => ({ key, model: 'FLAT' as const, amount });
const perUnit = (key: string, unitPrice: string) => ({ key, model: 'PER_UNIT' as const, meter: 'request', unitPrice });

/** What a finance person reads on an invoice. */
const read = (invoices: readonly InvoiceView[]) =>
  invoices.map((invoice) => ({
    at: new Date(invoice.billingAt / 1000).toISOString(),
    kind: invoice.kind,
    status: invoice.status,
    total: invoice.total.toString(),
    lines: invoice.lines.map((line) => `${line.kind} ${line.priceKey ?? '-'} ${line.quantity.toString()} ${line.amount.toString()}`),
  }));

describe('billing', () => {
  test('2.1 an event at the boundary belongs to the next period, the fee of which is on the same invoice', async () => {
    await world.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [flat('fee', '20'), perUnit('usage', '0.5')] });
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-31T23:59:59.999999Z', quantity: '3' }, { at: '2026-02-01T00:00:00Z', quantity: '5' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(read(await world.invoices('acme'))).toEqual([
      { at: '2026-01-01T00:00:00.000Z', kind: 'REGULAR', status: 'FINALIZED', total: '20', lines: ['FEE fee 1 20'] },
      { at: '2026-02-01T00:00:00.000Z', kind: 'REGULAR', status: 'FINALIZED', total: '21.5', lines: ['USAGE usage 3 1.5', 'FEE fee 1 20'] },
      { at: '2026-03-01T00:00:00.000Z', kind: 'REGULAR', status: 'FINALIZED', total: '22.5', lines: ['USAGE usage 5 2.5', 'FEE fee 1 20'] },
    ]);
    expect(parseInstant('2026-01-01T00:00:00Z')).toBeGreaterThan(0);
  });
});
