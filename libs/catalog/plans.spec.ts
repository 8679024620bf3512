import { AuditLog } from '@tare/access';
import { Decimal, type PlanInput } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { MeterStore } from './meter.store.ts';
import { MetersService } from './meters.service.ts';
import { PlanDraftStore } from './plan-draft.store.ts';
import { PlanStore } from './plan.store.ts';
import { PlansService } from './plans.service.ts';

const pro: PlanInput = {
  key: 'pro',
  name: 'Pro',
  kind: 'SUBSCRIPTION',
  currency: 'USD',
  interval: 'MONTH',
  prices: [
    { key: 'fee', model: 'FLAT', amount: '20' },
    {
      key: 'tokens',
      model: 'GRADUATED',
      meter: 'tokens',
      includedQuantity: '1000000',
      tiers: [{ upTo: '5000000.5', unitPrice: '0.000002000000000001', flatFee: '1.10' }, { unitPrice: '0.000001' }],
      match: [{ property: 'model', in: ['small'] }],
    },
  ],
  minimumCommitment: '15.00',
};

describe('plans', () => {
  let db: TestDatabase;
  let tenantId: string;
  let plans: PlansService;
  const store = new PlanStore();

  beforeAll(async () => {
    db = await createTestDatabase();
    plans = new PlansService(db.database, store, new PlanDraftStore(), new MeterStore(), new AuditLog());
  });
  afterAll(() => db.drop());

  beforeEach(async () => {
    tenantId = await tenantWithMeter();
  });

  async function tenantWithMeter(): Promise<string> {
    const id = await db.createTenant();
    const meters = new MetersService(db.database, new MeterStore());
    await meters.create(id, { key: 'tokens', name: 'Tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.total' });
    return id;
  }

  test('1.1 the terms of a plan come back to the last decimal', async () => {
    const { versionId } = await plans.create(tenantId, pro);
    const fresh = new PlanStore();
    const version = await db.database.withTenant(tenantId, async (tx) => (await fresh.versions(tx, [versionId])).get(versionId));
    expect(version?.terms.minimumCommitment).toEqual(Decimal.of(15));
    expect(version?.terms.prices[1]).toMatchObject({
      includedQuantity: Decimal.of(1_000_000),
      tiers: [
        { upTo: Decimal.parse('5000000.5'), unitPrice: Decimal.parse('0.000002000000000001'), flatFee: Decimal.parse('1.1') },
        { upTo: null, unitPrice: Decimal.parse('0.000001'), flatFee: Decimal.ZERO },
      ],
    });
  });

  test('4.9 a plan with the key of an existing one is its next version; the one before stays as it was', async () => {
    const first = await plans.create(tenantId, pro);
    const second = await plans.create(tenantId, { ...pro, name: 'Pro 2', prices: [{ key: 'fee', model: 'FLAT', amount: '25' }] });
    expect([first.version, second.version]).toEqual([1, 2]);
    expect(second.id).toBe(first.id);
    const views = await db.database.withTenant(tenantId, (tx) => plans.byIds(tx, [first.versionId, second.versionId]));
    const said = [first, second].map((view) => ({ ...view, archivedAt: undefined }));
    expect([views.get(first.versionId), views.get(second.versionId)]).toEqual(said);
    expect(await plans.byKey(tenantId, 'pro')).toEqual(second);
  });

  test('terms that say the same, written another way, make no new version', async () => {
    const first = await plans.create(tenantId, pro);
    expect(await plans.create(tenantId, { ...pro, minimumCommitment: '15', intervalCount: 1 })).toEqual(first);
  });

  test('4.9 what was published cannot be written over', async () => {
    const { versionId } = await plans.create(tenantId, pro);
    const write = (sql: string) => db.database.withTenant(tenantId, (tx) => tx.query(sql, [versionId]));
    await expect(write(`UPDATE plan_version SET name = 'x' WHERE id = $1`)).rejects.toThrow('permission denied');
    await expect(write('DELETE FROM price WHERE plan_version_id = $1')).rejects.toThrow('permission denied');
  });

  test('versions that are published at the same time are numbered one after the other', async () => {
    const made = await Promise.all(
      ['1', '2', '3', '4', '5'].map((amount) => plans.create(tenantId, { ...pro, prices: [{ key: 'fee', model: 'FLAT', amount }] })),
    );
    expect(made.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([
    [{ ...pro, prices: [{ key: 'fee', model: 'FLAT', amount: '-1' }] }, 'NEGATIVE_PRICE', 'prices[0].amount'],
    [{ ...pro, prices: [{ key: 'fee', model: 'PER_UNIT', meter: 'nothing', unitPrice: '1' }] }, 'UNKNOWN_METER', 'prices[0].meter'],
    [{ ...pro, currency: 'usd' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ ...pro, name: 'nul \0' }, 'INVALID_CHARACTER', 'name'],
    [
      { ...pro, prices: [{ ...pro.prices[1], match: [{ property: 'model', in: ['a', 'nul \0'] }] }] },
      'INVALID_CHARACTER',
      'prices[0].match[0].in[1]',
    ],
  ])('a plan that cannot be billed is refused at its field, and nothing of it is kept (%#)', async (input, code, path) => {
    await expect((async () => plans.create(tenantId, input as PlanInput))()).rejects.toMatchObject({ code, path });
    expect(await plans.byKey(tenantId, 'pro')).toBeNull();
  });

  test("another tenant's plan looks like one that does not exist, kept in memory or not", async () => {
    const { versionId } = await plans.create(tenantId, pro);
    await db.database.withTenant(tenantId, (tx) => store.versions(tx, [versionId]));
    const stranger = await tenantWithMeter();
    expect(await db.database.withTenant(stranger, (tx) => store.versions(tx, [versionId]))).toEqual(new Map());
    expect(await plans.byKey(stranger, 'pro')).toBeNull();
    expect((await plans.create(stranger, pro)).version).toBe(1);
  });

  test('a list of plans shows the newest version of each', async () => {
    await plans.create(tenantId, pro);
    await plans.create(tenantId, { ...pro, name: 'Pro 2' });
    await plans.create(tenantId, { ...pro, key: 'max' });
    const { rows } = await plans.page(tenantId, {});
    expect(rows.map(({ key, version }) => [key, version])).toEqual([
      ['pro', 2],
      ['max', 1],
    ]);
  });
});
