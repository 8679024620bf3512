import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccessService } from '@tare/access';
import { MetersService, PlansService } from '@tare/catalog';
import { parseInstant } from '@tare/core';
import { CustomersService, SubscriptionsService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { IngestService } from '@tare/usage';
import { createApi } from '../app.ts';

const SECRET = 'a-secret-of-the-first-tenant';

let database: TestDatabase;
let app: NestFastifyApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createApi({ databaseUrl: database.url });
  await app.get(AccessService).bootstrap(SECRET);
  const principal = await app.get(AccessService).authenticate(SECRET);
  const tenantId = principal?.tenantId ?? '';
  const requests = { key: 'requests', name: 'requests', eventType: 'request', aggregation: 'COUNT' as const };
  await app.get(MetersService, { strict: false }).create(tenantId, requests);
  const usage = { key: 'usage', model: 'PER_UNIT' as const, meter: 'requests', unitPrice: '0.005' };
  const plan = {
    key: 'metered',
    name: 'Metered',
    kind: 'PER_QUERY' as const,
    currency: 'USD',
    interval: 'MONTH' as const,
    prices: [usage],
  };
  await app.get(PlansService, { strict: false }).create(tenantId, plan);
  await app.get(CustomersService, { strict: false }).create(tenantId, { key: 'acme', name: 'Acme' });
  const startsAt = parseInstant('2026-01-01T00:00:00Z');
  await app.get(SubscriptionsService, { strict: false }).create(tenantId, { customer: 'acme', plan: 'metered', startsAt });
  const events = [1, 2, 3].map((no) => ({ key: `event ${no}`, customer: 'acme', type: 'request', at: '2026-01-05T00:00:00Z' }));
  await app.get(IngestService, { strict: false }).ingest(tenantId, events);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

async function ask(query: string, variables: Record<string, unknown> = {}) {
  const answer = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    payload: JSON.stringify({ query, variables }),
  });
  return JSON.parse(answer.body);
}

const FIELDS =
  'id number kind adjusts customer { key } status sync stripeInvoiceId currency periodStart periodEnd subtotal discounts creditsApplied tax total';
const LINES = 'lines { id description priceKey quantity amount periodStart periodEnd }';

test('a preview, a run, the list and a single invoice tell the same story', async () => {
  const preview = await ask(`{ invoicePreview(customer: "acme", at: "2026-01-20T00:00:00Z") { status total ${LINES} } }`);
  expect(preview.data.invoicePreview).toMatchObject([
    { status: 'DRAFT', total: '0.02', lines: [{ priceKey: 'usage', quantity: '3', amount: '0.02' }] },
  ]);
  const run = await ask('mutation { runBilling(asOf: "2026-02-01T01:00:00Z") { asOf periodsClosed invoicesCreated invoicesFinalized } }');
  expect(run.data.runBilling).toEqual({ asOf: '2026-02-01T01:00:00.000Z', periodsClosed: 1, invoicesCreated: 1, invoicesFinalized: 1 });
  const list = await ask(
    `query ($customer: String, $status: InvoiceStatus) { invoices(customer: $customer, status: $status, first: 10) { edges { cursor node { ${FIELDS} ${LINES} } } pageInfo { hasNextPage endCursor } } }`,
    { customer: 'acme', status: 'FINALIZED' },
  );
  const [edge] = list.data.invoices.edges;
  expect(edge.node).toMatchObject({
    number: 'TARE-000001',
    kind: 'REGULAR',
    customer: { key: 'acme' },
    status: 'FINALIZED',
    sync: 'NOT_SYNCED',
    stripeInvoiceId: null,
    periodStart: '2026-01-01T00:00:00.000Z',
    total: '0.02',
  });
  expect(list.data.invoices.pageInfo).toEqual({ hasNextPage: false, endCursor: edge.cursor });
  const single = await ask(`query ($id: ID!) { invoice(id: $id) { ${FIELDS} ${LINES} } }`, { id: edge.node.id });
  expect(single.data.invoice).toEqual(edge.node);
});

test('voiding is done once and an unknown invoice is NOT_FOUND', async () => {
  const list = await ask('{ invoices { edges { node { id } } } }');
  const [{ node }] = list.data.invoices.edges;
  for (const _ of [1, 2]) {
    const voided = await ask('mutation ($id: ID!) { voidInvoice(invoice: $id) { id status } }', { id: node.id });
    expect(voided.data.voidInvoice).toEqual({ id: node.id, status: 'VOID' });
  }
  const unknown = await ask('mutation { voidInvoice(invoice: "7d0e7a3e-0000-4000-8000-000000000000") { id } }');
  expect(unknown.errors[0].extensions.code).toBe('NOT_FOUND');
  expect((await ask('{ invoice(id: "7d0e7a3e-0000-4000-8000-000000000000") { id } }')).data.invoice).toBeNull();
});

test('credits are granted once per key', async () => {
  const grant = `mutation ($credits: Decimal!) { grantCredits(input: { customer: "acme", key: "pack", credits: $credits, price: { amount: "10", currency: "USD" },
    effectiveAt: "2026-01-01T00:00:00Z" }) { id key credits remaining expiresAt } }`;
  const first = await ask(grant, { credits: '100.0' });
  expect(first.data.grantCredits).toMatchObject({ key: 'pack', credits: '100', remaining: '100', expiresAt: null });
  expect((await ask(grant, { credits: '100' })).data).toEqual(first.data);
  expect((await ask(grant, { credits: '101' })).errors[0].extensions.code).toBe('KEY_REUSED');
  const balance = await ask(
    '{ creditBalance(customer: "acme", at: "2026-01-02T00:00:00Z") { available reserved grants { key remaining } } }',
  );
  expect(balance.data.creditBalance).toEqual({ available: '100', reserved: '0', grants: [{ key: 'pack', remaining: '100' }] });
});
