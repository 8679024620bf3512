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
