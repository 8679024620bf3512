import { Decimal, parseInstant } from '@tare/core';
import { SubscriptionsService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { MarginsService } from '@tare/margins';
import type { SimulationInput } from './scenario.ts';
import type { ScenarioResult } from './simulation-run.ts';
import { SimulationsService } from './simulations.service.ts';
import { TestCompany } from '../margins/company.fixture.ts';
import { SimulationsModule } from './simulations.module.ts';

let databaseOfFile: TestDatabase;
let first: TestCompany;
let company: TestCompany;

beforeAll(async () => {
  databaseOfFile = await createTestDatabase();
  first = await TestCompany.open(databaseOfFile, SimulationsModule);
});
afterAll(async () => {
  await first.app.close();
  await databaseOfFile.drop();
});
beforeEach(async () => {
  company = await first.neighbour(databaseOfFile);
  await company.meters();
});

const FEBRUARY = { from: parseInstant('2026-02-01T00:00:00Z'), to: parseInstant('2026-03-01T00:00:00Z') };
const NOW = parseInstant('2026-06-01T00:00:00Z');
const fee = (amount: string) => ({ key: 'fee', model: 'FLAT' as const, amount });
const perToken = (unitPrice: string) => ({ key: 'tokens', model: 'PER_UNIT' as const, meter: 'tokens', unitPrice });
const decimal = (value: string): Decimal => Decimal.parse(value);
const text = (value: Decimal | null | undefined): string | null => value?.toString() ?? null;

async function simulate(scenarios: SimulationInput['scenarios'], more: Partial<SimulationInput> = {}): Promise<ScenarioResult[]> {
  const input = { ...FEBRUARY, scenarios, ...more };
  return [...(await company.get(SimulationsService).simulate(company.tenantId, input, NOW)).scenarios];
}

async function only(
  scenario: Omit<SimulationInput['scenarios'][number], 'name'>,
  more: Partial<SimulationInput> = {},
): Promise<ScenarioResult> {
  const [result] = await simulate([{ name: 'candidate', ...scenario }], more);
  if (result === undefined) throw new Error('a simulation without a result');
  return result;
}

const billedOf = ({ customers }: ScenarioResult): Record<string, string | null> =>
  Object.fromEntries(customers.map(({ customerKey, billed }) => [customerKey, text(billed)]));

/** Four kinds of plan, an upgrade in mid-period, a discount, a wallet carried in, usage in two months. */
async function fourKindsOfPlan(): Promise<void> {
  await company.plan({
    key: 'metered',
    kind: 'PER_QUERY',
    prices: [
      { key: 'tokens', model: 'GRADUATED', meter: 'tokens', tiers: [{ upTo: '1000', unitPrice: '0.0031' }, { unitPrice: '0.0017' }] },
    ],
  });
  await company.plan({
    key: 'small',
    kind: 'SUBSCRIPTION',
    prices: [fee('31'), { ...perToken('0.003'), includedQuantity: '500' }],
    minimumCommitment: '40',
  });
  await company.plan({ key: 'large', kind: 'SUBSCRIPTION', prices: [fee('99'), { ...perToken('0.001'), includedQuantity: '2000' }] });
  await company.plan({
    ...{
      key: 'credits',
      kind: 'CREDIT',
      creditsPerInterval: '100',
      creditPrice: '0.07',
      creditExhaustion: 'OVERAGE',
      overagePricePerCredit: '0.09',
    },
    burnRates: [{ meter: 'tokens', creditsPerUnit: '0.1' }],
  });
  await company.plan({ key: 'license', kind: 'SITE_LICENSE', termIntervals: 12, prices: [{ ...fee('1200'), perSeat: true }] });
  for (const key of ['query', 'upgrade', 'wallet', 'site']) await company.customer(key, 'Europe/Berlin');
  await company.subscribe('query', 'metered', '2026-01-01T00:00:00+01:00');
  const upgrading = await company.subscribe('upgrade', 'small', '2026-01-01T00:00:00+01:00', [
    { key: 'launch', percentOff: decimal('10') },
  ]);
  await company.subscribe('wallet', 'credits', '2026-01-01T00:00:00+01:00');
  await company.subscribe('site', 'license', '2026-01-01T00:00:00+01:00');
  await company.grant('wallet', '300', '12', '2026-01-01T00:00:00+01:00');
  for (const key of ['query', 'upgrade', 'wallet', 'site']) {
    for (const [at, input] of [
      ['2026-01-10T12:00:00Z', 1703],
      ['2026-02-05T12:00:00Z', 1201],
      ['2026-02-20T23:30:00Z', 3307],
    ] as const) {
      await company.use(key, at, input, '1.23');
    }
  }
  await company.bill('2026-02-01T02:00:00Z');
  await company.change(upgrading, 'large', '2026-02-11T09:17:33Z');
  await company.bill('2026-03-01T02:00:00Z');
}

const BERLIN_FEBRUARY = { from: parseInstant('2026-02-01T00:00:00+01:00'), to: parseInstant('2026-03-01T00:00:00+01:00') };
const keptPlans = [{ name: 'as it is' }];

describe('11.2 identity', () => {
  test('11.2 the plans that customers really had give back their issued invoices to the cent and the margin report', async () => {
    await fourKindsOfPlan();
    const [kept] = await simulate(keptPlans, { ...BERLIN_FEBRUARY, knownAt: parseInstant('2026-03-01T02:00:00Z') });
    expect(billedOf(kept as ScenarioResult)).toMatchObject({ query: '9.06', upgrade: '70.51', wallet: '17.9' });
    for (const customer of ['query', 'upgrade', 'wallet', 'site']) {
      const lines = (await company.invoices(customer)).flatMap((invoice) => invoice.lines);
      const issued = lines.filter(({ period }) => period.start >= BERLIN_FEBRUARY.from && period.start < BERLIN_FEBRUARY.to);
      const net = Decimal.sum(issued.map(({ amount, discount }) => amount.minus(discount)));
      const simulated = kept?.customers.find(({ customerKey }) => customerKey === customer);
      expect([customer, text(simulated?.billed), text(simulated?.billedChange)]).toEqual([customer, text(net), '0']);
    }
    const { rows, total } = await company.get(MarginsService).report(company.tenantId, { ...BERLIN_FEBRUARY, groupBy: ['CUSTOMER'] }, NOW);
    expect([text(kept?.totals.revenue), text(kept?.totals.cost), text(kept?.totals.margin)]).toEqual([
      text(total.revenue),
      text(total.cost),
      text(total.margin),
    ]);
    for (const row of rows) {
      const simulated = kept?.customers.find(({ customerKey }) => customerKey === row.key[0]);
      expect([text(simulated?.revenue), text(simulated?.margin), simulated?.state]).toEqual([
        text(row.revenue),
        text(row.margin),
        row.state,
      ]);
    }
    expect(rows.map(({ key }) => key[0]).sort()).toEqual(['query', 'site', 'upgrade', 'wallet']);
  });

  test('11.2 without knownAt the same plans give the issued invoices and their corrections', async () => {
    await fourKindsOfPlan();
    await company.use('query', '2026-02-06T12:00:00Z', 1000, '1');
    const knownAt = parseInstant('2026-03-01T02:00:00Z');
    const before = billedOf((await simulate(keptPlans, { ...BERLIN_FEBRUARY, knownAt }))[0] as ScenarioResult);
    const unbilled = billedOf((await simulate(keptPlans, BERLIN_FEBRUARY))[0] as ScenarioResult);
    expect([before['query'], unbilled['query']]).toEqual(['9.06', '10.76']);
    await company.bill('2026-04-01T02:00:00Z');
    const corrected = billedOf((await simulate(keptPlans, BERLIN_FEBRUARY))[0] as ScenarioResult);
    expect(corrected).toEqual(unbilled);
    expect(billedOf((await simulate(keptPlans, { ...BERLIN_FEBRUARY, knownAt }))[0] as ScenarioResult)).toEqual(before);
  });

  test('11.1 replaying the real plans in memory bills what billing billed: the same code', async () => {
    await fourKindsOfPlan();
    const [kept, replayed] = await simulate(
      [{ name: 'as it is' }, { name: 'free machines', costMultiplier: Decimal.ZERO }],
      BERLIN_FEBRUARY,
    );
    expect(billedOf(replayed as ScenarioResult)).toEqual(billedOf(kept as ScenarioResult));
    expect(text(replayed?.totals.cost)).toBe('0');
    const difference = replayed?.totals.revenue.minus(kept?.totals.revenue ?? Decimal.ZERO).abs() ?? Decimal.ONE;
    expect(difference.compare(decimal('0.02'))).toBe(-1);
  });
});

describe('11.3 other worlds', () => {
  beforeEach(async () => {
    await company.plan({ key: 'small', kind: 'SUBSCRIPTION', prices: [fee('28'), perToken('0.001')] });
    await company.plan({ key: 'metered', kind: 'PER_QUERY', prices: [perToken('0.01')] });
    for (const key of ['light', 'heavy']) {
      await company.customer(key);
      await company.subscribe(key, 'small', '2026-01-01T00:00:00Z');
    }
    await company.use('light', '2026-02-10T00:00:00Z', 1000, '1');
    await company.use('heavy', '2026-02-10T00:00:00Z', 10_000, '40');
    await company.bill('2026-03-01T02:00:00Z');
  });

  test('11.3 another plan for everybody says who would pay more, who less, and who would lose money', async () => {
    const { totals, customers } = await only({ plan: 'metered' });
    expect(
      customers.map(({ customerKey, billed, billedChange, margin, state }) => [
        customerKey,
        text(billed),
        text(billedChange),
        text(margin),
        state,
      ]),
    ).toEqual([
      ['light', '10', '-19', '9', 'PROFITABLE'],
      ['heavy', '100', '62', '60', 'PROFITABLE'],
    ]);
    expect([text(totals.billed), totals.lossMakingCustomers]).toEqual(['110', 0]);
    expect((await only({})).totals.lossMakingCustomers).toBe(1);
  });

  test('11.3 a draft plan is billed without being published, and refused where it could not be', async () => {
    const draft = {
      key: 'new',
      name: 'New',
      kind: 'SUBSCRIPTION' as const,
      currency: 'USD',
      interval: 'MONTH' as const,
      prices: [fee('50')],
    };
    expect(billedOf(await only({ draftPlan: draft }))).toEqual({ light: '50', heavy: '50' });
    await expect(only({ draftPlan: { ...draft, currency: 'GOLD' } })).rejects.toMatchObject({
      code: 'UNKNOWN_CURRENCY',
      path: 'scenarios[0].draftPlan.currency',
    });
    await expect(only({ draftPlan: draft, plan: 'metered' })).rejects.toMatchObject({ code: 'INVALID_SCENARIO' });
    await expect(only({ plan: 'nothing' })).rejects.toMatchObject({ code: 'UNKNOWN_PLAN' });
  });

  test('11.3 assigned customers change their plan, the others keep theirs', async () => {
    const assignments = [{ customers: ['heavy'], plan: 'metered' }];
    expect(billedOf(await only({ assignments }))).toEqual({ light: '29', heavy: '100' });
    expect(billedOf(await only({ assignments, plan: null }, { customers: ['light'] }))).toEqual({ light: '29' });
  });

  test('11.3 more usage costs and bills more; cheaper machines change the margin only', async () => {
    const more = await only({ usageMultiplier: decimal('2') });
    expect([billedOf(more), text(more.totals.cost)]).toEqual([{ light: '30', heavy: '48' }, '82']);
    const cheaper = await only({ costMultiplier: decimal('0.1') });
    expect([billedOf(cheaper), text(cheaper.totals.cost), cheaper.totals.lossMakingCustomers]).toEqual([
      { light: '29', heavy: '38' },
      '4.1',
      0,
    ]);
  });

  test('11.3 a share of traffic on another model is priced from the cost book, and a model without a price leaves the cost unknown', async () => {
    await company.costRate('lab', 'm2', { input: '100' });
    const route = { provider: 'lab', model: 'm1', toProvider: 'lab', share: decimal('0.5') };
    const routed = await only({ modelRoutes: [{ ...route, toModel: 'm2' }] });
    expect(text(routed.totals.cost)).toBe('21.05');
    const unknown = await only({ modelRoutes: [{ ...route, share: Decimal.ONE, toModel: 'nobody knows' }] });
    expect([unknown.totals.cost, unknown.customers[0]?.state]).toEqual([null, 'COST_UNKNOWN']);
  });

  test('11.3 a response of usage to price is shown as a range', async () => {
    const range = { low: decimal('-1'), high: decimal('0') };
    const { totals, low, high } = await only({ plan: 'metered', elasticity: range });
    expect(text(high?.billed)).toBe(text(totals.billed));
    // light pays 19 of 29 less and uses 1.655 times as much; heavy pays 62 of 38 more and uses nothing any more
    expect(text(low?.billed)).toBe('16.55');
  });

  test('11.2 another plan starts from the wallet as of the start of the span', async () => {
    await company.plan({
      key: 'credits',
      kind: 'CREDIT',
      creditExhaustion: 'OVERAGE',
      overagePricePerCredit: '1',
      burnRates: [{ meter: 'tokens', creditsPerUnit: '0.01' }],
    });
    await company.grant('heavy', '80', '40', '2026-01-15T00:00:00Z');
    const result = await only({ plan: 'credits' }, { customers: ['heavy'] });
    expect(result.customers.map(({ billed, revenue }) => [text(billed), text(revenue)])).toEqual([['20', '60']]);
  });

  test('a simulation is kept, is read again as it was answered, and is not seen by another tenant', async () => {
    const service = company.get(SimulationsService);
    const done = await service.simulate(company.tenantId, { ...FEBRUARY, scenarios: [{ name: 'as it is' }] }, NOW);
    expect(done.status).toBe('DONE');
    expect(JSON.stringify(await service.byId(company.tenantId, done.id))).toBe(JSON.stringify(done));
    const other = await first.neighbour(databaseOfFile);
    expect(await service.byId(other.tenantId, done.id)).toBeNull();
    expect(await service.byId(company.tenantId, 'no id')).toBeNull();
  });

  test('what cannot be simulated is refused with the field that says so', async () => {
    await expect(only({ cacheRate: decimal('1.1') })).rejects.toMatchObject({ code: 'OUT_OF_RANGE', path: 'scenarios[0].cacheRate' });
    await expect(only({}, { customers: ['nobody'] })).rejects.toMatchObject({ code: 'NOT_FOUND', path: 'customers' });
    await expect(only({}, { to: FEBRUARY.from })).rejects.toMatchObject({ code: 'INVALID_SPAN' });
  });
});

test('11.1, 3.6 on another plan usage is billed whatever subscription it names, also one that the other plan takes the place of', async () => {
  await company.plan({ key: 'real', kind: 'PER_QUERY', prices: [perToken('0.01')] });
  await company.plan({ key: 'other', kind: 'PER_QUERY', prices: [perToken('0.02')] });
  await company.customer('acme');
  await company.subscribe('acme', 'real', '2026-01-01T00:00:00Z');
  await company.plan({ key: 'images', kind: 'PER_QUERY', prices: [] });
  const second = await company.subscribe('acme', 'images', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-02-10T00:00:00Z', 1000, '1', { subscription: second });
  await company.use('acme', '2026-02-11T00:00:00Z', 500, '1');
  await company.bill('2026-03-01T02:00:00Z');
  expect(billedOf(await only({}))).toEqual({ acme: '5' });
  expect(billedOf(await only({ plan: 'other' }))).toEqual({ acme: '30' });
});

test('11.2 a span inside of a period leaves to a subscription that ended before it what was its own in the period', async () => {
  await company.plan({ key: 'before', kind: 'PER_QUERY', alignment: 'CALENDAR', prices: [perToken('0.01')] });
  const tiers = [{ upTo: '1000', unitPrice: '0.03' }, { unitPrice: '0.01' }];
  await company.plan({
    ...{ key: 'beside', kind: 'PER_QUERY', alignment: 'CALENDAR' },
    prices: [{ key: 'tokens', model: 'GRADUATED', meter: 'tokens', tiers }],
  });
  await company.customer('acme');
  const first = await company.subscribe('acme', 'before', '2026-02-01T00:00:00Z');
  const service = company.get(SubscriptionsService);
  const startsAt = FEBRUARY.from;
  await service.create(company.tenantId, { customer: 'acme', plan: 'beside', startsAt, overlap: true });
  await service.cancel(company.tenantId, { subscription: first, at: parseInstant('2026-02-10T00:00:00Z'), immediately: true });
  for (const day of ['05', '12', '22']) await company.use('acme', `2026-02-${day}T00:00:00Z`, 600, '1', { subscription: first });
  await company.bill('2026-03-01T02:00:00Z');
  // 600 tokens of the 5th are the first plan's. Of the 1,200 after its end the last 600 are 400 at 0.03 and 200 at 0.01.
  const late = { from: parseInstant('2026-02-20T00:00:00Z') };
  const modelRoutes = [{ provider: 'nobody', model: 'nothing', toProvider: 'nobody', toModel: 'less', share: Decimal.ONE }];
  for (const scenario of [{}, { modelRoutes }]) expect(text((await only(scenario, late)).totals.revenue)).toBe('14');
  for (const scenario of [{}, { modelRoutes }]) expect(billedOf(await only(scenario))).toEqual({ acme: '38' });
});
