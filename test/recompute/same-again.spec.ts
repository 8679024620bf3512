import { formatInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { take, type Step, type Telling } from '../scenarios/steps.ts';
import { assembledOtherwise } from './same-again.ts';

let database: TestDatabase;
let world: TestWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

/** A fee, usage at cost and 30 % that costs 10 USD, and a commitment above both: in yen. */
const YEN = {
  plan: {
    key: 'passed on',
    kind: 'SUBSCRIPTION' as const,
    currency: 'JPY',
    minimumCommitment: '5000',
    prices: [
      { key: 'fee', model: 'FLAT' as const, amount: '1000' },
      { key: 'llm', model: 'COST_PLUS' as const, meter: 'llm', markup: '0.30' },
    ],
  },
  use: (key: string, at: string): Step => ({
    use: {
      ...{ customer: 'acme', key, at, type: 'llm', provider: 'house', model: 'large', tokens: { input: '5' } },
      reportedCost: { amount: '10', currency: 'USD' },
    },
  }),
  rate: (rate: string, validFrom: string): Step => ({ exchange: { from: 'USD', to: 'JPY', rate, validFrom } }),
};

test('8.4 an invoice is assembled again with the exchange rates that it was made with, and so is each correction of it', async () => {
  const tenant = await world.neighbour(database);
  const telling: Telling = { world: tenant, subscriptions: new Map(), reservations: new Map() };
  await tenant.meter('llm', { valueProperty: 'tokens.total' });
  await tenant.plan(YEN.plan);
  await tenant.customer('acme');
  const steps: Step[] = [
    YEN.rate('100', '2026-01-01T00:00:00Z'),
    { subscribe: { customer: 'acme', plan: 'passed on', from: '2026-01-01T00:00:00Z' } },
    YEN.use('a', '2026-01-10T00:00:00Z'),
    { bill: '2026-02-01T01:00:00Z' },
    // Corrected, and dated anew, after January was billed.
    YEN.rate('150', '2026-01-01T00:00:00Z'),
    YEN.rate('160', '2026-01-15T00:00:00Z'),
    { bill: '2026-03-01T01:00:00Z' },
    YEN.use('b', '2026-01-20T00:00:00Z'),
    { bill: '2026-04-01T01:00:00Z' },
    YEN.rate('200', '2026-01-01T00:00:00Z'),
    YEN.rate('210', '2026-01-15T00:00:00Z'),
    { bill: '2026-05-01T01:00:00Z' },
  ];
  for (const step of steps) await take(step, telling);
  const billed = (await tenant.invoices('acme')).flatMap(({ lines }) => lines.filter(({ kind }) => kind !== 'FEE'));
  // January: 10 USD at 100, and what is left to 5000. Its correction: 10 USD at 150 and 10 at 160, as known when it was made; nothing is left of the true-up.
  expect(billed.map(({ kind, adjustsKind, amount }) => `${adjustsKind ?? ''} ${kind} ${amount.toString()}`.trim())).toEqual([
    'USAGE 1300',
    'COMMITMENT 2700',
    'COMMITMENT 4000',
    'COMMITMENT 4000',
    'USAGE DELTA 2730',
    'COMMITMENT DELTA -2700',
    'COMMITMENT 4000',
  ]);
  expect(await assembledOtherwise(tenant, 'acme')).toEqual([]);
});

test('8.4 taxes, coupons, costs, terms and seats that come later are not of an invoice that was issued before', async () => {
  const tenant = await world.neighbour(database);
  const telling: Telling = { world: tenant, subscriptions: new Map(), reservations: new Map() };
  await tenant.meter('llm', { valueProperty: 'tokens.total' });
  const plan = (fee: string, markup: string) => ({
    key: 'plus',
    kind: 'SUBSCRIPTION' as const,
    invoiceThreshold: '20',
    prices: [
      { key: 'fee', model: 'FLAT' as const, amount: fee },
      { key: 'llm', model: 'COST_PLUS' as const, meter: 'llm', markup },
    ],
  });
  await tenant.plan(plan('10', '0.30'));
  await tenant.customer('acme');
  const use = (key: string, at: string, model: string): Step => ({
    use: { customer: 'acme', key, at, type: 'llm', provider: 'own', model, tokens: { input: '5000000' } },
  });
  const rate = (model: string, input: string): Step => ({
    rate: { provider: 'own', model, from: '2026-01-01T00:00:00Z', input, output: '8' },
  });
  const steps: Step[] = [
    rate('alpha', '4'),
    { tax: { customer: 'acme', rates: { VAT: '19' } } },
    { subscribe: { customer: 'acme', plan: 'plus', from: '2026-01-01T00:00:00Z' } },
    use('a', '2026-01-10T00:00:00Z', 'alpha'),
    // 26.00 are above the threshold.
    { bill: '2026-01-11T00:00:00Z' },
    use('b', '2026-01-12T00:00:00Z', 'mystery'),
    { bill: '2026-02-01T01:00:00Z' },
    rate('alpha', '9'),
    rate('mystery', '2'),
    { tax: { customer: 'acme', rates: { VAT: '20' }, from: '2026-01-01T00:00:00Z' } },
    { coupon: { key: 'half', percentOff: '50' } },
    { redeem: { subscription: 'acme', coupon: 'half', at: '2026-02-02T00:00:00Z' } },
    { publish: plan('30', '0.10') },
    { migrate: { plan: 'plus', fromVersion: 1, timing: 'NOW', at: '2026-02-05T00:00:00Z' } },
    { seats: { subscription: 'acme', seats: 3, at: '2026-02-06T00:00:00Z', immediately: true } },
    { bill: '2026-03-01T01:00:00Z' },
    { tax: { customer: 'acme', rates: {}, exempt: true } },
    use('c', '2026-01-14T00:00:00Z', 'alpha'),
    { bill: '2026-04-01T01:00:00Z' },
  ];
  for (const step of steps) await take(step, telling);
  const invoices = await tenant.invoices('acme');
  expect(invoices.map(({ kind, lines }) => `${kind}: ${lines.map((line) => `${line.kind} ${line.amount.toString()}`).join(', ')}`)).toEqual(
    [
      'REGULAR: FEE 10',
      'THRESHOLD: USAGE 26',
      // The cost of one model was not known: all of the line waits.
      'REGULAR: FEE 10',
      'PRORATION: PRORATION_CREDIT -8.57, PRORATION_CHARGE 25.71, DELTA 13',
      'REGULAR: FEE 30',
      'REGULAR: FEE 30, DELTA 58.5',
    ],
  );
  expect(await assembledOtherwise(tenant, 'acme')).toEqual([]);
});

test('8.4 a threshold invoice keeps the end that its period had, also after seats changed or a pause, when the subscription ends sooner', async () => {
  const tenant = await world.neighbour(database);
  const telling: Telling = { world: tenant, subscriptions: new Map(), reservations: new Map() };
  await tenant.meter('request');
  const request = { key: 'request', model: 'GRADUATED' as const, meter: 'request', tiers: [{ unitPrice: '1', flatFee: '62' }] };
  const plan = { key: 'metered', kind: 'SUBSCRIPTION' as const, invoiceThreshold: '50', interval: 'YEAR' as const };
  await tenant.plan({ ...plan, prices: [{ key: 'seat', model: 'FLAT', amount: '365', perSeat: true }, request] });
  await tenant.customer('acme');
  const use = (at: string): Step => ({ use: { customer: 'acme', at, type: 'request', quantity: '60' } });
  const steps: Step[] = [
    { subscribe: { customer: 'acme', plan: 'metered', from: '2026-01-01T00:00:00Z' } },
    use('2026-01-10T00:00:00Z'),
    { seats: { subscription: 'acme', seats: 2, at: '2026-02-01T00:00:00Z', immediately: true } },
    use('2026-02-10T00:00:00Z'),
    { bill: '2026-02-11T00:00:00Z' },
    { pause: { subscription: 'acme', at: '2026-03-01T00:00:00Z', resumesAt: '2026-03-05T00:00:00Z' } },
    use('2026-03-10T00:00:00Z'),
    { bill: '2026-03-11T00:00:00Z' },
    { cancel: { subscription: 'acme', at: '2026-04-01T00:00:00Z', immediately: true } },
    { bill: '2026-04-02T00:00:00Z' },
  ];
  for (const step of steps) await take(step, telling);
  const invoices = await tenant.invoices('acme');
  const day = (at: number): string => formatInstant(at).slice(0, 10);
  const usage = invoices.flatMap(({ kind, lines }) =>
    lines.filter((line) => line.kind === 'USAGE').map(({ amount, period }) => `${kind} ${amount.toString()} until ${day(period.end)}`),
  );
  // The flat fee is for 365 days, then for 361, and in the end for 86.
  expect(usage).toEqual(['THRESHOLD 182 until 2027-01-01', 'THRESHOLD 59.32 until 2027-01-01', 'REGULAR -46.71 until 2026-04-01']);
  expect(await assembledOtherwise(tenant, 'acme')).toEqual([]);
});
