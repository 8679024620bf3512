import { Decimal, parseInstant } from '@tare/core';
import type { MarginDimension, MarginReport, MarginRow } from '@tare/core';
import { SubscriptionsService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import type { MarginRequest } from './margin-request.ts';
import { MarginsService } from './margins.service.ts';
import { TestCompany } from './company.fixture.ts';
import { MarginsModule } from './margins.module.ts';

let databaseOfFile: TestDatabase;
let first: TestCompany;
let company: TestCompany;

beforeAll(async () => {
  databaseOfFile = await createTestDatabase();
  first = await TestCompany.open(databaseOfFile, MarginsModule);
});
afterAll(async () => {
  await first.app.close();
  await databaseOfFile.drop();
});
beforeEach(async () => {
  company = await first.neighbour(databaseOfFile);
  await company.meters();
});

const JANUARY = { from: parseInstant('2026-01-01T00:00:00Z'), to: parseInstant('2026-02-01T00:00:00Z') };
const AFTERWARDS = parseInstant('2026-06-01T00:00:00Z');
const perToken = { key: 'tokens', model: 'PER_UNIT' as const, meter: 'tokens', unitPrice: '0.01' };
const fee = (amount: string) => ({ key: 'fee', model: 'FLAT' as const, amount });

function report(groupBy: MarginDimension[], more: Partial<MarginRequest> = {}, now = AFTERWARDS): Promise<MarginReport> {
  return company.get(MarginsService).report(company.tenantId, { ...JANUARY, groupBy, ...more }, now);
}

const text = (value: Decimal | null | undefined): string | null => value?.toString() ?? null;
const figures = ({ key, revenue, cost, margin, state }: MarginRow) => [...key, text(revenue), text(cost), text(margin), state];

test('10.1 a closed month earns what its invoices billed for it, by day and in total', async () => {
  await company.plan({ key: 'team', kind: 'SUBSCRIPTION', prices: [fee('31'), perToken] });
  await company.customer('acme');
  await company.subscribe('acme', 'team', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 1234, '4');
  await company.use('acme', '2026-02-10T08:00:00Z', 5000, '4');
  await company.bill('2026-02-01T02:00:00Z');
  const byCustomer = await report(['CUSTOMER']);
  expect(byCustomer.rows.map(figures)).toEqual([['acme', '43.34', '4', '39.34', 'PROFITABLE']]);
  const byDay = await report(['DAY', 'MODEL']);
  expect(byDay.rows.filter(({ key }) => key[0] === '2026-01-10').map(figures)).toEqual([
    ['2026-01-10', '(not usage)', '1', '0', '1', 'PROFITABLE'],
    ['2026-01-10', 'm1', '12.34', '4', '8.34', 'PROFITABLE'],
  ]);
  expect(text(byDay.total.revenue)).toBe('43.34');
});

test('10.1 what billing has not billed yet is earned all the same, exactly', async () => {
  await company.plan({ key: 'team', kind: 'SUBSCRIPTION', prices: [fee('31'), { ...perToken, unitPrice: '0.001' }] });
  await company.customer('acme');
  await company.subscribe('acme', 'team', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 1234, '4');
  const now = parseInstant('2026-01-11T00:00:00Z');
  const sofar = await report(['CUSTOMER'], { to: now }, now);
  expect(sofar.rows.map(figures)).toEqual([['acme', '11.234', '4', '7.234', 'PROFITABLE']]);
  const whole = await report(['CUSTOMER']);
  expect(whole.rows.map(figures)).toEqual([['acme', '32.234', '4', '28.234', 'PROFITABLE']]);
});

test('10.1 an upgrade earns the old fee up to it and the new one after it', async () => {
  await company.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [fee('31')] });
  await company.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [fee('62')] });
  await company.customer('acme');
  const subscription = await company.subscribe('acme', 'small', '2026-01-01T00:00:00Z');
  await company.change(subscription, 'large', '2026-01-11T00:00:00Z');
  await company.bill('2026-02-01T02:00:00Z');
  const rows = (await report(['PLAN'])).rows.map(({ key, revenue }) => [key[0], text(revenue)]);
  expect(rows).toEqual([
    ['large', '42'],
    ['small', '10'],
  ]);
});

test('10.1 a change that leaves the fee as it was makes no invoice, and the fee is earned by the new plan after it', async () => {
  await company.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [fee('31')] });
  await company.plan({ key: 'other', kind: 'SUBSCRIPTION', prices: [fee('31'), { ...perToken, unitPrice: '0.001' }] });
  await company.customer('acme');
  const subscription = await company.subscribe('acme', 'small', '2026-01-01T00:00:00Z');
  await company.bill('2026-01-01T02:00:00Z');
  const change = { subscription, plan: 'other', at: parseInstant('2026-01-11T00:00:00Z'), immediately: true };
  await company.get(SubscriptionsService).change(company.tenantId, change);
  await company.bill('2026-01-11T02:00:00Z');
  const earned = async () => (await report(['PLAN'])).rows.map(({ key, revenue }) => [key[0], text(revenue)]);
  const split = [
    ['other', '21'],
    ['small', '10'],
  ];
  expect(await earned()).toEqual(split);
  await company.bill('2026-02-01T02:00:00Z');
  expect(await earned()).toEqual(split);
});

test('10.1 prepaid credits are earned when they are burnt, and what expires is breakage on the day it expires', async () => {
  await company.plan({ key: 'credits', kind: 'CREDIT', burnRates: [{ meter: 'tokens', creditsPerUnit: '0.1' }] });
  await company.customer('acme');
  await company.subscribe('acme', 'credits', '2026-01-01T00:00:00Z');
  await company.grant('acme', '1000', '50', '2026-01-01T00:00:00Z', '2026-01-20T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 4000, '3');
  const open = await report(['DAY']);
  await company.bill('2026-02-01T02:00:00Z');
  const closed = await report(['DAY']);
  for (const { rows } of [open, closed]) {
    expect(rows.map(({ key, revenue }) => [key[0], text(revenue)])).toEqual([
      ['2026-01-10', '20'],
      ['2026-01-20', '30'],
    ]);
  }
});

test("10.1 credits that a plan granted and nobody used are that plan's breakage, whether it is billed yet or not", async () => {
  await company.plan({
    key: 'credits',
    kind: 'CREDIT',
    creditsPerInterval: '100',
    creditPrice: '0.5',
    burnRates: [{ meter: 'tokens', creditsPerUnit: '0.1' }],
  });
  await company.customer('acme');
  await company.subscribe('acme', 'credits', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 600, '3');
  const until = { to: parseInstant('2026-02-02T00:00:00Z') };
  const open = await report(['PLAN', 'DAY'], until);
  await company.bill('2026-02-01T02:00:00Z');
  const closed = await report(['PLAN', 'DAY'], until);
  for (const { rows } of [open, closed]) {
    expect(rows.map(({ key, revenue }) => [...key, text(revenue)])).toEqual([
      ['credits', '2026-01-10', '30'],
      ['credits', '2026-02-01', '20'],
    ]);
  }
});

test('10.1 plan credits that roll over are earned when they are burnt, and above the maximum where their period ends, billed or not', async () => {
  await company.plan({
    key: 'credits',
    kind: 'CREDIT',
    creditsPerInterval: '100',
    creditPrice: '0.5',
    creditRollover: true,
    creditRolloverMaximum: '30',
    creditRolloverPeriods: 1,
    burnRates: [{ meter: 'tokens', creditsPerUnit: '0.1' }],
  });
  await company.customer('acme');
  await company.subscribe('acme', 'credits', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 600, '3');
  await company.use('acme', '2026-02-10T08:00:00Z', 200, '3');
  const until = { to: parseInstant('2026-03-02T00:00:00Z') };
  const open = await report(['PLAN', 'DAY'], until);
  await company.bill('2026-02-01T02:00:00Z');
  const half = await report(['PLAN', 'DAY'], until);
  await company.bill('2026-03-01T02:00:00Z');
  const closed = await report(['PLAN', 'DAY'], until);
  for (const { rows } of [open, half, closed]) {
    expect(rows.map(({ key, revenue }) => [...key, text(revenue)])).toEqual([
      ['credits', '2026-01-10', '30'],
      // 40 were left and 30 went on; of those February used 20, and 10 were gone with it, beside 70 of its own above the maximum.
      ['credits', '2026-02-01', '5'],
      ['credits', '2026-02-10', '10'],
      ['credits', '2026-03-01', '40'],
    ]);
  }
});

test('10.1 a late delta is earned on the day it is finalized, not in the closed month', async () => {
  await company.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perToken] });
  await company.customer('acme');
  await company.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 1000, '1');
  await company.bill('2026-02-01T02:00:00Z');
  await company.use('acme', '2026-01-11T08:00:00Z', 500, '1');
  await company.bill('2026-03-01T02:00:00Z');
  expect((await report(['CUSTOMER'])).rows.map(figures)).toEqual([['acme', '10', '2', '8', 'PROFITABLE']]);
  const march = { from: parseInstant('2026-03-01T00:00:00Z'), to: parseInstant('2026-04-01T00:00:00Z') };
  const later = await report(['DAY', 'MODEL'], march);
  expect(later.rows.map(({ key, revenue }) => [...key, text(revenue)])).toEqual([['2026-03-01', '(not usage)', '5']]);
});

test('10.2 a trial costs and earns nothing', async () => {
  await company.plan({ key: 'team', kind: 'SUBSCRIPTION', trialDays: 14, prices: [fee('31'), perToken] });
  await company.customer('acme');
  await company.subscribe('acme', 'team', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 1000, '2');
  const trial = await report(['CUSTOMER'], { to: parseInstant('2026-01-15T00:00:00Z') });
  expect(trial.rows.map(figures)).toEqual([['acme', '0', '2', '-2', 'LOSS_MAKING']]);
});

test('3.7 usage of a key without a customer has a margin row of its own, outside of any plan', async () => {
  await company.use('nobody', '2026-01-10T08:00:00Z', 1000, '2');
  const { rows } = await report(['CUSTOMER', 'PLAN']);
  expect(rows.map(figures)).toEqual([['nobody', '(no plan)', '0', '2', '-2', 'LOSS_MAKING']]);
  expect(rows[0]?.label).toBe('nobody (no such customer yet) / (no plan)');
});

test('10.3 an unpriced model leaves the margin an upper bound and says how much of the usage it knows', async () => {
  await company.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perToken] });
  await company.customer('acme');
  await company.subscribe('acme', 'metered', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 3000, '1');
  await company.use('acme', '2026-01-10T08:00:00Z', 1000, null, { model: 'unheard-of' });
  const { rows } = await report(['CUSTOMER']);
  expect(rows[0]).toMatchObject({ state: 'PROFITABLE', flags: ['PROFITABLE'] });
  expect([text(rows[0]?.coverage), text(rows[0]?.tokenCoverage), text(rows[0]?.margin)]).toEqual(['0.5', '0.75', '39']);
  const models = await report(['MODEL']);
  expect(models.rows.map(figures)).toEqual([
    ['m1', '30', '1', '29', 'PROFITABLE'],
    ['unheard-of', '10', null, null, 'COST_UNKNOWN'],
  ]);
});

test('10.4 users and traces are read from single events, and every grouping adds up to the total', async () => {
  await company.plan({ key: 'team', kind: 'SUBSCRIPTION', prices: [fee('31'), perToken] });
  await company.customer('acme', 'Asia/Kathmandu');
  await company.subscribe('acme', 'team', '2026-01-03T10:17:33+05:45');
  for (const [index, user] of ['ann', 'bob', 'ann'].entries()) {
    await company.use('acme', `2026-01-1${index}T08:00:00Z`, 100 + index, '0.1', { user, traceId: 'run', feature: 'chat' });
  }
  const total = (await report(['CUSTOMER'])).total;
  for (const groupBy of [
    ['USER'],
    ['TRACE', 'DAY'],
    ['FEATURE', 'TOKEN_KIND'],
    ['MONTH', 'PLAN_KIND', 'EVENT_TYPE'],
  ] as MarginDimension[][]) {
    const { rows } = await report(groupBy);
    for (const field of ['revenue', 'events'] as const) expect(text(Decimal.sum(rows.map((row) => row[field])))).toBe(text(total[field]));
    expect(text(Decimal.sum(rows.map(({ cost }) => cost ?? Decimal.ZERO)))).toBe(text(total.cost));
  }
  const users = await report(['USER']);
  expect(
    users.rows.filter(({ key }) => key[0] !== '(not usage)').map(({ key, revenue, cost }) => [key[0], text(revenue), text(cost)]),
  ).toEqual([
    ['ann', '2.02', '0.2'],
    ['bob', '1.01', '0.1'],
  ]);
});

test('10.5 a report in another currency converts revenue and cost at the rate of their days', async () => {
  await company.plan({ key: 'team', kind: 'SUBSCRIPTION', prices: [fee('31')] });
  await company.customer('acme');
  await company.subscribe('acme', 'team', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-20T08:00:00Z', 1000, '2');
  await company.exchangeRate('USD', 'EUR', '0.9', '2026-01-01T00:00:00Z');
  await company.exchangeRate('USD', 'EUR', '0.8', '2026-01-11T00:00:00Z');
  expect((await report(['CUSTOMER'], { currency: 'EUR' })).rows.map(figures)).toEqual([['acme', '25.8', '1.6', '24.2', 'PROFITABLE']]);
  await expect(report(['CUSTOMER'], { currency: 'GBP' })).rejects.toMatchObject({ code: 'NO_EXCHANGE_RATE' });
});

test('10.6 loss-makers come worst loss first, with reasons that add up to the loss', async () => {
  await company.plan({ key: 'flat', kind: 'SUBSCRIPTION', prices: [fee('10')] });
  for (const [index, key] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    await company.customer(key);
    await company.subscribe(key, 'flat', '2026-01-01T00:00:00Z');
    await company.use(key, '2026-01-10T08:00:00Z', 1000, '1', { traceId: `${index}`, tokens: { input: '1000', output: '10' } });
  }
  for (let call = 0; call < 20; call += 1)
    await company.use('a', '2026-01-11T08:00:00Z', 1000, '2', { tokens: { input: '1000', output: '10' } });
  await company.use('b', '2026-01-11T08:00:00Z', 1000, '20', { model: 'dear', outcome: 'FAILED' });
  await company.bill('2026-02-01T02:00:00Z');
  const losers = await company.get(MarginsService).lossMakers(company.tenantId, JANUARY, AFTERWARDS);
  expect(losers.map(({ key, margin }) => [key[0], text(margin)])).toEqual([
    ['a', '-31'],
    ['b', '-11'],
  ]);
  for (const { reasons, margin } of losers) expect(text(Decimal.sum(reasons.map(({ amount }) => amount)))).toBe(text(margin?.negated()));
  expect(losers[0]?.reasons.map(({ code }) => code)).toContain('HEAVY_USE');
  expect(losers[1]?.reasons.map(({ code }) => code)[0]).toBe('MODEL_MIX');
  const one = await company.get(MarginsService).lossMakers(company.tenantId, { ...JANUARY, first: 1 }, AFTERWARDS);
  expect(one.map(({ key }) => key[0])).toEqual(['a']);
});

test('a tenant sees nothing of another one', async () => {
  await company.customer('acme');
  await company.use('acme', '2026-01-10T08:00:00Z', 1000, '2');
  const other = await first.neighbour(databaseOfFile);
  const { rows, total } = await company.get(MarginsService).report(other.tenantId, { ...JANUARY, groupBy: ['CUSTOMER'] }, AFTERWARDS);
  expect([rows, text(total.cost)]).toEqual([[], '0']);
});

test('a span that ends before it begins and dimensions said twice are refused', async () => {
  await expect(report(['CUSTOMER'], { to: JANUARY.from })).rejects.toMatchObject({ code: 'INVALID_SPAN' });
  await expect(report(['DAY', 'DAY'])).rejects.toMatchObject({ code: 'INVALID_DIMENSIONS' });
});
