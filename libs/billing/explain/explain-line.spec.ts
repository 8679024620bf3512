import { Decimal } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '@tare/usage';
import { LineExplanations } from './explain-line.ts';
import type { LineEvent } from './explain-line-events.ts';
import type { InvoiceLine, InvoiceWithLines } from '../invoices/invoice.ts';
import { TestWorld } from '../world.fixture.ts';

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

const explanations = (): LineExplanations => world.get(LineExplanations);

async function everyEvent(tenant: TestWorld, invoice: InvoiceWithLines, line: InvoiceLine): Promise<LineEvent[]> {
  const events: LineEvent[] = [];
  for await (const batch of explanations().everyEvent(tenant.tenantId, invoice, line)) events.push(...batch);
  return events;
}

/** Two models at two prices, in tiers, with a fee. */
async function shop(): Promise<TestWorld> {
  const tenant = await world.neighbour(database);
  await tenant.meter('tokens', { eventType: 'call' });
  await tenant.plan({
    key: 'team',
    kind: 'SUBSCRIPTION',
    prices: [
      { key: 'fee', model: 'FLAT', amount: '20' },
      {
        key: 'large',
        model: 'GRADUATED',
        meter: 'tokens',
        match: [{ property: 'model', in: ['large'] }],
        tiers: [{ upTo: '100', unitPrice: '0.011' }, { unitPrice: '0.007' }],
      },
      { key: 'small', model: 'PER_UNIT', meter: 'tokens', match: [{ property: 'model', in: ['small'] }], unitPrice: '0.0013' },
    ],
  });
  await tenant.customer('acme');
  await tenant.subscribe('acme', 'team', '2026-01-01T00:00:00Z');
  return tenant;
}

const call = (key: string, at: string, model: string, quantity: string) => ({ key, at, type: 'call', model, quantity });

test('8.4 a line is explained by its plan version, price, walk and rounding, and by the events that its quantity is the sum of', async () => {
  const tenant = await shop();
  await tenant.use(
    'acme',
    call('a', '2026-01-02T10:00:00Z', 'large', '90'),
    call('b', '2026-01-03T10:00:00Z', 'small', '7'),
    call('c', '2026-01-04T10:00:00Z', 'large', '41.5'),
    call('d', '2026-02-01T00:00:00Z', 'large', '1'),
  );
  await tenant.bill('2026-02-02T00:00:00Z');
  const invoice = (await tenant.invoices('acme')).find(({ lines }) => lines.some(({ kind }) => kind === 'USAGE'));
  const line = invoice?.lines.find(({ priceKey }) => priceKey === 'large');
  if (invoice === undefined || line === undefined) throw new Error('no usage was billed');
  const explained = await explanations().explain(tenant.tenantId, line.id);
  expect(explained).toMatchObject({
    seats: 1,
    plan: { planKey: 'team', version: 1 },
    price: { key: 'large', model: 'GRADUATED' },
    meter: { key: 'tokens' },
  });
  const events = await everyEvent(tenant, invoice, line);
  expect(events.map(({ event, state }) => [event.key, state])).toEqual([
    ['a', 'COUNTED'],
    ['c', 'COUNTED'],
  ]);
  expect(Decimal.sum(events.map(({ quantity }) => quantity ?? Decimal.ZERO)).equals(line.quantity)).toBe(true);
  const first = await explanations().eventsOf(tenant.tenantId, line.id, { first: 1 });
  expect(first).toMatchObject({ hasNextPage: true, events: [{ event: { key: 'a' } }] });
  const fee = invoice.lines.find(({ kind }) => kind === 'FEE');
  expect(await everyEvent(tenant, invoice, fee ?? line)).toEqual([]);
  expect(await explanations().explain((await world.neighbour(database)).tenantId, line.id)).toBeNull();
  expect(await explanations().explain(tenant.tenantId, 'no id')).toBeNull();
});

test('8.4 every line of every invoice has the hash that a recomputation gives again, unless somebody touched what it was made of', async () => {
  const tenant = await shop();
  await tenant.use('acme', call('a', '2026-01-02T10:00:00Z', 'large', '123.456'), call('b', '2026-01-03T10:00:00Z', 'small', '1000001'));
  await tenant.bill('2026-02-02T00:00:00Z');
  await tenant.use('acme', call('late', '2026-01-20T10:00:00Z', 'large', '3'));
  await tenant.bill('2026-03-02T00:00:00Z');
  const lines = (await tenant.invoices('acme')).flatMap((invoice) => invoice.lines);
  expect(lines.map(({ kind }) => kind)).toContain('DELTA');
  for (const line of lines) {
    const hash = (await explanations().explain(tenant.tenantId, line.id))?.hash;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await explanations().recomputedHash(tenant.tenantId, line.id)).toBe(hash);
  }
  const usage = lines.find(({ priceKey, kind }) => priceKey === 'small' && kind === 'USAGE');
  const hash = (await explanations().explain(tenant.tenantId, usage?.id ?? ''))?.hash;
  await tenant.database.withTenant(tenant.tenantId, (tx) =>
    tx.query('UPDATE usage_bucket SET quantity = quantity + 1 WHERE quantity > 1000000'),
  );
  expect((await explanations().explain(tenant.tenantId, usage?.id ?? ''))?.hash).toBe(hash);
  expect(await explanations().recomputedHash(tenant.tenantId, usage?.id ?? '')).not.toBe(hash);
});

test('8.3 a correction shows what came late and what was cancelled; the invoice that it corrects still shows what it had seen', async () => {
  const tenant = await shop();
  await tenant.use('acme', call('kept', '2026-01-02T10:00:00Z', 'large', '50'), call('wrong', '2026-01-05T10:00:00Z', 'large', '60'));
  await tenant.bill('2026-02-02T00:00:00Z');
  await tenant.use('acme', call('late', '2026-01-04T10:00:00Z', 'large', '7'));
  await tenant.get(CorrectionsService).voidEvents(tenant.tenantId, ['wrong'], { actor: 'test', reason: null });
  await tenant.bill('2026-03-02T00:00:00Z');
  const invoices = await tenant.invoices('acme');
  const keysOf = async (kind: string): Promise<string[]> => {
    const invoice = invoices.find(({ lines }) => lines.some((line) => line.kind === kind && line.priceKey === 'large'));
    const line = invoice?.lines.find((candidate) => candidate.kind === kind && candidate.priceKey === 'large');
    if (invoice === undefined || line === undefined) throw new Error(`there is no ${kind}`);
    return (await everyEvent(tenant, invoice, line)).map(({ event, state }) => `${event.key} ${state}`);
  };
  expect(await keysOf('USAGE')).toEqual(['kept COUNTED', 'wrong COUNTED']);
  expect(await keysOf('DELTA')).toEqual(['kept COUNTED', 'late LATE', 'wrong CANCELED']);
});

test('events are read in batches, so that a line of many thousand events is listed whole and in order', async () => {
  const tenant = await shop();
  const at = (no: number): string => new Date(Date.UTC(2026, 0, 2) + no * 1_000).toISOString();
  for (let page = 0; page < 5; page += 1)
    await tenant.use(
      'acme',
      ...Array.from({ length: 1_000 }, (_, no) => call(`e${page * 1_000 + no}`, at(page * 1_000 + no), no % 2 ? 'large' : 'small', '1')),
    );
  await tenant.bill('2026-02-02T00:00:00Z');
  const invoice = (await tenant.invoices('acme')).find(({ lines }) => lines.some(({ kind }) => kind === 'USAGE'));
  const line = invoice?.lines.find(({ priceKey }) => priceKey === 'large');
  if (invoice === undefined || line === undefined) throw new Error('no usage was billed');
  const events = await everyEvent(tenant, invoice, line);
  expect(events).toHaveLength(2_500);
  expect(events.map(({ event }) => event.from)).toEqual([...events.map(({ event }) => event.from)].sort((a, b) => a - b));
  const page = await explanations().eventsOf(tenant.tenantId, line.id, { first: 500 });
  expect(page.events.at(-1)?.event.key).toBe('e999');
  expect(page.hasNextPage).toBe(true);
});
