import { TestApi, type Answer } from '../test-api.ts';

let api: TestApi;
let key: string;

beforeAll(async () => {
  api = await TestApi.open();
  key = await api.stranger();
  await ask('mutation { createMeter(input: { key: "chats", name: "Chats", eventType: "chat", aggregation: COUNT }) { id } }');
});
afterAll(() => api.close());

const data = ({ data: found, errors }: Answer): Record<string, never> => {
  if (found === null || errors) throw new Error(JSON.stringify(errors));
  return found;
};
const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<Record<string, never>> =>
  data(await api.ask(query, variables, key));
const subscribed = async (customer: string, plan: string, startsAt: string): Promise<void> => {
  await ask('mutation ($key: String!) { createCustomer(input: { key: $key, name: $key }) { id } }', { key: customer });
  await ask('mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { id } }', {
    input: { customer, plan, startsAt },
  });
};
const bill = (asOf: string): Promise<unknown> => ask('mutation ($asOf: DateTime!) { runBilling(asOf: $asOf) { periodsClosed } }', { asOf });

test('what a plan grants rolls over up to its maximum, for so many periods', async () => {
  const plan = await ask(`mutation { createPlan(input: { key: "creative", name: "Creative", kind: CREDIT, currency: "USD", interval: MONTH,
    prices: [], creditsPerInterval: "100", creditPrice: "0.1", creditRollover: true, creditRolloverMaximum: "60", creditRolloverPeriods: 2,
    burnRates: [{ meter: "chats", creditsPerUnit: "1" }] }) { terms { creditRollover creditRolloverMaximum creditRolloverPeriods } } }`);
  expect(plan['createPlan']).toEqual({ terms: { creditRollover: true, creditRolloverMaximum: '60', creditRolloverPeriods: 2 } });
  await subscribed('acme', 'creative', '2026-01-01T00:00:00Z');
  await bill('2026-02-01T02:00:00Z');
  const { creditBalance } = await ask(
    '{ creditBalance(customer: "acme", at: "2026-02-02T00:00:00Z") { available grants { credits remaining effectiveAt expiresAt } } }',
  );
  expect(creditBalance).toEqual({
    available: '160',
    grants: [
      { credits: '100', remaining: '60', effectiveAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-04-01T00:00:00.000Z' },
      { credits: '100', remaining: '100', effectiveAt: '2026-02-01T00:00:00.000Z', expiresAt: '2026-05-01T00:00:00.000Z' },
    ],
  });
});
