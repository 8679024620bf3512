import { TestApi } from '../test-api.ts';

const FIELDS = `id status scenarios {
  name
  totals { billed revenue cost margin marginRate lossMakingCustomers }
  low { billed } high { billed }
  customers(first: 1) { edges { cursor node { customer { key name } billed revenue cost margin billedChange state } } pageInfo { hasNextPage endCursor } }
}`;
const SIMULATE = `mutation ($input: SimulationInput!) { simulate(input: $input) { ${FIELDS} } }`;
const SIMULATION = `query ($id: ID!) { simulation(id: $id) { ${FIELDS} } }`;
const AFTER = `query ($id: ID!, $after: String) {
  simulation(id: $id) { scenarios { customers(first: 5, after: $after) { edges { node { customer { key } } } pageInfo { hasNextPage } } } }
}`;

const fee = (amount: string) => ({ key: 'fee', model: 'FLAT', amount });
const plan = (key: string, amount: string) => ({
  key,
  name: key,
  kind: 'SUBSCRIPTION',
  currency: 'USD',
  interval: 'MONTH',
  prices: [fee(amount)],
});
const JANUARY = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };

describe('simulations over GraphQL', () => {
  let api: TestApi;

  beforeAll(async () => {
    api = await TestApi.open();
    await api.ask('mutation ($input: PlanInput!) { createPlan(input: $input) { id } }', { input: plan('old', '30') });
    for (const key of ['a', 'b']) {
      await api.ask('mutation ($input: CustomerInput!) { createCustomer(input: $input) { id } }', {
        input: { key, name: key.toUpperCase() },
      });
      await api.ask('mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { id } }', {
        input: { customer: key, plan: 'old', startsAt: '2026-01-01T00:00:00Z' },
      });
    }
    await api.ask('mutation { runBilling(asOf: "2026-02-01T02:00:00Z") { invoicesFinalized } }');
  });
  afterAll(() => api.close());

  test('11.3 a draft plan is simulated, kept and paged through', async () => {
    const input = { ...JANUARY, scenarios: [{ name: 'dearer', draftPlan: plan('new', '45'), elasticity: { low: '-1', high: '-0.5' } }] };
    const { data, errors } = await api.ask(SIMULATE, { input });
    expect(errors).toBeUndefined();
    const { simulate } = data as unknown as { simulate: { id: string; scenarios: { customers: { pageInfo: { endCursor: string } } }[] } };
    expect(simulate).toMatchObject({
      status: 'DONE',
      scenarios: [
        {
          name: 'dearer',
          totals: { billed: '90', revenue: '90', cost: '0', margin: '90', marginRate: '1', lossMakingCustomers: 0 },
          low: { billed: '90' },
          high: { billed: '90' },
          customers: {
            edges: [{ node: { customer: { key: 'a', name: 'A' }, billed: '45', billedChange: '15', state: 'PROFITABLE' } }],
            pageInfo: { hasNextPage: true },
          },
        },
      ],
    });
    const again = await api.ask(SIMULATION, { id: simulate.id });
    expect(again.data).toEqual({ simulation: simulate });
    const after = simulate.scenarios[0]?.customers.pageInfo.endCursor;
    expect((await api.ask(AFTER, { id: simulate.id, after })).data).toEqual({
      simulation: { scenarios: [{ customers: { edges: [{ node: { customer: { key: 'b' } } }], pageInfo: { hasNextPage: false } } }] },
    });
    expect((await api.ask(SIMULATION, { id: simulate.id }, await api.stranger())).data).toEqual({ simulation: null });
  });

  test('a scenario that cannot be is refused at its field', async () => {
    const scenario = { name: 'wrong' };
    const refusal = (more: object) => api.refusal(SIMULATE, { input: { ...JANUARY, scenarios: [{ ...scenario, ...more }] } });
    expect(await refusal({ plan: 'nothing' })).toEqual({ code: 'UNKNOWN_PLAN', field: 'scenarios[0].plan' });
    expect(await refusal({ batchShare: '2' })).toEqual({ code: 'OUT_OF_RANGE', field: 'scenarios[0].batchShare' });
    expect(await refusal({ costMultiplier: 'cheap' })).toEqual({ code: 'INVALID_DECIMAL', field: 'scenarios[0].costMultiplier' });
  });
});
