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
