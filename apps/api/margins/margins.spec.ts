import { TestApi } from '../test-api.ts';

const JANUARY = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };
const REPORT = `query ($from: DateTime!, $to: DateTime!, $groupBy: [MarginDimension!]!, $first: Int, $currency: String) {
  marginReport(from: $from, to: $to, groupBy: $groupBy, first: $first, currency: $currency, costBasis: FROZEN, feeAllocation: NONE) {
    from to
    rows { key label currency events revenue cost restatedCost sharedCost margin marginRate coverage tokenCoverage unpricedEvents state flags reasons { code } }
    total { key revenue margin }
  }
}`;
const LOSS_MAKERS = `query ($from: DateTime!, $to: DateTime!) {
  lossMakers(from: $from, to: $to, first: 5) { key margin state reasons { code label amount } }
}`;

const meter = { key: 'tokens', name: 'Tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.total' };
const price = { key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '0.01' };
const plan = { key: 'metered', name: 'Metered', kind: 'PER_QUERY', currency: 'USD', interval: 'MONTH', prices: [price] };
const call = {
  ...{ key: 'one', customer: 'acme', type: 'llm.completion', at: '2026-01-10T00:00:00Z', provider: 'lab', model: 'm1' },
  ...{ tokens: { input: '1000' }, reportedCost: { amount: '25', currency: 'USD' } },
};

describe('margins over GraphQL', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await TestApi.open();
    await api.ask('mutation ($input: MeterInput!) { createMeter(input: $input) { id } }', { input: meter });
    await api.ask('mutation ($input: PlanInput!) { createPlan(input: $input) { id } }', { input: plan });
    await api.ask('mutation { createCustomer(input: { key: "acme", name: "Acme" }) { id } }');
    await api.ask('mutation { createSubscription(input: { customer: "acme", plan: "metered", startsAt: "2026-01-01T00:00:00Z" }) { id } }');
    await api.ask('mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted rejected { code } } }', {
      events: [call, { ...call, key: 'two', customer: 'beta', model: 'unheard-of', reportedCost: undefined }],
    });
  });
  afterAll(() => api.close());

  test('10.3 a report shows what is known, what is not, and never a rate that nobody can know', async () => {
    const { data, errors } = await api.ask(REPORT, { ...JANUARY, groupBy: ['CUSTOMER'] });
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      marginReport: {
        from: '2026-01-01T00:00:00.000Z',
        to: '2026-02-01T00:00:00.000Z',
        rows: [
          {
            ...{
              key: ['acme'],
              label: 'Acme',
              currency: 'USD',
              events: '1',
              revenue: '10',
              cost: '25',
              restatedCost: '25',
              sharedCost: '0',
            },
            ...{ margin: '-15', marginRate: '-1.5', coverage: '1', tokenCoverage: '1', unpricedEvents: '0' },
            ...{ state: 'LOSS_MAKING', flags: ['LOSS_MAKING'], reasons: [{ code: 'UNEXPLAINED' }] },
          },
          {
            ...{
              key: ['beta'],
              label: 'beta (no such customer yet)',
              currency: 'USD',
              events: '1',
              revenue: '0',
              cost: null,
              restatedCost: null,
            },
            ...{ sharedCost: '0', margin: null, marginRate: null, coverage: '0', tokenCoverage: '0', unpricedEvents: '1' },
            ...{ state: 'NO_REVENUE', flags: ['NO_REVENUE', 'COST_UNKNOWN'], reasons: [] },
          },
        ],
        total: { key: [], revenue: '10', margin: '-15' },
      },
    });
  });

  test('a report cut to its first rows still has the total of all', async () => {
    const { data } = await api.ask(REPORT, { ...JANUARY, groupBy: ['MODEL', 'DAY'], first: 1 });
    const { rows, total } = (data as unknown as { marginReport: { rows: { key: string[] }[]; total: object } }).marginReport;
    expect([rows.map(({ key }) => key), total]).toEqual([[['m1', '2026-01-10']], { key: [], revenue: '10', margin: '-15' }]);
  });

  test('10.6 loss-makers say why in a sentence', async () => {
    const { data } = await api.ask(LOSS_MAKERS, JANUARY);
    expect(data).toEqual({
      lossMakers: [
        {
          ...{ key: ['acme'], margin: '-15', state: 'LOSS_MAKING' },
          reasons: [{ code: 'UNEXPLAINED', label: 'Not explained by anything above: 15.00 USD of a loss of 15.00 USD.', amount: '15' }],
        },
      ],
    });
  });

  test('what means nothing is refused at its field, and a stranger sees nothing', async () => {
    expect(await api.refusal(REPORT, { ...JANUARY, to: JANUARY.from, groupBy: [] })).toEqual({ code: 'INVALID_SPAN', field: 'to' });
    expect(await api.refusal(REPORT, { ...JANUARY, groupBy: [], currency: 'GOLD' })).toEqual({
      code: 'UNKNOWN_CURRENCY',
      field: 'currency',
    });
    expect((await api.ask(LOSS_MAKERS, JANUARY, await api.stranger())).data).toEqual({ lossMakers: [] });
  });
});
