import { PrepaidInvoices } from '@tare/billing';
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

const PURCHASE = `mutation ($key: String!) { purchaseCredits(input: { customer: "buyer", key: $key, credits: "1000",
  price: { amount: "50", currency: "USD" } }) { status invoiceId } }`;
const buyer = () => ask('mutation { createCustomer(input: { key: "buyer", name: "Buyer" }) { id } }');
interface Bought {
  readonly status: string;
  readonly invoiceId: string | null;
}
const buy = async (pack: string): Promise<Bought> => (await ask(PURCHASE, { key: pack }))['purchaseCredits'] as unknown as Bought;

test('credits that are bought have their invoice at once, once, and paying it brings them', async () => {
  await buyer();
  const bought = await buy('pack');
  expect(bought).toEqual({ status: 'INVOICED', invoiceId: expect.any(String) });
  expect(await buy('pack')).toEqual(bought);
  const { invoice } = await ask('query ($id: ID!) { invoice(id: $id) { kind status total } }', { id: bought.invoiceId });
  expect(invoice).toEqual({ kind: 'PREPAID', status: 'FINALIZED', total: '50' });
  await ask('mutation ($id: ID!) { payInvoice(invoice: $id) { id } }', { id: bought.invoiceId });
  expect((await ask('{ creditBalance(customer: "buyer") { available } }'))['creditBalance']).toEqual({ available: '1000' });
});

test('a customer buys credits by itself until the setting is made without a top-up', async () => {
  const topUp = { threshold: '10', credits: '100', price: { amount: '5', currency: 'USD' } };
  await ask('mutation ($topUp: AutoTopUpInput) { setAutoTopUp(customer: "buyer", topUp: $topUp) { credits } }', { topUp });
  const now = async (): Promise<unknown> => (await ask('{ autoTopUp(customer: "buyer") { threshold } }'))['autoTopUp'];
  expect(await now()).toEqual({ threshold: '10' });
  expect(await ask('mutation { setAutoTopUp(customer: "buyer") { credits } }')).toEqual({ setAutoTopUp: null });
  expect(await now()).toBeNull();
});

test('a purchase whose invoice could not be made is kept, and the next run makes it', async () => {
  const prepaid = api.app.get(PrepaidInvoices);
  prepaid.billPurchase = () => Promise.reject(new Error('the database is away'));
  expect(await buy('unlucky')).toEqual({ status: 'REQUESTED', invoiceId: null });
  Reflect.deleteProperty(prepaid, 'billPurchase');
  await bill(new Date().toISOString());
  expect(await buy('unlucky')).toEqual({ status: 'INVOICED', invoiceId: expect.any(String) });
  // Asked for again while there is none, it is made then.
  prepaid.billPurchase = () => Promise.reject(new Error('the database is away'));
  await buy('again');
  Reflect.deleteProperty(prepaid, 'billPurchase');
  expect(await buy('again')).toMatchObject({ status: 'INVOICED' });
});

test('in the first hour of a period, before its invoice is final, nobody is cut off and nothing is given twice', async () => {
  await ask(`mutation { createPlan(input: { key: "hourly", name: "Hourly", kind: CREDIT, currency: "USD", interval: MONTH, prices: [],
    creditsPerInterval: "100", creditPrice: "0.1", burnRates: [{ meter: "chats", creditsPerUnit: "1" }] }) { id } }`);
  await subscribed('early', 'hourly', new Date(Date.now() - 600_000).toISOString());
  const entitled = async (): Promise<unknown> =>
    (await ask('{ entitlement(customer: "early", feature: "chats") { allowed reason remaining } }'))['entitlement'];
  const debit = (debitKey: string, credits: string) =>
    api.ask(
      'mutation ($input: DebitCreditsInput!) { debitCredits(input: $input) { debt available } }',
      { input: { customer: 'early', key: debitKey, credits } },
      key,
    );
  const balance = async (): Promise<unknown> =>
    (await ask('{ creditBalance(customer: "early") { available pending debt } }'))['creditBalance'];
  expect(await entitled()).toEqual({ allowed: true, reason: null, remaining: '100' });
  expect((await debit('a', '30')).data).toEqual({ debitCredits: { debt: '30', available: '70' } });
  expect(await entitled()).toEqual({ allowed: true, reason: null, remaining: '70' });
  await ask('mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted } }', {
    events: ['x', 'y'].map((event) => ({ key: event, customer: 'early', type: 'chat', at: new Date(Date.now() - 60_000).toISOString() })),
  });
  expect(await entitled()).toEqual({ allowed: true, reason: null, remaining: '68' });
  expect(await balance()).toEqual({ available: '0', pending: '68', debt: '30' });
  expect((await debit('b', '69')).errors?.[0]?.extensions.code).toBe('CREDITS_EXHAUSTED');
  await debit('c', '68');
  expect(await entitled()).toEqual({ allowed: false, reason: 'CREDITS_EXHAUSTED', remaining: '0' });
  await bill(new Date(Date.now() + 7_200_000).toISOString());
  expect(await balance()).toEqual({ available: '0', pending: '0', debt: '0' });
});

test('a cap on spend counts credits above the balance where they are billed, and is of no part of the usage then', async () => {
  await ask(`mutation { createPlan(input: { key: "above", name: "Above", kind: CREDIT, currency: "USD", interval: MONTH, prices: [],
    creditExhaustion: OVERAGE, overagePricePerCredit: "0.5", burnRates: [{ meter: "chats", creditsPerUnit: "1" }] }) { id } }`);
  await subscribed('spender', 'above', new Date(Date.now() - 600_000).toISOString());
  const cap = (more: string): string =>
    `mutation { setCap(customer: "spender", input: { key: "budget", kind: SPEND, limit: "5", period: BILLING ${more} }) { key } }`;
  expect(await api.refusal(cap('match: [{ property: "model", in: ["a"] }]'), {}, key)).toEqual({
    code: 'NOT_SEPARABLE',
    field: 'match',
  });
  await ask(cap(''));
  const debit = (debitKey: string, credits: string) =>
    ask('mutation ($input: DebitCreditsInput!) { debitCredits(input: $input) { uncovered } }', {
      input: { customer: 'spender', key: debitKey, credits },
    });
  const entitled = async (): Promise<unknown> =>
    (await ask('{ entitlement(customer: "spender", feature: "chats") { allowed reason caps { key used } } }'))['entitlement'];
  await debit('a', '8');
  expect(await entitled()).toEqual({ allowed: true, reason: null, caps: [{ key: 'budget', used: '4' }] });
  await debit('b', '2');
  expect(await entitled()).toEqual({ allowed: false, reason: 'CAP_REACHED', caps: [{ key: 'budget', used: '5' }] });
});

test('credits that are taxed at use are sold without tax, and taxed by the invoice that closes the month in which they are used', async () => {
  await ask('mutation { createCustomer(input: { key: "taxed", name: "Taxed" }) { id } }');
  const { setCustomerTax } = await ask(`mutation { setCustomerTax(customer: "taxed", input: { rates: [{ name: "VAT", percent: "19" }],
    creditsTaxed: AT_USE }) { creditsTaxed } }`);
  expect(setCustomerTax).toEqual({ creditsTaxed: 'AT_USE' });
  await ask('mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { id } }', {
    input: { customer: 'taxed', plan: 'creative', startsAt: '2026-01-01T00:00:00Z' },
  });
  await bill('2026-01-01T02:00:00Z');
  await ask('mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted } }', {
    events: Array.from({ length: 20 }, (_, index) => ({
      key: `tax ${index}`,
      customer: 'taxed',
      type: 'chat',
      at: '2026-01-10T00:00:00Z',
    })),
  });
  await bill('2026-02-01T02:00:00Z');
  const { invoices } = await ask('{ invoices(customer: "taxed") { edges { node { untaxedBurns tax total taxes { name base } } } } }');
  const nodes = (invoices as unknown as { edges: { node: { total: string } }[] }).edges.map(({ node }) => node);
  expect(nodes.sort((a, b) => a.total.localeCompare(b.total))).toEqual([
    { untaxedBurns: '0', tax: '0', total: '10', taxes: [{ name: 'VAT', base: '0' }] },
    { untaxedBurns: '2', tax: '0.38', total: '10.38', taxes: [{ name: 'VAT', base: '2' }] },
  ]);
});
