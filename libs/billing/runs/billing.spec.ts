import { jest } from '@jest/globals';
import { assembleInvoice, Decimal, parseInstant } from '@tare/core';
import { CostRatesService, ExchangeRatesService } from '@tare/catalog';
import { SubscriptionStore } from '@tare/customers';
import { RecostingService } from '@tare/costs';
import { CreditsService, CreditStore } from '@tare/credits';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { historyAfter, openingHistory } from '../periods/billing-history.ts';
import { billingInstants } from '../periods/billing-instant.ts';
import { BillingStep, type PageResult } from './billing-step.ts';
import { BillingService } from './billing.service.ts';
import { InvoicePreviews } from './invoice-previews.ts';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import { InvoicesService, type InvoiceView } from '../invoices/invoices.service.ts';
import { PeriodFacts } from '../periods/period-facts.ts';
import { lineHash } from '../explain/explain-line-hash.ts';
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
});

const flat = (key: string, amount: string) => ({ key, model: 'FLAT' as const, amount });
const perUnit = (key: string, unitPrice: string) => ({ key, model: 'PER_UNIT' as const, meter: 'request', unitPrice });
const linesOf = (invoice: InvoiceView | undefined) =>
  (invoice?.lines ?? []).map((line) => `${line.kind} ${line.priceKey ?? '-'} ${line.quantity.toString()} = ${line.amount.toString()}`);

/** What a finance person reads: when, which kind, what it comes to. */
const heads = (invoices: readonly InvoiceView[]) =>
  invoices.map(({ billingAt, kind, total }) => `${new Date(billingAt / 1000).toISOString().slice(0, 16)} ${kind} ${total.toString()}`);

const everything = (invoices: readonly InvoiceView[]) => heads(invoices).map((head, index) => [head, ...linesOf(invoices[index])]);

async function proPlan(): Promise<void> {
  await world.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [flat('fee', '20'), perUnit('usage', '0.5')] });
}

describe('periods', () => {
  test('2.1 an event at the boundary belongs to the next period, whose fee is on the same invoice', async () => {
    await proPlan();
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-31T23:59:59.999999Z', quantity: '3' }, { at: '2026-02-01T00:00:00Z', quantity: '5' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([
      ['2026-01-01T00:00 REGULAR 20', 'FEE fee 1 = 20'],
      ['2026-02-01T00:00 REGULAR 21.5', 'USAGE usage 3 = 1.5', 'FEE fee 1 = 20'],
      ['2026-03-01T00:00 REGULAR 22.5', 'USAGE usage 5 = 2.5', 'FEE fee 1 = 20'],
    ]);
  });

  test('2.3 event time decides the period, whatever came first', async () => {
    await proPlan();
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-02-15T00:00:00Z', quantity: '5' });
    await world.use('acme', { at: '2026-01-15T00:00:00Z', quantity: '3' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(everything(await world.invoices('acme')).slice(1)).toEqual([
      ['2026-02-01T00:00 REGULAR 21.5', 'USAGE usage 3 = 1.5', 'FEE fee 1 = 20'],
      ['2026-03-01T00:00 REGULAR 22.5', 'USAGE usage 5 = 2.5', 'FEE fee 1 = 20'],
    ]);
  });

  test('2.2 a subscription of January 31 bills on the last day of February and on March 31', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perUnit('usage', '1')] });
    await world.customer('acme', 'Europe/Berlin');
    await world.subscribe('acme', 'metered', '2026-01-31T12:00:00+01:00');
    await world.use('acme', { at: '2026-02-28T11:59:59+01:00', quantity: '1' }, { at: '2026-02-28T12:00:00+01:00', quantity: '10' });
    await world.use('acme', { at: '2026-03-31T11:59:59+02:00', quantity: '100' }, { at: '2026-03-31T12:00:00+02:00', quantity: '1000' });
    await world.bill('2026-04-01T00:00:00Z');
    expect(heads(await world.invoices('acme'))).toEqual(['2026-02-28T11:00 REGULAR 1', '2026-03-31T10:00 REGULAR 110']);
  });

  test('12 a subscription that starts at 10:17:33 in Kathmandu and changes at 10:41:07 bills each second to the right plan', async () => {
    await world.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [flat('fee', '30'), perUnit('usage', '1')] });
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [flat('fee', '60'), perUnit('usage', '0.1')] });
    await world.customer('acme', 'Asia/Kathmandu');
    const subscription = await world.subscribe('acme', 'small', '2026-03-05T10:17:33+05:45');
    await world.use(
      'acme',
      { at: '2026-03-05T10:17:32+05:45', quantity: '1000' },
      { at: '2026-03-05T10:17:34+05:45', quantity: '1' },
      { at: '2026-03-20T10:41:06+05:45', quantity: '10' },
      { at: '2026-03-20T10:41:08+05:45', quantity: '100' },
      { at: '2026-04-05T10:17:32+05:45', quantity: '1000' },
      { at: '2026-04-05T10:17:34+05:45', quantity: '10000' },
    );
    await world.change(subscription, 'large', '2026-03-20T10:41:07+05:45');
    await world.bill('2026-04-06T00:00:00Z');
    const invoices = await world.invoices('acme');
    expect(invoices.map(({ kind, billingAt }) => [kind, billingAt])).toEqual([
      ['REGULAR', parseInstant('2026-03-05T10:17:33+05:45')],
      ['PRORATION', parseInstant('2026-03-20T10:41:07+05:45')],
      ['REGULAR', parseInstant('2026-04-05T10:17:33+05:45')],
    ]);
    expect(linesOf(invoices[2])).toEqual(['USAGE usage 11 = 11', 'USAGE usage 1100 = 110', 'FEE fee 1 = 60']);
  });
});

describe('the four kinds of plan', () => {
  test('5 PER_QUERY bills usage in arrears and nothing without usage', async () => {
    await world.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perUnit('usage', '0.002')] });
    await world.customer('acme');
    await world.customer('idle');
    await world.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
    await world.subscribe('idle', 'metered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-10T00:00:00Z', quantity: '1500' });
    const run = await world.bill('2026-02-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([['2026-02-01T00:00 REGULAR 3', 'USAGE usage 1500 = 3']]);
    expect(await world.invoices('idle')).toEqual([]);
    expect(run).toMatchObject({ periodsClosed: 2, invoicesCreated: 1, invoicesFinalized: 1 });
  });

  test('5 SUBSCRIPTION bills its fee in advance and usage over the allowance in arrears', async () => {
    const usage = { ...perUnit('usage', '0.10'), includedQuantity: '100' };
    await world.plan({ key: 'team', kind: 'SUBSCRIPTION', prices: [flat('fee', '99'), usage] });
    await world.customer('acme');
    await world.subscribe('acme', 'team', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-15T00:00:00Z', quantity: '130' });
    await world.bill('2026-02-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([
      ['2026-01-01T00:00 REGULAR 99', 'FEE fee 1 = 99'],
      ['2026-02-01T00:00 REGULAR 102', 'USAGE usage 130 = 3', 'FEE fee 1 = 99'],
    ]);
  });

  test('5 CREDIT grants credits when the invoice of the period is finalized, burns them by usage and bills what is above', async () => {
    await world.plan({
      key: 'credits',
      kind: 'CREDIT',
      creditsPerInterval: '100',
      creditPrice: '0.10',
      creditExhaustion: 'OVERAGE',
      overagePricePerCredit: '0.15',
      burnRates: [{ meter: 'request', creditsPerUnit: '2' }],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'credits', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-10T00:00:00Z', quantity: '40' }, { at: '2026-01-20T00:00:00Z', quantity: '15' });
    await world.bill('2026-01-01T01:00:00Z');
    expect((await world.balance('acme', '2026-01-15T00:00:00Z')).available.toString()).toBe('20');
    await world.bill('2026-02-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([
      ['2026-01-01T00:00 REGULAR 10', 'CREDITS - 100 = 10'],
      ['2026-02-01T00:00 REGULAR 11.5', 'OVERAGE - 10 = 1.5', 'CREDITS - 100 = 10'],
    ]);
    expect((await world.balance('acme', '2026-02-02T00:00:00Z')).available.toString()).toBe('100');
  });

  test('5 SITE_LICENSE bills its fee for the term and never usage', async () => {
    await world.plan({
      key: 'site',
      kind: 'SITE_LICENSE',
      interval: 'YEAR',
      termIntervals: 1,
      autoRenew: false,
      prices: [{ ...flat('fee', '500'), perSeat: true }],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'site', '2026-01-01T00:00:00Z', { seats: 3 });
    await world.use('acme', { at: '2026-05-05T00:00:00Z', quantity: '1000000' });
    const run = await world.bill('2027-02-01T00:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([['2026-01-01T00:00 REGULAR 1500', 'FEE fee 3 = 1500']]);
    expect(run.periodsClosed).toBe(1);
  });

  test('4.6 a minimum commitment is one true-up line for what fee and usage of the same period leave open', async () => {
    await world.plan({
      key: 'committed',
      kind: 'SUBSCRIPTION',
      minimumCommitment: '50',
      prices: [flat('fee', '20'), perUnit('usage', '0.5')],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'committed', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-15T00:00:00Z', quantity: '20' });
    await world.bill('2026-02-01T01:00:00Z');
    expect(linesOf((await world.invoices('acme'))[1])).toEqual(['USAGE usage 20 = 10', 'COMMITMENT - 1 = 20', 'FEE fee 1 = 20']);
  });

  test('4.2 graduated tiers bill each unit at the price of its own tier', async () => {
    const tiers = [{ upTo: '100', unitPrice: '1' }, { unitPrice: '0.5' }];
    await world.plan({ key: 'tiered', kind: 'PER_QUERY', prices: [{ key: 'usage', model: 'GRADUATED', meter: 'request', tiers }] });
    await world.customer('acme');
    await world.subscribe('acme', 'tiered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-15T00:00:00Z', quantity: '100.5' });
    await world.bill('2026-02-01T01:00:00Z');
    expect(linesOf((await world.invoices('acme'))[0])).toEqual(['USAGE usage 100.5 = 100.25']);
  });
});

describe('changes', () => {
  test('6.1 an upgrade credits the unused part of what was billed and charges the rest of the new plan, to the second', async () => {
    await world.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [flat('fee', '31')] });
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [flat('fee', '62')] });
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'small', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-01T01:00:00Z');
    await world.change(subscription, 'large', '2026-01-11T00:00:00Z');
    await world.bill('2026-02-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([
      ['2026-01-01T00:00 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-01-11T00:00 PRORATION 21', 'PRORATION_CREDIT fee 1 = -21', 'PRORATION_CHARGE fee 1 = 42'],
      ['2026-02-01T00:00 REGULAR 62', 'FEE fee 1 = 62'],
    ]);
  });

  test('6.1 a change that is billed in one run with its period gives the same invoices as one billed on the way', async () => {
    await world.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [flat('fee', '31')] });
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [flat('fee', '62')] });
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'small', '2026-01-01T00:00:00Z');
    await world.change(subscription, 'large', '2026-01-11T00:00:00Z');
    await world.bill('2026-02-01T01:00:00Z');
    expect(heads(await world.invoices('acme'))).toEqual([
      '2026-01-01T00:00 REGULAR 31',
      '2026-01-11T00:00 PRORATION 21',
      '2026-02-01T00:00 REGULAR 62',
    ]);
  });

  test('6.1 the credit of an upgrade is for what was billed, discounts included', async () => {
    await world.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [flat('fee', '31')] });
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [flat('fee', '62')] });
    await world.customer('acme');
    const discounts = [{ key: 'half', percentOff: Decimal.of(50), prices: ['fee'] }];
    const subscription = await world.subscribe('acme', 'small', '2026-01-01T00:00:00Z', { discounts });
    await world.change(subscription, 'large', '2026-01-11T00:00:00Z');
    await world.bill('2026-02-01T01:00:00Z');
    const invoices = await world.invoices('acme');
    expect(heads(invoices)).toEqual(['2026-01-01T00:00 REGULAR 15.5', '2026-01-11T00:00 PRORATION 10.5', '2026-02-01T00:00 REGULAR 31']);
  });

  test('6.2 a downgrade waits for the end of the period', async () => {
    await world.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [flat('fee', '31'), perUnit('usage', '1')] });
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [flat('fee', '62'), perUnit('usage', '0.5')] });
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'large', '2026-01-01T00:00:00Z');
    await world.change(subscription, 'small', '2026-01-11T00:00:00Z');
    await world.use('acme', { at: '2026-01-20T00:00:00Z', quantity: '2' }, { at: '2026-02-20T00:00:00Z', quantity: '2' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(heads(await world.invoices('acme'))).toEqual([
      '2026-01-01T00:00 REGULAR 62',
      '2026-02-01T00:00 REGULAR 32',
      '2026-03-01T00:00 REGULAR 33',
    ]);
  });

  test('6.2 a change of interval ends the billing period: the old usage, the credit and the new fee are on one invoice', async () => {
    await world.plan({ key: 'monthly', kind: 'SUBSCRIPTION', prices: [flat('fee', '31'), perUnit('usage', '1')] });
    await world.plan({ key: 'yearly', kind: 'SUBSCRIPTION', interval: 'YEAR', prices: [flat('fee', '1200')] });
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'monthly', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '4' });
    await world.change(subscription, 'yearly', '2026-01-11T00:00:00Z');
    await world.bill('2026-03-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([
      ['2026-01-01T00:00 REGULAR 31', 'FEE fee 1 = 31'],
      ['2026-01-11T00:00 PRORATION 1183', 'USAGE usage 4 = 4', 'PRORATION_CREDIT fee 1 = -21', 'FEE fee 1 = 1200'],
    ]);
  });

  test('6.3 cancelling at once makes a final invoice, and late usage after it a supplementary one', async () => {
    await proPlan();
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '4' }, { at: '2026-01-15T00:00:00Z', quantity: '100' });
    await world.cancel(subscription, '2026-01-10T00:00:00Z', true);
    await world.bill('2026-02-01T01:00:00Z');
    expect(heads(await world.invoices('acme'))).toEqual(['2026-01-01T00:00 REGULAR 20', '2026-01-10T00:00 REGULAR 2']);
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '6' });
    await world.bill('2026-02-02T00:00:00Z');
    const invoices = await world.invoices('acme');
    expect(everything(invoices).at(-1)).toEqual(['2026-01-10T00:00 SUPPLEMENTARY 3', 'DELTA usage 10 = 3']);
    expect(invoices.at(-1)).toMatchObject({ status: 'FINALIZED', adjusts: invoices[1]?.id });
    const again = await world.bill('2026-02-03T00:00:00Z');
    expect(again).toMatchObject({ invoicesCreated: 0, invoicesFinalized: 0 });
  });

  test('6.4 a trial has usage but no charge, and its periods are closed', async () => {
    await world.plan({ key: 'trial', kind: 'SUBSCRIPTION', trialDays: 14, prices: [flat('fee', '20'), perUnit('usage', '1')] });
    await world.customer('acme');
    await world.subscribe('acme', 'trial', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '4' }, { at: '2026-01-15T00:00:00Z', quantity: '7' });
    const run = await world.bill('2026-02-15T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([
      ['2026-01-15T00:00 REGULAR 20', 'FEE fee 1 = 20'],
      ['2026-02-15T00:00 REGULAR 27', 'USAGE usage 7 = 7', 'FEE fee 1 = 20'],
    ]);
    expect(run.periodsClosed).toBe(2);
  });
});

describe('credits', () => {
  const grant = (input: { key: string; credits: string; price?: string; priority?: number; effectiveAt?: string; expiresAt?: string }) =>
    world.get(CreditsService).grant(world.tenantId, {
      customer: 'acme',
      key: input.key,
      credits: Decimal.parse(input.credits),
      ...(input.price === undefined ? {} : { price: { amount: Decimal.parse(input.price), currency: 'USD' } }),
      priority: input.priority ?? 0,
      effectiveAt: parseInstant(input.effectiveAt ?? '2026-01-01T00:00:00Z'),
      expiresAt: input.expiresAt === undefined ? null : parseInstant(input.expiresAt),
    });
  const burning = (more: Record<string, unknown> = {}) =>
    world.plan({ key: 'burn', kind: 'CREDIT', burnRates: [{ meter: 'request', creditsPerUnit: '1' }], ...more });
  const postings = () =>
    world.database.withTenant(world.tenantId, (tx) =>
      tx.query<{ account: string; credits: string; revenue: string }>(
        'SELECT account, sum(credits)::text AS credits, sum(revenue)::text AS revenue FROM credit_posting GROUP BY account ORDER BY account',
      ),
    );

  beforeEach(async () => {
    await world.customer('acme');
  });

  test('7.1 a wallet is a ledger whose postings sum to zero and whose sum is the balance', async () => {
    await burning();
    await grant({ key: 'pack', credits: '100', price: '30' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '33' });
    expect((await world.balance('acme', '2026-01-06T00:00:00Z')).available.toString()).toBe('67');
    await world.bill('2026-02-01T01:00:00Z');
    const balance = await world.balance('acme', '2026-02-01T01:00:00Z');
    expect(balance.available.toString()).toBe('67');
    expect(balance.grants.map(({ key, remaining }) => [key, remaining.toString()])).toEqual([['pack', '67']]);
    expect(await postings()).toEqual([
      { account: 'BURNT', credits: '33', revenue: '9.9' },
      { account: 'GRANT', credits: '67', revenue: '0' },
      { account: 'ISSUED', credits: '-100', revenue: '0' },
    ]);
  });

  test('7.2 grants burn by priority, then soonest expiry, and at expiresAt a grant is gone', async () => {
    await burning();
    await grant({ key: 'last', credits: '10', priority: 1 });
    await grant({ key: 'forever', credits: '10' });
    await grant({ key: 'soon', credits: '10', expiresAt: '2026-01-10T00:00:00Z' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-09T23:59:59Z', quantity: '4' }, { at: '2026-01-10T00:00:00Z', quantity: '12' });
    await world.bill('2026-02-01T01:00:00Z');
    const grants = await world.database.withTenant(world.tenantId, async (tx) => {
      const [{ id }] = (await tx.query<{ id: string }>('SELECT id FROM customer')) as [{ id: string }];
      return world.get(CreditStore).grants(tx, id);
    });
    expect(grants.map(({ key, remaining }) => [key, remaining.toString()])).toEqual([
      ['last', '8'],
      ['forever', '0'],
      ['soon', '0'],
    ]);
    expect(await postings()).toContainEqual({ account: 'EXPIRED', credits: '6', revenue: '0' });
  });

  test('7.1 the balance at the beginning of a day is the same before and after the period of that day is closed', async () => {
    await burning();
    await grant({ key: 'pack', credits: '100' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T12:00:00Z', quantity: '30' }, { at: '2026-01-06T12:00:00Z', quantity: '8' });
    const balances = async (): Promise<string[]> => {
      const days = ['05', '06', '07'].map((day) => world.balance('acme', `2026-01-${day}T00:00:00Z`));
      return (await Promise.all(days)).map(({ available }) => available.toString());
    };
    expect(await balances()).toEqual(['100', '70', '62']);
    await world.bill('2026-02-01T01:00:00Z');
    expect(await balances()).toEqual(['100', '70', '62']);
  });

  test('7.3 the order in which usage arrives does not change what a closed period burns', async () => {
    await burning({ creditExhaustion: 'OVERAGE', overagePricePerCredit: '1' });
    await world.customer('other');
    const usage = [
      { at: '2026-01-05T00:00:00Z', quantity: '30' },
      { at: '2026-01-15T00:00:00Z', quantity: '50' },
      { at: '2026-01-25T00:00:00Z', quantity: '40' },
    ];
    for (const [customer, events] of [['acme', usage] as const, ['other', [...usage].reverse()] as const]) {
      const at = { customer, credits: Decimal.of(100), effectiveAt: parseInstant('2026-01-01T00:00:00Z') };
      await world.get(CreditsService).grant(world.tenantId, { ...at, key: 'pack' });
      await world.subscribe(customer, 'burn', '2026-01-01T00:00:00Z');
      for (const event of events) await world.use(customer, event);
    }
    await world.bill('2026-02-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([['2026-02-01T00:00 REGULAR 20', 'OVERAGE - 20 = 20']]);
    expect(everything(await world.invoices('other'))).toEqual(everything(await world.invoices('acme')));
  });

  test('7.3 late usage burns current grants, and the recorded allocation stays', async () => {
    await burning({ creditExhaustion: 'OVERAGE', overagePricePerCredit: '1' });
    await grant({ key: 'january', credits: '50', expiresAt: '2026-02-01T00:00:00Z' });
    await grant({ key: 'later', credits: '5', priority: 9, effectiveAt: '2026-02-01T00:00:00Z' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '30' });
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '8' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([['2026-03-01T00:00 REGULAR 3', 'DELTA - 3 = 3']]);
    expect(await postings()).toContainEqual({ account: 'BURNT', credits: '38', revenue: '0' });
  });

  test('7.3 late usage burns the credits that the plan granted for the period that is closed next', async () => {
    await burning({ creditsPerInterval: '10', creditPrice: '1', creditExhaustion: 'OVERAGE', overagePricePerCredit: '3' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '6' }, { at: '2026-02-05T00:00:00Z', quantity: '7' });
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '4' });
    await world.bill('2026-03-01T01:00:00Z');
    expect(everything(await world.invoices('acme')).at(-1)).toEqual(['2026-03-01T00:00 REGULAR 13', 'CREDITS - 10 = 10', 'DELTA - 1 = 3']);
    expect(await postings()).toContainEqual({ account: 'BURNT', credits: '17', revenue: '16' });
  });

  test('7.4 two grants under one key at once are one grant', async () => {
    const made = await Promise.all([1, 2, 3, 4].map(() => grant({ key: 'pack', credits: '100', price: '30' })));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await expect(grant({ key: 'pack', credits: '101', price: '30' })).rejects.toMatchObject({ code: 'KEY_REUSED' });
    expect((await world.balance('acme', '2026-01-02T00:00:00Z')).available.toString()).toBe('100');
  });

  test('7.5 an overdraft is a debt up to its limit, and the next grant pays it', async () => {
    await burning({ creditExhaustion: 'OVERDRAFT', overdraftLimit: '15' });
    await grant({ key: 'pack', credits: '10', price: '10' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '40' });
    await world.bill('2026-02-01T01:00:00Z');
    expect(await world.invoices('acme')).toEqual([]);
    expect(await postings()).toContainEqual({ account: 'DEBT', credits: '-15', revenue: '0' });
    await grant({ key: 'next', credits: '20', price: '20', effectiveAt: '2026-02-02T00:00:00Z' });
    expect((await world.balance('acme', '2026-02-03T00:00:00Z')).available.toString()).toBe('5');
    expect(await postings()).toContainEqual({ account: 'BURNT', credits: '40', revenue: '25' });
  });

  test('7.5 the grant that a plan makes at the end of a period pays the debt of that period', async () => {
    await burning({ creditsPerInterval: '10', creditPrice: '1', creditExhaustion: 'OVERDRAFT', overdraftLimit: '4' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '13' });
    await world.bill('2026-02-01T01:00:00Z');
    expect((await world.balance('acme', '2026-02-01T00:00:00Z')).available.toString()).toBe('7');
    await world.bill('2026-03-01T01:00:00Z');
    expect((await world.balance('acme', '2026-03-01T00:00:00Z')).available.toString()).toBe('10');
  });

  test('7.8 voiding the invoice whose credits paid a debt of its own period leaves no debt and no credits', async () => {
    await burning({ creditsPerInterval: '10', creditPrice: '1', creditExhaustion: 'OVERDRAFT', overdraftLimit: '4' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '13' });
    await world.bill('2026-02-01T01:00:00Z');
    const second = (await world.invoices('acme'))[1];
    await world.get(InvoicesService).voidInvoice(world.tenantId, second?.id ?? '');
    expect((await world.balance('acme', '2026-02-02T00:00:00Z')).available.toString()).toBe('0');
    expect(await postings()).toContainEqual({ account: 'DEBT', credits: '0', revenue: '0' });
    expect(await postings()).toContainEqual({ account: 'BURNT', credits: '0', revenue: '0' });
  });

  test('7.5 what came without cover is not charged when the plan blocks, and shows as leakage', async () => {
    await burning();
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '40' });
    await world.bill('2026-02-01T01:00:00Z');
    expect(await world.invoices('acme')).toEqual([]);
    expect(await postings()).toContainEqual({ account: 'UNCOVERED', credits: '-40', revenue: '0' });
    expect((await world.balance('acme', '2026-01-06T00:00:00Z')).available.toString()).toBe('0');
  });

  test('7.8 voiding an invoice gives back what it burnt, once', async () => {
    await world.plan({
      key: 'burn',
      kind: 'CREDIT',
      creditExhaustion: 'OVERAGE',
      overagePricePerCredit: '1',
      burnRates: [{ meter: 'request', creditsPerUnit: '1' }],
    });
    await grant({ key: 'pack', credits: '10', price: '7' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '12' });
    await world.bill('2026-02-01T01:00:00Z');
    const [invoice] = await world.invoices('acme');
    const voided = await world.get(InvoicesService).voidInvoice(world.tenantId, invoice?.id ?? '');
    expect(voided.status).toBe('VOID');
    expect((await world.balance('acme', '2026-02-02T00:00:00Z')).available.toString()).toBe('10');
    await world.get(InvoicesService).voidInvoice(world.tenantId, invoice?.id ?? '');
    expect((await world.balance('acme', '2026-02-02T00:00:00Z')).available.toString()).toBe('10');
    expect(await postings()).toContainEqual({ account: 'BURNT', credits: '0', revenue: '0' });
    const outbox = await world.database.withTenant(world.tenantId, (tx) => tx.query('SELECT kind FROM invoice_outbox ORDER BY kind'));
    expect(outbox).toEqual([{ kind: 'FINALIZED' }, { kind: 'VOIDED' }]);
  });

  test('7.9 burnt credits earn their part of the price and expired ones the rest', async () => {
    await burning();
    await grant({ key: 'pack', credits: '3', price: '10', expiresAt: '2026-01-20T00:00:00Z' });
    await world.subscribe('acme', 'burn', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '1' }, { at: '2026-01-06T00:00:00Z', quantity: '1' });
    await world.bill('2026-02-01T01:00:00Z');
    const revenues = (await postings()).map(({ account, revenue }) => [account, Decimal.parse(revenue).toString()]);
    expect(revenues).toEqual([
      ['BURNT', '6.666666666667'],
      ['EXPIRED', '3.333333333333'],
      ['GRANT', '0'],
      ['ISSUED', '0'],
    ]);
  });
});

describe('invoices', () => {
  test('8.1 an invoice discount is taken after the true-up and the total is what is left', async () => {
    await world.plan({
      key: 'committed',
      kind: 'SUBSCRIPTION',
      minimumCommitment: '50',
      prices: [flat('fee', '20'), perUnit('usage', '0.5')],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'committed', '2026-01-01T00:00:00Z', { discounts: [{ key: 'ten', percentOff: Decimal.of(10) }] });
    await world.bill('2026-02-01T01:00:00Z');
    const [, february] = await world.invoices('acme');
    expect(linesOf(february)).toEqual(['COMMITMENT - 1 = 30', 'FEE fee 1 = 20']);
    expect([february?.subtotal, february?.discounts, february?.total].map(String)).toEqual(['50', '5', '45']);
  });

  test('8.2 an invoice is a draft in its grace period and takes in what comes meanwhile', async () => {
    await proPlan();
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '4' });
    expect(await world.bill('2026-02-01T00:59:59Z')).toMatchObject({ periodsClosed: 0, invoicesCreated: 1, invoicesFinalized: 0 });
    const draft = (await world.invoices('acme'))[1];
    expect(draft).toMatchObject({ status: 'DRAFT', number: null });
    expect(draft?.total.toString()).toBe('22');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '6' });
    expect(await world.bill('2026-02-01T01:00:00Z')).toMatchObject({ periodsClosed: 1, invoicesCreated: 0, invoicesFinalized: 1 });
    const final = (await world.invoices('acme'))[1];
    expect(final).toMatchObject({ id: draft?.id, status: 'FINALIZED', number: 'TARE-000002' });
    expect(final?.total.toString()).toBe('25');
  });

  test('8.2 a draft whose instant a cancellation took away is dropped', async () => {
    await proPlan();
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-01T00:30:00Z');
    expect(await world.invoices('acme')).toMatchObject([{ status: 'DRAFT' }]);
    await world.cancel(subscription, '2026-01-01T00:00:00Z', true);
    await world.bill('2026-01-01T01:00:00Z');
    expect(await world.invoices('acme')).toEqual([]);
  });

  test('8.3 late usage is a delta line on the next invoice, at the original prices of the whole scope', async () => {
    const tiers = [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.5' }];
    await world.plan({ key: 'tiered', kind: 'PER_QUERY', prices: [{ key: 'usage', model: 'GRADUATED', meter: 'request', tiers }] });
    await world.customer('acme');
    await world.subscribe('acme', 'tiered', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '8' });
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '4' }, { at: '2026-02-06T00:00:00Z', quantity: '1' });
    await world.bill('2026-03-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-07T00:00:00Z', quantity: '2' });
    await world.bill('2026-04-01T01:00:00Z');
    const invoices = await world.invoices('acme');
    expect(everything(invoices)).toEqual([
      ['2026-02-01T00:00 REGULAR 8', 'USAGE usage 8 = 8'],
      ['2026-03-01T00:00 REGULAR 4', 'USAGE usage 1 = 1', 'DELTA usage 12 = 3'],
      ['2026-04-01T00:00 REGULAR 1', 'DELTA usage 14 = 1'],
    ]);
    const delta = invoices[1]?.lines[1];
    expect(delta).toMatchObject({ adjusts: invoices[0]?.id, period: { start: parseInstant('2026-01-01T00:00:00Z') } });
  });

  test('8.3 late usage lowers the true-up of its own period, and the negative delta is kept in the balance', async () => {
    await world.plan({ key: 'committed', kind: 'PER_QUERY', minimumCommitment: '50', prices: [perUnit('usage', '1')] });
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'committed', '2026-01-01T00:00:00Z');
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '20' });
    await world.cancel(subscription, '2026-02-10T00:00:00Z');
    await world.bill('2026-03-01T01:00:00Z');
    const [january, february] = await world.invoices('acme');
    expect(linesOf(january)).toEqual(['COMMITMENT - 1 = 50']);
    expect(linesOf(february)).toEqual(['COMMITMENT - 1 = 50', 'DELTA usage 20 = 20', 'DELTA - 1 = -20']);
    expect(february?.total.toString()).toBe('50');
  });

  test('4.5 usage whose cost is unknown is left off the invoice and billed when the cost is known', async () => {
    await world.meter('llm', { valueProperty: 'tokens.total' });
    await world.plan({
      key: 'plus',
      kind: 'PER_QUERY',
      prices: [{ key: 'llm', model: 'COST_PLUS', meter: 'llm', markup: '0.30' }, perUnit('usage', '1')],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'plus', '2026-01-01T00:00:00Z');
    const call = { type: 'llm', at: '2026-01-05T00:00:00Z', provider: 'house', model: 'unheard-of', tokens: { input: '1000000' } };
    await world.use('acme', call, { at: '2026-01-06T00:00:00Z', quantity: '1' });
    await world.bill('2026-02-01T01:00:00Z');
    const rate = {
      provider: 'house',
      model: 'unheard-of',
      currency: 'USD',
      validFrom: parseInstant('2026-01-01T00:00:00Z'),
      input: Decimal.of(10),
    };
    await world.get(CostRatesService).set(world.tenantId, rate);
    await world.get(RecostingService).run(world.tenantId);
    await world.bill('2026-03-01T01:00:00Z');
    const invoices = await world.invoices('acme');
    expect(everything(invoices)).toEqual([
      ['2026-02-01T00:00 REGULAR 1', 'USAGE usage 1 = 1'],
      ['2026-03-01T00:00 REGULAR 13', 'DELTA llm 1000000 = 13'],
    ]);
    expect(invoices[0]?.detail.awaitingCost).toMatchObject([{ priceKey: 'llm' }]);
    for (const invoice of invoices) {
      const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
      expect(again.lines.map(({ amount }) => amount.toString())).toEqual(invoice.lines.map(({ amount }) => amount.toString()));
    }
  });

  test('4.5 cost in a currency that had no rate is billed once a rate is known, and a later rate bills nothing again', async () => {
    await world.meter('llm', { valueProperty: 'tokens.total' });
    await world.plan({
      key: 'plus',
      kind: 'PER_QUERY',
      currency: 'EUR',
      prices: [{ key: 'llm', model: 'COST_PLUS', meter: 'llm', markup: '0.30' }],
    });
    await world.customer('acme');
    await world.subscribe('acme', 'plus', '2026-01-01T00:00:00Z');
    const reportedCost = { amount: '10', currency: 'USD' };
    await world.use('acme', {
      type: 'llm',
      at: '2026-01-05T00:00:00Z',
      provider: 'house',
      model: 'large',
      tokens: { input: '5' },
      reportedCost,
    });
    await world.bill('2026-02-01T01:00:00Z');
    const isWorth = (rate: string, from: string): Promise<void> =>
      world
        .get(ExchangeRatesService)
        .set(world.tenantId, { from: 'USD', to: 'EUR', rate: Decimal.parse(rate), validFrom: parseInstant(from) });
    await isWorth('0.9', '2026-01-31T00:00:00Z');
    await world.bill('2026-03-01T01:00:00Z');
    expect(await world.invoices('acme')).toEqual([]);
    await isWorth('0.8', '2026-01-01T00:00:00Z');
    await world.bill('2026-04-01T01:00:00Z');
    await isWorth('0.7', '2026-01-01T00:00:00Z');
    await world.bill('2026-05-01T01:00:00Z');
    expect(everything(await world.invoices('acme'))).toEqual([['2026-04-01T00:00 REGULAR 10.4', 'DELTA llm 5 = 10.4']]);
  });

  test('4.5 late cost that no rate converts leaves its line as it was billed; the rest is corrected before, after the end too', async () => {
    await world.meter('llm', { valueProperty: 'tokens.total' });
    await world.plan({
      key: 'plus',
      kind: 'PER_QUERY',
      currency: 'EUR',
      minimumCommitment: '100',
      prices: [{ key: 'llm', model: 'COST_PLUS', meter: 'llm', markup: '0' }, perUnit('usage', '1')],
    });
    await world.customer('acme');
    const amountOff = { amount: Decimal.of(12), currency: 'EUR' };
    const subscription = await world.subscribe('acme', 'plus', '2026-01-01T00:00:00Z', { discounts: [{ key: 'twelve', amountOff }] });
    const call = (currency: string) => ({
      ...{ type: 'llm', at: '2026-01-05T00:00:00Z', provider: 'house', model: 'large', tokens: { input: '5' } },
      reportedCost: { amount: '60', currency },
    });
    await world.use('acme', call('EUR'));
    await world.cancel(subscription, '2026-01-20T00:00:00Z');
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', call('USD'), { at: '2026-01-06T00:00:00Z', quantity: '60' });
    const previewed = await world.get(InvoicePreviews).of(world.tenantId, 'acme', parseInstant('2026-02-10T00:00:00Z'));
    expect(previewed.map(({ total }) => total.toString())).toEqual(['20']);
    await world.bill('2026-02-10T00:00:00Z');
    await world.bill('2026-02-11T00:00:00Z');
    const rate = { from: 'USD', to: 'EUR', rate: Decimal.parse('0.5'), validFrom: parseInstant('2026-01-01T00:00:00Z') };
    await world.get(ExchangeRatesService).set(world.tenantId, rate);
    await world.bill('2026-02-12T00:00:00Z');
    const invoices = await world.invoices('acme');
    expect(everything(invoices)).toEqual([
      ['2026-02-01T00:00 REGULAR 88', 'USAGE llm 5 = 60', 'COMMITMENT - 1 = 40'],
      // 7.20 of the 12 were off the calls: now that they are half of all, 6 are.
      ['2026-02-01T00:00 SUPPLEMENTARY 20', 'DELTA llm 5 = 1.2', 'DELTA usage 60 = 54', 'DELTA - 0 = -35.2'],
      ['2026-02-01T00:00 SUPPLEMENTARY 30', 'DELTA llm 10 = 28.8', 'DELTA usage 60 = 1.2'],
    ]);
    for (const invoice of invoices) {
      const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
      const hashes = (lines: InvoiceView['lines'] | typeof again.lines) => lines.map((line) => lineHash(invoice.currency, line));
      expect(hashes(again.lines)).toEqual(hashes(invoice.lines));
    }
  });

  test('8.4 recomputing every finalized invoice from its events gives it back line by line', async () => {
    await world.plan({
      key: 'small',
      kind: 'SUBSCRIPTION',
      minimumCommitment: '40',
      prices: [flat('fee', '31'), perUnit('usage', '0.333')],
    });
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [flat('fee', '62'), perUnit('usage', '0.25')] });
    await world.meter('agent');
    await world.plan({
      key: 'burn',
      kind: 'CREDIT',
      creditsPerInterval: '10',
      creditPrice: '1',
      creditExhaustion: 'OVERAGE',
      overagePricePerCredit: '2',
      burnRates: [{ meter: 'agent', creditsPerUnit: '1' }],
    });
    await world.customer('acme');
    const amountOff = { amount: Decimal.of(5), currency: 'USD' };
    const subscription = await world.subscribe('acme', 'small', '2026-01-01T00:00:00Z', { discounts: [{ key: 'five', amountOff }] });
    await world.subscribe('acme', 'burn', '2026-01-03T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '7' }, { type: 'agent', at: '2026-01-06T00:00:00Z', quantity: '13' });
    await world.bill('2026-02-03T01:00:00Z');
    await world.change(subscription, 'large', '2026-02-11T00:00:00Z');
    await world.use('acme', { at: '2026-01-09T00:00:00Z', quantity: '90' }, { type: 'agent', at: '2026-01-09T00:00:00Z', quantity: '4' });
    await world.use('acme', { at: '2026-02-05T00:00:00Z', quantity: '3' }, { at: '2026-02-15T00:00:00Z', quantity: '5' });
    await world.bill('2026-03-03T01:00:00Z');
    await world.use('acme', { at: '2026-01-11T00:00:00Z', quantity: '1' }, { at: '2026-02-16T00:00:00Z', quantity: '50' });
    await world.bill('2026-04-03T01:00:00Z');
    await world.use('acme', { at: '2026-01-12T00:00:00Z', quantity: '1000' });
    const invoices = await world.invoices('acme');
    expect(invoices.flatMap(({ lines }) => lines).filter(({ kind }) => kind === 'DELTA').length).toBeGreaterThan(3);
    for (const invoice of invoices) {
      const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
      const lines = again.lines.map((line) => [line.scopeKey, line.kind, line.quantity, line.amount, line.discount].map(String));
      expect(lines).toEqual(invoice.lines.map((line) => [line.scopeKey, line.kind, line.quantity, line.amount, line.discount].map(String)));
      expect(again.total.toString()).toBe(invoice.total.toString());
    }
  });

  test('11.2 the plans that a customer really had, billed in a world of their own, give the issued invoices', async () => {
    const burning = { creditsPerInterval: '10', creditPrice: '1', creditExhaustion: 'OVERDRAFT' as const, overdraftLimit: '4' };
    await world.plan({ key: 'credits', kind: 'CREDIT', ...burning, burnRates: [{ meter: 'request', creditsPerUnit: '1' }] });
    await world.plan({
      key: 'small',
      kind: 'SUBSCRIPTION',
      minimumCommitment: '40',
      prices: [flat('fee', '31'), perUnit('usage', '0.333')],
    });
    await world.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [flat('fee', '62'), perUnit('usage', '0.25')] });
    const amountOff = { amount: Decimal.of(5), currency: 'USD' };
    for (const plan of ['small', 'credits']) {
      await world.customer(plan);
      const subscription = await world.subscribe(plan, plan, '2026-01-01T00:00:00Z', { discounts: [{ key: 'five', amountOff }] });
      if (plan === 'small') await world.change(subscription, 'large', '2026-02-11T00:00:00Z');
      await world.use(
        plan,
        { at: '2026-01-05T00:00:00Z', quantity: '13' },
        { at: '2026-02-05T00:00:00Z', quantity: '3' },
        { at: '2026-02-20T00:00:00Z', quantity: '8' },
      );
      await world.bill('2026-03-01T01:00:00Z');
      const again = await world.database.withTenant(world.tenantId, async (tx) => {
        const segments = (await world.get(SubscriptionStore).segments(tx)).filter((segment) => segment.subscriptionId === subscription);
        let history = openingHistory();
        const totals: string[] = [];
        for (const [no, instant] of billingInstants(segments, 0, parseInstant('2026-03-01T00:00:00Z')).entries()) {
          const result = await world.get(PeriodFacts).load(tx, { subscriptionId: subscription, instant, world: { segments, history } });
          const invoices = result.invoices.map(assembleInvoice);
          history = historyAfter(history, result, invoices, no);
          totals.push(...invoices.map(({ total }) => `${instant.kind} ${total.toString()}`));
        }
        return totals;
      });
      expect(again).toEqual((await world.invoices(plan)).map(({ kind, total }) => `${kind} ${total.toString()}`));
      expect(again.length).toBeGreaterThan(2);
    }
  });

  test('8.2 a change or cancellation inside of what is billed already is refused, and nothing is billed twice', async () => {
    await proPlan();
    await world.plan({ key: 'max', kind: 'SUBSCRIPTION', prices: [flat('fee', '40')] });
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.bill('2026-02-01T01:00:00Z');
    const billed = { code: 'ALREADY_BILLED', path: 'at' };
    await expect(world.change(subscription, 'max', '2026-01-16T00:00:00Z')).rejects.toMatchObject(billed);
    await expect(world.change(subscription, 'max', '2026-02-01T00:00:00Z')).rejects.toMatchObject(billed);
    await expect(world.cancel(subscription, '2026-01-16T00:00:00Z', true)).rejects.toMatchObject(billed);
    await expect(world.cancel(subscription, '2026-01-16T00:00:00Z')).rejects.toMatchObject(billed);
    await world.change(subscription, 'max', '2026-02-15T00:00:00Z');
    await world.bill('2026-03-01T01:00:00Z');
    expect(heads(await world.invoices('acme'))).toEqual([
      '2026-01-01T00:00 REGULAR 20',
      '2026-02-01T00:00 REGULAR 20',
      '2026-02-15T00:00 PRORATION 10',
      '2026-03-01T00:00 REGULAR 40',
    ]);
  });

  test('8.5 two runs that race make each invoice once', async () => {
    await proPlan();
    for (const customer of ['a', 'b', 'c']) {
      await world.customer(customer);
      await world.subscribe(customer, 'pro', '2026-01-01T00:00:00Z');
      await world.use(customer, { at: '2026-01-05T00:00:00Z', quantity: '4' });
    }
    const other = await TestWorld.open(databaseOfFile);
    const asOf = parseInstant('2026-03-01T01:00:00Z');
    const runs = await Promise.all([world.bill('2026-03-01T01:00:00Z'), other.get(BillingService).run(world.tenantId, asOf)]);
    await other.close();
    expect(runs[0].invoicesFinalized + runs[1].invoicesFinalized).toBe(9);
    expect(runs[0].periodsClosed + runs[1].periodsClosed).toBe(6);
    const all = (await Promise.all(['a', 'b', 'c'].map((customer) => world.invoices(customer)))).flat();
    expect(all.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((no) => `TARE-00000${no}`));
    expect(heads(await world.invoices('b'))).toEqual([
      '2026-01-01T00:00 REGULAR 20',
      '2026-02-01T00:00 REGULAR 22',
      '2026-03-01T00:00 REGULAR 20',
    ]);
  });

  test('8.5 a change that comes between finding what is due and billing it is billed first', async () => {
    await proPlan();
    await world.plan({ key: 'max', kind: 'SUBSCRIPTION', prices: [flat('fee', '40')] });
    await world.customer('acme');
    const subscriptionId = await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-01T01:00:00Z');
    await world.change(subscriptionId, 'max', '2026-01-16T12:00:00Z');
    const customerId = (await world.invoices('acme'))[0]?.customerId ?? '';
    const request = { asOf: parseInstant('2026-02-01T01:00:00Z'), graceSeconds: 3600, mode: 'FINAL' as const };
    const step = (): Promise<PageResult> =>
      world.database.withTenant(world.tenantId, (tx) => world.get(BillingStep).bill(tx, [customerId], request));
    expect(await step()).toMatchObject({ periodsClosed: 0, invoicesFinalized: 1, unfinished: [customerId] });
    expect(await step()).toMatchObject({ periodsClosed: 2, invoicesFinalized: 1, unfinished: [] });
    expect(await step()).toMatchObject({ periodsClosed: 0, invoicesFinalized: 0, unfinished: [] });
    expect(heads(await world.invoices('acme'))).toEqual([
      '2026-01-01T00:00 REGULAR 20',
      '2026-01-16T12:00 PRORATION 10',
      '2026-02-01T00:00 REGULAR 40',
    ]);
  });

  test('8.5 a run that is killed half-way and run again gives what an unbroken run gives', async () => {
    const story = async (of: TestWorld): Promise<void> => {
      await of.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [flat('fee', '20'), perUnit('usage', '0.5')] });
      for (const customer of ['a', 'b']) {
        await of.customer(customer);
        await of.subscribe(customer, 'pro', '2026-01-01T00:00:00Z');
        await of.use(customer, { at: '2026-01-05T00:00:00Z', quantity: '4' }, { at: '2026-02-05T00:00:00Z', quantity: '9' });
      }
    };
    const unbroken = await first.neighbour(databaseOfFile);
    await unbroken.meter('request');
    await story(unbroken);
    await unbroken.bill('2026-03-01T01:00:00Z');
    await story(world);
    const store = world.get(InvoiceStore);
    const announce = jest.spyOn(store, 'announce');
    for (const killedAt of [1, 2, 2]) {
      let calls = 0;
      announce.mockImplementation(async (...args) => {
        calls += 1;
        if (calls >= killedAt) throw new Error('killed');
        await InvoiceStore.prototype.announce.apply(store, args);
      });
      await expect(world.bill('2026-03-01T01:00:00Z')).rejects.toThrow('killed');
    }
    announce.mockRestore();
    await world.bill('2026-03-01T01:00:00Z');
    for (const customer of ['a', 'b']) {
      expect(everything(await world.invoices(customer))).toEqual(everything(await unbroken.invoices(customer)));
    }
    const numbers = (await Promise.all(['a', 'b'].map((customer) => world.invoices(customer)))).flat().map(({ number }) => number);
    expect(numbers.sort()).toEqual([1, 2, 3, 4, 5, 6].map((no) => `TARE-00000${no}`));
  });

  test('a customer whose billing fails does not stop the others of its page, and nothing of it is half done', async () => {
    await proPlan();
    const keys = ['a', 'b', 'c', 'd', 'e'];
    for (const key of keys) {
      await world.customer(key);
      await world.subscribe(key, 'pro', '2026-01-01T00:00:00Z');
      await world.use(key, { at: '2026-01-05T00:00:00Z', quantity: '4' });
    }
    const store = world.get(InvoiceStore);
    const save = jest.spyOn(store, 'saveInvoices').mockImplementation(async (tx, invoices, final) => {
      await InvoiceStore.prototype.saveInvoices.call(store, tx, invoices, final);
      const [row] = await tx.query<{ id: string }>(
        'SELECT c.id FROM customer c JOIN customer_key k ON k.tenant_id = c.tenant_id AND k.no = c.no WHERE k.key = $1',
        ['c'],
      );
      if (invoices.some(({ customerId }) => customerId === row?.id)) throw new Error('c cannot be billed');
    });
    await expect(world.bill('2026-02-01T01:00:00Z')).rejects.toThrow('c cannot be billed');
    save.mockRestore();
    const counts = async (): Promise<number[]> => Promise.all(keys.map(async (key) => (await world.invoices(key)).length));
    expect(await counts()).toEqual([2, 2, 0, 2, 2]);
    await world.bill('2026-02-01T01:00:00Z');
    expect(await counts()).toEqual([2, 2, 2, 2, 2]);
    const numbers = (await Promise.all(keys.map((key) => world.invoices(key)))).flat().map(({ number }) => number);
    expect(numbers.sort()).toEqual(Array.from({ length: 10 }, (_, i) => `TARE-${String(i + 1).padStart(6, '0')}`));
  });

  test('8.6 a total never falls below zero: the rest is kept and applied to the next invoice', async () => {
    const tiers = [{ upTo: '100', unitPrice: '1' }, { unitPrice: '0.1' }];
    await world.plan({ key: 'volume', kind: 'PER_QUERY', prices: [{ key: 'usage', model: 'VOLUME', meter: 'request', tiers }] });
    await world.customer('acme');
    await world.subscribe('acme', 'volume', '2026-01-01T00:00:00Z');
    await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '100' }, { at: '2026-03-05T00:00:00Z', quantity: '70' });
    await world.bill('2026-02-01T01:00:00Z');
    await world.use('acme', { at: '2026-01-06T00:00:00Z', quantity: '10' });
    await world.bill('2026-04-01T01:00:00Z');
    const invoices = await world.invoices('acme');
    expect(everything(invoices)).toEqual([
      ['2026-02-01T00:00 REGULAR 100', 'USAGE usage 100 = 100'],
      ['2026-03-01T00:00 REGULAR 0', 'DELTA usage 110 = -89'],
      ['2026-04-01T00:00 REGULAR 0', 'USAGE usage 70 = 70'],
    ]);
    expect(invoices.map(({ detail }) => [detail.balanceCarried, detail.balanceApplied].map(String))).toEqual([
      ['0', '0'],
      ['89', '0'],
      ['0', '70'],
    ]);
  });

  test('a live tenant does not bill ahead of the clock', async () => {
    const live = await first.neighbour(databaseOfFile, { live: true });
    await expect(live.bill('2100-01-01T00:00:00Z')).rejects.toMatchObject({ code: 'AS_OF_IN_FUTURE' });
  });

  test('a preview shows what is due and the usage so far, and stores nothing', async () => {
    await proPlan();
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.use(
      'acme',
      { at: '2026-01-05T00:00:00Z', quantity: '4' },
      { at: '2026-02-05T00:00:00Z', quantity: '9' },
      { at: '2026-02-20T00:00:00Z', quantity: '1' },
    );
    const previews = await world.get(InvoicePreviews).of(world.tenantId, 'acme', parseInstant('2026-02-10T00:00:00Z'));
    expect(previews.map(linesOf)).toEqual([['FEE fee 1 = 20'], ['USAGE usage 4 = 2', 'FEE fee 1 = 20'], ['USAGE usage 9 = 4.5']]);
    expect(await world.invoices('acme')).toEqual([]);
    await world.bill('2026-02-10T00:00:00Z');
    const running = await world.get(InvoicePreviews).of(world.tenantId, 'acme', parseInstant('2026-02-21T00:00:00Z'));
    expect(running.map(linesOf)).toEqual([['USAGE usage 10 = 5']]);
  });

  test('a list of invoices takes the same few queries for one and for a hundred', async () => {
    await proPlan();
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2017-01-01T00:00:00Z');
    await world.bill('2025-06-01T00:00:00Z');
    const queries = (first: number): Promise<{ count: number; rows: number }> =>
      world.database.withTenant(world.tenantId, async (tx) => {
        const query = jest.spyOn(tx, 'query');
        const { rows } = await world.get(InvoicesService).listIn(tx, { customer: 'acme', first });
        expect(rows.every(({ lines, customer }) => lines.length > 0 && customer.key === 'acme')).toBe(true);
        return { count: query.mock.calls.length, rows: rows.length };
      });
    const one = await queries(1);
    const hundred = await queries(100);
    expect([one.rows, hundred.rows]).toEqual([1, 100]);
    expect(hundred.count).toBe(one.count);
  });

  /** Statements that a run sends, of whatever kind. */
  const statementsOf = async (work: () => Promise<unknown>): Promise<number> => {
    let count = 0;
    const { database } = world;
    const withTenant = database.withTenant.bind(database);
    database.withTenant = (tenantId, inside) =>
      withTenant(tenantId, (tx) => {
        for (const way of ['query', 'queryPrepared', 'execute'] as const) {
          const send = tx[way].bind(tx) as (...args: never[]) => never;
          tx[way] = (...args: never[]) => {
            count += 1;
            return send(...args);
          };
        }
        return inside(tx);
      });
    await work();
    database.withTenant = withTenant;
    return count;
  };

  test('a run takes the same few queries for one customer and for forty', async () => {
    const run = async (customers: number): Promise<number> => {
      const tenant = await first.neighbour(databaseOfFile);
      await tenant.meter('request');
      await tenant.plan({ key: 'pro', kind: 'SUBSCRIPTION', prices: [flat('fee', '20'), perUnit('usage', '0.5')] });
      for (let i = 0; i < customers; i += 1) {
        await tenant.customer(`c${i}`);
        await tenant.subscribe(`c${i}`, 'pro', '2026-01-01T00:00:00Z');
        await tenant.use(`c${i}`, { at: '2026-01-05T00:00:00Z', quantity: '4' });
      }
      await tenant.bill('2026-01-31T00:00:00Z');
      const count = await statementsOf(() => tenant.bill('2026-02-01T01:00:00Z'));
      expect((await tenant.invoices(`c${customers - 1}`)).at(-1)?.lines).toHaveLength(2);
      return count;
    };
    const one = await run(1);
    expect(one).toBeLessThan(50);
    expect(await run(40)).toBe(one);
  });

  test('a step takes the same few queries however many prices a plan has', async () => {
    const queriesOf = async (prices: number): Promise<number> => {
      const key = `plan${prices}`;
      const models = Array.from({ length: prices }, (_, index) => ({
        ...perUnit(`usage${index}`, '1'),
        match: [{ property: 'model', in: [`model${index}`] }],
      }));
      await world.plan({ key, kind: 'PER_QUERY', prices: models });
      await world.customer(key);
      await world.subscribe(key, key, '2026-01-01T00:00:00Z');
      await world.use(key, ...models.map((_, index) => ({ at: '2026-01-05T00:00:00Z', model: `model${index}`, quantity: '1' })));
      await world.bill('2026-01-31T00:00:00Z');
      const count = await statementsOf(() => world.bill('2026-02-01T01:00:00Z'));
      expect((await world.invoices(key))[0]?.lines).toHaveLength(prices);
      return count;
    };
    const few = await queriesOf(1);
    const many = await queriesOf(40);
    expect(many - few).toBeLessThanOrEqual(6);
  });

  test('an invoice that is paid is not voided', async () => {
    await proPlan();
    await world.customer('acme');
    await world.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await world.bill('2026-01-02T00:00:00Z');
    const [invoice] = (await world.invoices('acme')) as [InvoiceView];
    await world.get(InvoicesService).pay(world.tenantId, invoice.id, parseInstant('2026-01-03T00:00:00Z'));
    await expect(world.get(InvoicesService).voidInvoice(world.tenantId, invoice.id)).rejects.toMatchObject({ code: 'INVOICE_PAID' });
  });
});
