import { SettingsService } from '@tare/access';
import { InvoiceRecomputation, InvoicesService } from '@tare/billing';
import { MetersService } from '@tare/catalog';
import { parseInstant, type MarginDimension, type MarginRow } from '@tare/core';
import { createTestDatabase, Database, type TestDatabase } from '@tare/database';
import { UsageRetention } from '@tare/usage';
import { TestCompany } from './company.fixture.ts';
import { MarginsModule } from './margins.module.ts';
import { MarginsService } from './margins.service.ts';

/** Events of January are dropped by then, whatever was billed; retention's own rules of what billing needs are told elsewhere. */
const LATER = parseInstant('2028-06-01T00:00:00Z');
const HOUR = 3_600_000_000;
const JANUARY = { from: parseInstant('2026-01-01T00:00:00Z'), to: parseInstant('2026-02-01T00:00:00Z') };

let database: TestDatabase;
let company: TestCompany;

beforeAll(async () => {
  database = await createTestDatabase();
  company = await TestCompany.open(database, MarginsModule);
  await company.meters();
  const meters = company.get(MetersService);
  for (const meter of [
    { key: 'users', name: 'Users', eventType: '*', aggregation: 'UNIQUE_COUNT' as const, valueProperty: 'user' },
    { key: 'peak', name: 'Peak', eventType: '*', aggregation: 'MAX' as const, valueProperty: 'tokens.total' },
  ])
    await meters.create(company.tenantId, meter);
  await company.plan({
    key: 'mixed',
    kind: 'PER_QUERY',
    allowOverlap: true,
    prices: [
      { key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '0.01' },
      { key: 'users', model: 'PER_UNIT', meter: 'users', unitPrice: '1' },
      { key: 'peak', model: 'PER_UNIT', meter: 'peak', unitPrice: '0.001' },
    ],
  });
  for (const customer of ['billed', 'late']) await company.customer(customer);
  await company.subscribe('billed', 'mixed', '2026-01-01T00:00:00Z');
  for (const customer of ['billed', 'late']) {
    await company.use(customer, '2026-01-10T08:00:00Z', 1000, '4');
    await company.use(customer, '2026-01-11T08:00:00Z', 500, '2');
  }
  await company.bill('2026-02-01T02:00:00Z');
  await company.get(SettingsService).update(company.tenantId, { retentionDays: 365 }, 'test');
  for (const now of [LATER, LATER + HOUR]) await company.get(UsageRetention).run(company.tenantId, { now, keepFrom: null });
});
afterAll(async () => {
  await company.app.close();
  await database.drop();
});

async function margins(groupBy: MarginDimension[]): Promise<unknown[]> {
  const { rows } = await company.get(MarginsService).report(company.tenantId, { ...JANUARY, groupBy }, LATER);
  const shown = ({ key, events, cost }: MarginRow): unknown[] => [...key, events.toString(), cost?.toString()];
  return rows.map(shown).sort();
}

async function linesOf(customer: string): Promise<string[]> {
  const { rows } = await company.get(InvoicesService).list(company.tenantId, { customer, first: 50 });
  return rows
    .flatMap(({ lines }) => lines.map((line) => `${line.priceKey} ${line.quantity.toString()} = ${line.amount.toString()}`))
    .sort();
}

test('9 a plan that reads single events keeps the cost of usage whose events are dropped', async () => {
  expect(await margins(['CUSTOMER'])).toEqual([
    ['billed', '2', '6'],
    ['late', '2', '6'],
  ]);
});

test('9 cost by user of dropped time stands where no user is known, not nowhere', async () => {
  const costs = (await margins(['USER'])) as string[][];
  expect(costs.map(([user, , cost]) => [user, cost])).toContainEqual(['(none)', '12']);
});

test('8.4 an invoice whose events are dropped is recomputed from buckets, as far as sums tell', async () => {
  const { rows } = await company.get(InvoicesService).list(company.tenantId, { customer: 'billed', first: 50 });
  const invoice = rows.find(({ number }) => number !== null);
  if (invoice === undefined) throw new Error('nothing was billed');
  const again = await company.get(Database).withTenant(company.tenantId, (tx) => company.get(InvoiceRecomputation).recompute(tx, invoice));
  expect(again.lines.find(({ priceKey }) => priceKey === 'tokens')?.amount.toString()).toBe('15');
});

test('3.7 a subscription that begins in dropped time is billed its sums, and no sum as the greatest value of an event', async () => {
  await company.subscribe('late', 'mixed', '2026-01-01T00:00:00Z');
  await company.bill('2026-03-01T02:00:00Z');
  expect(await linesOf('late')).toEqual(['tokens 1500 = 15']);
});
