import { BillingService } from '@tare/billing';
import { AccessService } from '@tare/access';
import { MetersService, PlansService } from '@tare/catalog';
import { parseInstant } from '@tare/core';
import { CustomersService, SubscriptionsService } from '@tare/customers';
import { IngestService } from '@tare/usage';
import { TestApi } from '../test-api.ts';

let api: TestApi;
let key: string;
let invoice: string;
let line: string;

beforeAll(async () => {
  api = await TestApi.open();
  key = await api.stranger();
  const principal = await api.app.get(AccessService, { strict: false }).authenticate(key);
  const tenantId = principal?.tenantId ?? '';
  const get = <Service>(type: new (...args: never[]) => Service): Service => api.app.get<Service>(type, { strict: false });
  await get(MetersService).create(tenantId, { key: 'calls', name: 'calls', eventType: 'call', aggregation: 'COUNT' });
  const prices = [{ key: 'calls', model: 'PER_UNIT' as const, meter: 'calls', unitPrice: '0.5' }];
  await get(PlansService).create(tenantId, { key: 'p', name: 'P', kind: 'PER_QUERY', currency: 'EUR', interval: 'MONTH', prices });
  await get(CustomersService).create(tenantId, { key: 'acme', name: 'Acme' });
  await get(SubscriptionsService).create(tenantId, { customer: 'acme', plan: 'p', startsAt: parseInstant('2026-01-01T00:00:00Z') });
  const events = [1, 2, 3].map((no) => ({ key: `event ${no}`, customer: 'acme', type: 'call', at: `2026-01-0${no}T00:00:00Z` }));
  await get(IngestService).ingest(tenantId, events);
  await get(BillingService).run(tenantId, parseInstant('2026-02-02T00:00:00Z'));
  const { data } = await api.ask('{ invoices { edges { node { id lines { id } } } } }', {}, key);
  const { edges } = (data as unknown as { invoices: { edges: { node: { id: string; lines: { id: string }[] } }[] } }).invoices;
  invoice = edges[0]?.node.id ?? '';
  line = edges[0]?.node.lines[0]?.id ?? '';
});
afterAll(() => api.close());

const file = (name: string, secret: string | null = key) =>
  api.app.inject({ url: `/v1/invoices/${invoice}/${name}`, headers: secret === null ? {} : { authorization: `Bearer ${secret}` } });

test('an invoice is handed out as PDF, its lines and its usage as CSV', async () => {
  const pdf = await file('invoice.pdf');
  expect(pdf).toMatchObject({
    statusCode: 200,
    headers: { 'content-type': 'application/pdf', 'content-disposition': 'inline; filename="TARE-000001.pdf"' },
  });
  expect(pdf.rawPayload.subarray(0, 5).toString()).toBe('%PDF-');
  expect((await file('invoice.pdf')).rawPayload.equals(pdf.rawPayload)).toBe(true);
  const lines = await file('lines.csv');
  expect(lines).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/csv; charset=utf-8' } });
  expect(lines.body.split('\r\n')).toHaveLength(3);
  const usage = await file('usage.csv');
  expect(usage.headers['content-disposition']).toBe('attachment; filename="TARE-000001-usage.csv"');
  expect(usage.body.split('\r\n').map((row) => row.split(',')[3])).toEqual(['event', 'event 1', 'event 2', 'event 3', undefined]);
  expect((await file('usage.csv?excel=true')).body).toBe(`\ufeff${usage.body}`);
});

test('nobody else gets them: no key, or the key of another tenant', async () => {
  expect((await file('invoice.pdf', null)).statusCode).toBe(401);
  for (const name of ['invoice.pdf', 'lines.csv', 'usage.csv']) {
    const answer = await file(name, await api.stranger());
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'NOT_FOUND' });
  }
});

test('a credit note is handed out as PDF and its lines as CSV, to nobody else', async () => {
  const credit = 'mutation ($id: ID!) { creditNote(input: { invoice: $id, amount: "0.5", reason: "goodwill" }) { id } }';
  const { data } = await api.ask(credit, { id: invoice }, key);
  const { id } = (data as unknown as { creditNote: { id: string } }).creditNote;
  const get = (name: string, secret: string) =>
    api.app.inject({ url: `/v1/credit-notes/${id}/${name}`, headers: { authorization: `Bearer ${secret}` } });
  const pdf = await get('credit-note.pdf', key);
  expect(pdf).toMatchObject({
    statusCode: 200,
    headers: { 'content-type': 'application/pdf', 'content-disposition': 'inline; filename="TARE-CN-000001.pdf"' },
  });
  expect(pdf.rawPayload.subarray(0, 5).toString()).toBe('%PDF-');
  const lines = await get('lines.csv?excel=true', key);
  expect(lines.headers['content-disposition']).toBe('attachment; filename="TARE-CN-000001-lines.csv"');
  expect(lines.body.split('\r\n')).toHaveLength(3);
  expect(lines.body.startsWith('\ufeffcredit_note,')).toBe(true);
  for (const name of ['credit-note.pdf', 'lines.csv'])
    expect((await get(name, await api.stranger())).json()).toMatchObject({ code: 'NOT_FOUND' });
});

test('explainLine tells version, price, walk and rounding, lists the events by cursor, and gives the hash that a recomputation has', async () => {
  const query = `query ($line: ID!, $after: String) { explainLine(line: $line) {
    line { quantity amount walk rounding } invoiceNumber currency plan planVersion price meter hash recomputedHash eventsDroppedBefore
    events(first: 2, after: $after) { edges { cursor node { key at type state quantity member } } pageInfo { hasNextPage endCursor } } } }`;
  const ask = async (after: string | null) => {
    const { data, errors } = await api.ask(query, { line, after }, key);
    expect(errors).toBeUndefined();
    return (data as unknown as { explainLine: Record<string, never> }).explainLine as unknown as {
      hash: string;
      recomputedHash: string;
      events: { edges: { node: { key: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
    };
  };
  const first = await ask(null);
  expect(first).toMatchObject({
    line: { quantity: '3', amount: '1.5', walk: [{ description: 'units', quantity: '3', unitPrice: '0.5', amount: '1.5' }] },
    invoiceNumber: 'TARE-000001',
    currency: 'EUR',
    plan: 'p',
    planVersion: 1,
    price: { key: 'calls', unitPrice: '0.5' },
    meter: { key: 'calls', aggregation: 'COUNT' },
    eventsDroppedBefore: null,
  });
  expect(first.recomputedHash).toBe(first.hash);
  expect(first.events.edges.map(({ node }) => node)).toMatchObject([
    { key: 'event 1', state: 'COUNTED', quantity: '1', member: null, at: '2026-01-01T00:00:00.000Z', type: 'call' },
    { key: 'event 2' },
  ]);
  const rest = await ask(first.events.pageInfo.endCursor);
  expect(rest.events).toMatchObject({ edges: [{ node: { key: 'event 3' } }], pageInfo: { hasNextPage: false } });
  const { data } = await api.ask('query ($line: ID!) { explainLine(line: $line) { hash } }', { line }, await api.stranger());
  expect(data).toEqual({ explainLine: null });
});
