import { parseInstant, type MarginRow } from '@tare/core';
import { CustomersService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { CorrectionsService } from '@tare/usage';
import { TestCompany } from './company.fixture.ts';
import { MarginsModule } from './margins.module.ts';
import { MarginsService } from './margins.service.ts';

let databaseOfFile: TestDatabase;
let first: TestCompany;
let company: TestCompany;

beforeAll(async () => {
  databaseOfFile = await createTestDatabase();
  first = await TestCompany.open(databaseOfFile, MarginsModule);
});
afterAll(async () => {
  await first.app.close();
  await databaseOfFile.drop();
});
beforeEach(async () => {
  company = await first.neighbour(databaseOfFile);
  await company.meters();
  await company.plan({
    key: 'payg',
    kind: 'PER_QUERY',
    prices: [{ key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '0.01' }],
  });
});

const figures = ({ key, revenue, cost, state }: MarginRow): unknown[] => [...key, revenue.toString(), cost?.toString() ?? null, state];

async function report(month: string, next: string): Promise<unknown[][]> {
  const span = { from: parseInstant(`${month}-01T00:00:00Z`), to: parseInstant(`${next}-01T00:00:00Z`) };
  const { rows } = await company
    .get(MarginsService)
    .report(company.tenantId, { ...span, groupBy: ['CUSTOMER'] }, parseInstant('2026-06-01T00:00:00Z'));
  return rows.map(figures);
}

test('3.7 cost of a customer that does not exist yet has a row of its own under the key, and the revenue joins it once there is a customer', async () => {
  await company.use('early bird', '2026-01-10T08:00:00Z', 1_000, '4');
  expect(await report('2026-01', '2026-02')).toEqual([['early bird', '0', '4', 'LOSS_MAKING']]);
  await company.get(CustomersService).create(company.tenantId, { key: 'early bird', name: 'Early Bird' });
  await company.subscribe('early bird', 'payg', '2026-01-05T10:17:33Z');
  await company.bill('2026-03-01T02:00:00Z');
  expect(await report('2026-01', '2026-02')).toEqual([['early bird', '10', '4', 'PROFITABLE']]);
});

test('3.5, 10.1 a void takes the cost out of its own month, and the revenue out of the month in which the delta is invoiced', async () => {
  await company.customer('acme');
  await company.subscribe('acme', 'payg', '2026-01-01T00:00:00Z');
  await company.use('acme', '2026-01-10T08:00:00Z', 1_000, '4', { key: 'real' });
  await company.use('acme', '2026-01-11T08:00:00Z', 500, '2', { key: 'a mistake' });
  await company.bill('2026-02-01T02:00:00Z');
  expect(await report('2026-01', '2026-02')).toEqual([['acme', '15', '6', 'PROFITABLE']]);
  await company.get(CorrectionsService).voidEvents(company.tenantId, ['a mistake'], { actor: 'a key', reason: null });
  await company.bill('2026-03-01T02:00:00Z');
  expect(await report('2026-01', '2026-02')).toEqual([['acme', '15', '4', 'PROFITABLE']]);
  expect(await report('2026-03', '2026-04')).toEqual([['acme', '-5', '0', 'LOSS_MAKING']]);
});
