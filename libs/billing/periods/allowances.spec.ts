import { assembleInvoice, Decimal, parseInstant } from '@tare/core';
import type { PriceInput } from '@tare/core';
import { SubscriptionStore } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '@tare/usage';
import { historyAfter, openingHistory } from './billing-history.ts';
import { billingInstants } from './billing-instant.ts';
import { InvoicePreviews } from '../runs/invoice-previews.ts';
import type { InvoiceView } from '../invoices/invoices.service.ts';
import { PeriodFacts } from './period-facts.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
import { TestWorld } from '../world.fixture.ts';

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
  await world.customer('acme');
});

const usage = (more: Partial<PriceInput> = {}): PriceInput => ({
  key: 'usage',
  model: 'PER_UNIT',
  meter: 'request',
  unitPrice: '1',
  ...more,
});
const rolling = (more: Partial<PriceInput> = {}): PriceInput => usage({ includedQuantity: '1000', rollover: true, ...more });
const yearly: PriceInput = { key: 'yearly', model: 'FLAT', amount: '365', everyIntervals: 12 };
const used = (month: number, quantity: number) => ({
  at: `2026-${String(month).padStart(2, '0')}-10T00:00:00Z`,
  quantity: String(quantity),
});
const linesOf = ({ billingAt, lines }: InvoiceView): string =>
  `${new Date(billingAt / 1000).toISOString().slice(0, 10)}: ${lines.map(({ kind, priceKey, amount }) => `${kind} ${priceKey ?? '-'} ${amount.toString()}`).join(', ')}`;
const bills = async (): Promise<string[]> => (await world.invoices('acme')).map(linesOf);

/** Every finalized invoice is what its events give again, line by line and to the last digit before rounding. */
async function expectRecomputable(): Promise<void> {
  for (const invoice of await world.invoices('acme')) {
    if (invoice.number === null) continue;
    const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
    const shown = ({ lines }: Pick<InvoiceView, 'lines'>) =>
      lines.map((line) => [line.scopeKey, line.kind, line.quantity, line.exactAmount, line.amount, line.discount].map(String));
    expect(shown({ lines: again.lines as InvoiceView['lines'] })).toEqual(shown(invoice));
    expect(again.total.toString()).toBe(invoice.total.toString());
  }
}

async function subscribed(prices: PriceInput[], more: Parameters<TestWorld['plan']>[0] | object = {}): Promise<string> {
  await world.plan({ key: 'plan', kind: 'SUBSCRIPTION', prices, ...more });
  return world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z');
}

describe('allowances that roll over', () => {
  test('4.6 what a month leaves is used in the next ones before their own allowance', async () => {
    await subscribed([rolling({ rolloverPeriods: 2 })]);
    await world.use('acme', used(1, 400), used(2, 1500), used(3, 1200), used(4, 1));
    await world.bill('2026-06-01T12:00:00Z');
    expect(await bills()).toEqual([
      '2026-02-01: USAGE usage 0',
      '2026-03-01: USAGE usage 0',
      '2026-04-01: USAGE usage 100',
      '2026-05-01: USAGE usage 0',
    ]);
    await expectRecomputable();
  });

  test('8.4 a threshold invoice keeps what was carried into its month, and so does the one that closes it, whatever late usage takes of it', async () => {
    await subscribed([rolling({ includedQuantity: '100' })], { invoiceThreshold: '20' });
    await world.use('acme', used(1, 40));
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', used(2, 200));
    await world.bill('2026-02-11T00:00:00Z');
    await world.use('acme', { at: '2026-01-20T00:00:00Z', quantity: '10' });
    await world.bill('2026-03-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-21T00:00:00Z', quantity: '7' }, { at: '2026-02-21T00:00:00Z', quantity: '1' });
    await world.bill('2026-04-01T01:00:00Z');
    // 200 less 100 and the 60 that January left; late usage took 10 of those before February was closed. What came after that is charged.
    expect(await bills()).toEqual([
      '2026-02-01: USAGE usage 0',
      '2026-02-11: USAGE usage 40',
      '2026-03-01: USAGE usage 10',
      '2026-04-01: DELTA usage 1',
    ]);
    await expectRecomputable();
  });

  test('8.4 what is recorded of an allowance is never written again, and what did not change is not written once more', async () => {
    const subscriptionId = await subscribed([rolling({ includedQuantity: '100' })]);
    await world.use('acme', used(1, 40));
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-20T00:00:00Z', quantity: '10' });
    await world.bill('2026-03-01T01:00:00Z');
    await world.use('acme', { at: '2026-02-20T00:00:00Z', quantity: '5' });
    await world.bill('2026-04-01T01:00:00Z');
    const rows = await world.database.withTenant(world.tenantId, (tx) =>
      tx.query<{ row: string }>(
        `SELECT concat_ws(' ', to_char(period_start, 'MM'), version, used, carried -> 0 ->> 'quantity', place) AS row
         FROM allowance_carry WHERE tenant_id = $1 AND subscription_id = $2 ORDER BY period_start, version`,
        [world.tenantId, subscriptionId],
      ),
    );
    expect(rows.map(({ row }) => row)).toEqual(['01 1 40 60 2', '01 2 50 50 2', '02 1 0 50 2', '02 2 5 45 2', '03 1 0 45 2']);
  });

  test('4.6 run after run gives the same as one run over all months', async () => {
    await subscribed([rolling({ rolloverMaximum: '700' })]);
    await world.use('acme', used(1, 100), used(2, 1800), used(3, 1050));
    for (const asOf of ['2026-02-01T02:00:00Z', '2026-03-01T02:00:00Z', '2026-03-01T02:00:00Z', '2026-04-01T02:00:00Z'])
      await world.bill(asOf);
    expect(await bills()).toEqual(['2026-02-01: USAGE usage 0', '2026-03-01: USAGE usage 100', '2026-04-01: USAGE usage 50']);
    await expectRecomputable();
  });

  test('8.3 late usage takes from what is carried on, and a period that was billed keeps its opening', async () => {
    await subscribed([rolling()]);
    await world.use('acme', used(1, 400));
    await world.bill('2026-02-01T02:00:00Z');
    await world.use('acme', used(1, 100), used(2, 1600));
    await world.bill('2026-03-01T02:00:00Z');
    await world.use('acme', used(1, 700), used(3, 10));
    await world.bill('2026-04-01T02:00:00Z');
    expect(await bills()).toEqual([
      '2026-02-01: USAGE usage 0',
      // 1,000 and 500 that are left of January, as if its late events had been there in time.
      '2026-03-01: USAGE usage 100',
      // January used 1,200 of 1,000: the 500 that it had carried on are used, and stay used.
      '2026-04-01: USAGE usage 0, DELTA usage 200',
    ]);
    await expectRecomputable();
  });

  test('8.3 voided usage gives its allowance back', async () => {
    await subscribed([rolling()]);
    await world.use('acme', used(1, 400), { key: 'mistake', ...used(1, 300) });
    await world.bill('2026-02-01T02:00:00Z');
    await world.get(CorrectionsService).voidEvents(world.tenantId, ['mistake'], { actor: 'a key', reason: null });
    await world.use('acme', used(2, 1700));
    await world.bill('2026-03-01T02:00:00Z');
    expect(await bills()).toEqual(['2026-02-01: USAGE usage 0', '2026-03-01: USAGE usage 100']);
    await expectRecomputable();
  });

  test('6.2 an upgrade within a month carries on what earlier months left, and grants the whole new allowance', async () => {
    const subscription = await subscribed([{ key: 'fee', model: 'FLAT', amount: '10' }, rolling()]);
    await world.plan({
      key: 'large',
      kind: 'SUBSCRIPTION',
      prices: [{ key: 'fee', model: 'FLAT', amount: '50' }, rolling({ includedQuantity: '2000' })],
    });
    await world.use(
      'acme',
      used(1, 400),
      { at: '2026-02-05T00:00:00Z', quantity: '500' },
      { at: '2026-02-20T00:00:00Z', quantity: '2150' },
    );
    await world.bill('2026-02-01T02:00:00Z');
    await world.change(subscription, 'large', '2026-02-15T00:00:00Z');
    await world.bill('2026-03-01T02:00:00Z');
    // 600 were carried into February; 100 of them are left at the change.
    expect((await bills()).at(-1)).toBe('2026-03-01: USAGE usage 0, USAGE usage 50, FEE fee 50');
    await expectRecomputable();
  });

  test('6.3 a preview shows what is carried in, and carries nothing on', async () => {
    await subscribed([rolling()]);
    await world.use('acme', used(1, 400), used(2, 1700));
    await world.bill('2026-02-01T02:00:00Z');
    const preview = () => world.get(InvoicePreviews).of(world.tenantId, 'acme', parseInstant('2026-02-20T00:00:00Z'));
    const [soFar, ...others] = await preview();
    expect([soFar?.total.toString(), others]).toEqual(['100', []]);
    expect(JSON.stringify(await preview())).toBe(JSON.stringify([soFar]));
    await world.bill('2026-03-01T02:00:00Z');
    expect((await bills()).at(-1)).toBe('2026-03-01: USAGE usage 100');
  });

  test('11.2 the plan that the customer has, billed in a world of its own, carries on what was carried on', async () => {
    const subscription = await subscribed([rolling({ rolloverMaximum: '700' })]);
    await world.use('acme', used(1, 100), used(2, 1800), used(3, 1050));
    await world.bill('2026-04-01T12:00:00Z');
    const issued = (await world.invoices('acme')).map(({ total }) => total.toString());
    const again = await world.database.withTenant(world.tenantId, async (tx) => {
      const segments = await world.get(SubscriptionStore).segments(tx, { subscriptionIds: [subscription] });
      let history = openingHistory();
      const totals: string[] = [];
      for (const [index, instant] of billingInstants(segments, 0, parseInstant('2026-04-01T00:00:00Z')).entries()) {
        const result = await world.get(PeriodFacts).load(tx, { subscriptionId: subscription, instant, world: { segments, history } });
        const invoices = result.invoices.map(assembleInvoice);
        totals.push(...invoices.filter(({ lines }) => lines.length > 0).map(({ total }) => total.toString()));
        history = historyAfter(history, result, invoices, index);
      }
      return totals;
    });
    expect(again).toEqual(issued);
  });
});

describe('fees and commitments over several billing periods', () => {
  test('8.5 a yearly fee in a monthly plan is billed once a year, usage every month', async () => {
    await subscribed([yearly, usage()]);
    await world.use('acme', used(1, 5), used(2, 7));
    await world.bill('2027-01-01T12:00:00Z');
    expect(await bills()).toEqual([
      '2026-01-01: FEE yearly 365',
      '2026-02-01: USAGE usage 5',
      '2026-03-01: USAGE usage 7',
      '2027-01-01: FEE yearly 365',
    ]);
    expect((await world.invoices('acme'))[0]?.lines[0]?.period).toEqual({
      start: parseInstant('2026-01-01T00:00:00Z'),
      end: parseInstant('2027-01-01T00:00:00Z'),
    });
    await expectRecomputable();
  });

  test('6.1 a change credits the rest of the year that was paid and charges the rest of the new one, also at the end of a month', async () => {
    const subscription = await subscribed([yearly]);
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [{ ...yearly, amount: '730' }] });
    await world.bill('2026-02-15T00:00:00Z');
    await world.change(subscription, 'large', '2026-04-01T00:00:00Z');
    await world.bill('2027-01-01T12:00:00Z');
    expect(await bills()).toEqual([
      '2026-01-01: FEE yearly 365',
      '2026-04-01: PRORATION_CREDIT yearly -275, PRORATION_CHARGE yearly 550',
      '2027-01-01: FEE yearly 730',
    ]);
    expect((await world.invoices('acme')).map(({ kind }) => kind)).toEqual(['REGULAR', 'REGULAR', 'REGULAR']);
    await expectRecomputable();
  });

  test('4.6 a quarterly commitment has its true-up at the end of the quarter, and late usage of its first month lowers it', async () => {
    await subscribed([usage()], { minimumCommitment: '300', commitmentIntervals: 3 });
    await world.use('acme', used(1, 50), used(3, 40));
    await world.bill('2026-04-01T12:00:00Z');
    await world.use('acme', used(1, 100), used(4, 500));
    await world.bill('2026-07-01T12:00:00Z');
    expect(await bills()).toEqual([
      '2026-02-01: USAGE usage 50',
      '2026-04-01: USAGE usage 40, COMMITMENT - 210',
      '2026-05-01: USAGE usage 500, DELTA usage 100, DELTA - -100',
    ]);
    const billed = (await world.invoices('acme')).flatMap(({ total }) => total);
    expect(Decimal.sum(billed).toString()).toBe('800');
    await expectRecomputable();
  });

  test('4.6 late usage that comes before the end of the quarter counts for its true-up', async () => {
    await subscribed([usage()], { minimumCommitment: '300', commitmentIntervals: 3 });
    await world.use('acme', used(1, 50));
    await world.bill('2026-02-01T12:00:00Z');
    await world.use('acme', used(1, 30));
    await world.bill('2026-04-01T12:00:00Z');
    expect(await bills()).toEqual(['2026-02-01: USAGE usage 50', '2026-03-01: DELTA usage 30', '2026-04-01: COMMITMENT - 220']);
    await expectRecomputable();
  });

  test('8.5 a monthly commitment counts the part of a yearly fee that belongs to the month', async () => {
    await subscribed([yearly, usage()], { minimumCommitment: '100' });
    await world.use('acme', used(2, 10));
    await world.bill('2026-03-01T12:00:00Z');
    expect(await bills()).toEqual([
      '2026-01-01: FEE yearly 365',
      '2026-02-01: COMMITMENT - 69',
      '2026-03-01: USAGE usage 10, COMMITMENT - 62',
    ]);
    await expectRecomputable();
  });

  test('4.6 a cancellation in the middle makes the part of the commitment due that has run', async () => {
    const subscription = await subscribed([usage()], { minimumCommitment: '300', commitmentIntervals: 3 });
    await world.use('acme', used(1, 50));
    await world.cancel(subscription, '2026-02-15T00:00:00Z', true);
    await world.bill('2026-05-01T12:00:00Z');
    expect(await bills()).toEqual(['2026-02-01: USAGE usage 50', '2026-02-15: COMMITMENT - 100']);
    await expectRecomputable();
  });

  test('4.6 a cancellation before a change that was planned makes it due all the same, and late usage lowers it', async () => {
    const commitment = { kind: 'SUBSCRIPTION' as const, minimumCommitment: '300', commitmentIntervals: 3 };
    const subscription = await subscribed([usage()], commitment);
    await world.plan({ key: 'other', ...commitment, prices: [usage()] });
    await world.use('acme', used(1, 50));
    await world.bill('2026-02-01T12:00:00Z');
    await world.change(subscription, 'other', '2026-02-10T00:00:00Z');
    await world.cancel(subscription, '2026-02-15T00:00:00Z', true);
    await world.bill('2026-02-16T12:00:00Z');
    await world.use('acme', used(1, 30));
    await world.bill('2026-02-17T12:00:00Z');
    expect(await bills()).toEqual([
      '2026-02-01: USAGE usage 50',
      '2026-02-15: COMMITMENT - 100',
      '2026-02-15: DELTA usage 30, DELTA - -30',
    ]);
    await expectRecomputable();
  });
});

describe('amounts off whose rest is carried on', () => {
  const off = (more: object) => ({ key: 'launch', amountOff: { amount: '100', currency: 'USD' }, periods: 1, ...more });
  const net = async (): Promise<string[]> =>
    (await world.invoices('acme')).map(({ subtotal, discounts }) => `${subtotal.toString()} -${discounts.toString()}`);

  test('8.1 the rest of a coupon is used by later invoices until it is gone, and a correction takes only what is left', async () => {
    await world.plan({ key: 'plan', kind: 'PER_QUERY', prices: [usage()] });
    await world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z', { discounts: [off({ carriesOn: true })] });
    await world.use('acme', used(1, 60), used(2, 15));
    await world.bill('2026-03-01T02:00:00Z');
    await world.use('acme', used(1, 70), used(3, 30));
    await world.bill('2026-04-01T02:00:00Z');
    // 130 were used in January: of the 100 off, 60 and then 25 are taken for it, and 15 for February.
    expect(await net()).toEqual(['60 -60', '15 -15', '75 -0']);
    await expectRecomputable();
  });

  test('8.4 a correction that changed nothing but what is left of it is there in a recomputation too', async () => {
    await world.plan({ key: 'plan', kind: 'PER_QUERY', prices: [usage()] });
    await world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z', { discounts: [off({ carriesOn: true })] });
    await world.use('acme', used(1, 60), { ...used(1, 20), key: 'mistaken' });
    await world.bill('2026-02-01T02:00:00Z');
    await world.get(CorrectionsService).voidEvents(world.tenantId, ['mistaken'], { actor: 'the test', reason: null });
    await world.use('acme', used(2, 50));
    await world.bill('2026-03-01T02:00:00Z');
    // January comes to 60 of the 100 then, all of them off: nothing is to be corrected, and 40 are left for February.
    expect(await net()).toEqual(['80 -80', '50 -40']);
    await expectRecomputable();
  });

  test('8.3 what a correction gives back of it waits where no invoice is made, for the next one', async () => {
    await world.plan({ key: 'plan', kind: 'PER_QUERY', prices: [usage()] });
    await world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z', { discounts: [off({ carriesOn: true })] });
    await world.use('acme', used(1, 60), { ...used(1, 20), key: 'mistaken' });
    await world.bill('2026-02-01T02:00:00Z');
    await world.get(CorrectionsService).voidEvents(world.tenantId, ['mistaken'], { actor: 'the test', reason: null });
    await world.bill('2026-03-01T02:00:00Z');
    await world.use('acme', used(3, 50));
    await world.bill('2026-04-01T02:00:00Z');
    // January comes to 60 of the 100, all of them off, and February has no invoice: 40 are left for March.
    expect(await net()).toEqual(['80 -80', '50 -40']);
    await expectRecomputable();
    await world.use('acme', used(4, 50));
    await world.bill('2026-05-01T02:00:00Z');
    expect(await net()).toEqual(['80 -80', '50 -40', '50 -0']);
  });

  test('8.3 late usage of a period that was closed without an invoice leaves the fee what it took of it', async () => {
    await world.plan({ key: 'plan', kind: 'SUBSCRIPTION', prices: [{ key: 'fee', model: 'FLAT', amount: '30' }, usage()] });
    const subscription = await world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z', { discounts: [off({ carriesOn: true })] });
    await world.bill('2026-01-01T02:00:00Z');
    await world.cancel(subscription, '2026-01-20T00:00:00Z');
    await world.bill('2026-02-01T02:00:00Z');
    await world.use('acme', used(1, 100));
    await world.bill('2026-02-02T02:00:00Z');
    // Of the 100 off the fee has taken 30: 70 are left for the 100 of usage.
    expect(await net()).toEqual(['30 -30', '30 -0']);
    await expectRecomputable();
  });

  test('8.1 without that, what a period leaves of it is lost', async () => {
    await world.plan({ key: 'plan', kind: 'PER_QUERY', prices: [usage()] });
    await world.subscribe('acme', 'plan', '2026-01-01T00:00:00Z', { discounts: [off({})] });
    await world.use('acme', used(1, 60), used(2, 15));
    await world.bill('2026-03-01T02:00:00Z');
    expect(await net()).toEqual(['60 -60', '15 -0']);
    await expectRecomputable();
  });
});
