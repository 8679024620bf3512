import { createTestDatabase, type TestDatabase } from '@tare/database';
import { AlertRules, AlertRuleStore } from './index.ts';

let db: TestDatabase;
let rules: AlertRules;
let tenantId: string;

beforeAll(async () => {
  db = await createTestDatabase();
  rules = new AlertRules(db.database, new AlertRuleStore());
});
beforeEach(async () => {
  tenantId = await db.createTenant();
});
afterAll(() => db.drop());

test('a tenant that said nothing is told at 80 and 100 percent', async () => {
  expect(await rules.list(tenantId)).toEqual(['ALLOWANCE', 'CAP', 'FAIR_USE'].map((kind) => ({ kind, percents: [80, 100] })));
});

test('a rule holds for its kind until it is taken back, and an empty one tells of nothing', async () => {
  expect(await rules.set(tenantId, 'CAP', [100, 50, 50])).toEqual({ kind: 'CAP', percents: [50, 100] });
  await rules.set(tenantId, 'FAIR_USE', []);
  expect(await db.database.withTenant(tenantId, (tx) => rules.percents(tx))).toEqual({
    ALLOWANCE: [80, 100],
    CAP: [50, 100],
    FAIR_USE: [],
  });
  expect(await rules.set(tenantId, 'CAP', null)).toEqual({ kind: 'CAP', percents: [80, 100] });
  expect((await rules.list(tenantId))[1]).toEqual({ kind: 'CAP', percents: [80, 100] });
});

test.each([[[0]], [[1.5]], [[1_001]], [Array.from({ length: 11 }, (_, i) => i + 1)]])('percents %p are refused', async (percents) => {
  await expect(rules.set(tenantId, 'CAP', percents)).rejects.toMatchObject({ code: 'INVALID_PERCENTS', path: 'percents' });
});
