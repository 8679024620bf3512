import { eventually, runTare, startEmulator, startTare, type RunningTare } from './running-tare.ts';

let tare: RunningTare;
let emulator: { url: string; stop(): Promise<void> };

beforeAll(async () => {
  emulator = await startEmulator();
  tare = await startTare({ STRIPE_SECRET_KEY: 'sk_test_e2e', STRIPE_API_BASE: emulator.url, STRIPE_WEBHOOK_SECRET: 'whsec_e2e' });
});
afterAll(async () => {
  await tare.stop();
  await emulator.stop();
});

interface InvoiceView {
  id: string;
  number: string | null;
  status: string;
  sync: string;
  stripeInvoiceId: string | null;
  total: string;
  lines: { priceKey: string | null; quantity: string; amount: string }[];
}

const INVOICES =
  '{ invoices(customer: "acme", first: 10) { edges { node { id number status sync stripeInvoiceId total lines { priceKey quantity amount } } } } }';
const invoices = async (): Promise<InvoiceView[]> =>
  (await tare.client.graphql<{ invoices: { edges: { node: InvoiceView }[] } }>(INVOICES)).invoices.edges.map((edge) => edge.node);

test('usage becomes an invoice in Stripe, paid by webhook, and a margin row', async () => {
  const { client } = tare;
  await client.graphql('mutation ($input: MeterInput!) { createMeter(input: $input) { id } }', {
    input: { key: 'tokens', name: 'Tokens', eventType: 'llm.completion', aggregation: 'SUM', valueProperty: 'tokens.total' },
  });
  await client.graphql('mutation ($input: PlanInput!) { createPlan(input: $input) { id version } }', {
    input: {
      key: 'metered',
      name: 'Metered',
      kind: 'PER_QUERY',
      currency: 'USD',
      interval: 'MONTH',
      alignment: 'CALENDAR',
      prices: [{ key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '0.00001' }],
    },
  });
  await client.graphql('mutation ($input: CustomerInput!) { createCustomer(input: $input) { id } }', {
    input: { key: 'acme', name: 'Acme', email: 'billing@acme.example', currency: 'USD' },
  });
  await client.graphql('mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { id } }', {
    input: { customer: 'acme', plan: 'metered', startsAt: '2026-09-01T00:00:00Z' },
  });

  const events = Array.from({ length: 1000 }, (_, i) => ({
    key: `call-${i}`,
    customer: 'acme',
    type: 'llm.completion',
    at: new Date(Date.UTC(2026, 8, 1 + (i % 30), i % 24)).toISOString(),
    provider: 'openai',
    model: 'gpt-4o',
    tokens: { input: '1000', output: '200' },
  }));
  expect(await client.ingest(events)).toEqual({ accepted: 1000, duplicates: 0, rejected: [] });
  expect(await client.ingest(events.slice(0, 10))).toEqual({ accepted: 0, duplicates: 10, rejected: [] });

  const run = () =>
    client.graphql('mutation { runBilling(asOf: "2026-10-01T02:00:00Z") { periodsClosed invoicesCreated invoicesFinalized } }');
  expect(await run()).toEqual({ runBilling: { periodsClosed: 1, invoicesCreated: 1, invoicesFinalized: 1 } });
  expect(await run()).toEqual({ runBilling: { periodsClosed: 0, invoicesCreated: 0, invoicesFinalized: 0 } });

  const [invoice] = await eventually(invoices, ([first]) => first?.sync === 'SYNCED');
  expect(invoice).toMatchObject({
    status: 'FINALIZED',
    sync: 'SYNCED',
    total: '12',
    lines: [{ priceKey: 'tokens', quantity: '1200000', amount: '12' }],
  });

  const state = (await (await fetch(`${emulator.url}/emulator/state`)).json()) as { accounts: { invoices: unknown[] }[] };
  expect(state.accounts[0]?.invoices).toMatchObject([{ id: invoice?.stripeInvoiceId, total: 1200, status: 'open' }]);

  const hooks = { url: `${tare.url}/webhooks/stripe`, secret: 'whsec_e2e' };
  await fetch(`${emulator.url}/emulator/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(hooks),
  });
  await fetch(`${emulator.url}/emulator/invoices/${invoice?.stripeInvoiceId}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const [paid] = await eventually(invoices, ([first]) => first?.status === 'PAID');
  expect(paid?.status).toBe('PAID');

  // gpt-4o at 2.50 / 10.00 per million: 1,000 x (1,000 x 2.5e-6 + 200 x 1e-5) = 4.50
  const { marginReport } = await client.graphql<{ marginReport: { rows: unknown[] } }>(
    '{ marginReport(from: "2026-09-01T00:00:00Z", to: "2026-10-01T00:00:00Z", groupBy: [CUSTOMER]) { rows { key events revenue cost margin marginRate coverage state } } }',
  );
  expect(marginReport.rows).toMatchObject([{ key: ['acme'], events: '1000', coverage: '1', state: 'PROFITABLE' }]);
  const [row] = marginReport.rows as { revenue: string; cost: string; margin: string; marginRate: string }[];
  expect([row?.revenue, row?.cost, row?.margin, row?.marginRate].map(Number)).toEqual([12, 4.5, 7.5, 0.625]);
});

test('no operation without a key', async () => {
  const answer = await fetch(`${tare.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: INVOICES }),
  });
  expect(JSON.stringify(await answer.json())).toContain('UNAUTHENTICATED');
});

test('a second start on the same port says what to do, and leaves the first one serving', async () => {
  const { port } = new URL(tare.url);
  const second = await runTare(['start'], { DATABASE_URL: tare.test.url, PORT: port, TARE_DATA_DIR: tare.directory });
  expect(second.code).toBe(1);
  expect(second.output).toContain(`port ${port} is taken`);
  expect((await fetch(`${tare.url}/healthz`)).status).toBe(200);
});
