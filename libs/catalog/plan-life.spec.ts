import { AuditLog } from '@tare/access';
import type { PlanInput } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { MeterStore } from './meter.store.ts';
import { PlanDraftStore } from './plan-draft.store.ts';
import { PlanStore } from './plan.store.ts';
import { PlansService } from './plans.service.ts';

const fee = (amount: string): PlanInput['prices'] => [{ key: 'fee', model: 'FLAT', amount }];
const pro: PlanInput = { key: 'pro', name: 'Pro', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices: fee('20') };

describe('the life of a plan', () => {
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
    tenantId = await db.createTenant();
  });

  const latest = (): Promise<number | undefined> =>
    db.database.withTenant(tenantId, async (tx) => (await store.latestByKey(tx, 'pro'))?.version);
  const feeOf = ({ terms }: { terms: { prices: readonly unknown[] } }): string =>
    JSON.stringify(terms.prices).match(/"amount":"(\d+)"/)?.[1] ?? '';

  test('4.9 a draft is replaced as often as one likes, and is no version until it is published', async () => {
    await plans.draft(tenantId, pro);
    const draft = await plans.draft(tenantId, { ...pro, name: 'Pro 1', prices: fee('25') });
    expect([draft.version, draft.publishedAt, draft.versionId, feeOf(draft), await latest()]).toEqual([1, null, null, '25', undefined]);
    expect(await plans.byKey(tenantId, 'pro')).toEqual(draft);
    const published = await plans.publish(tenantId, 'pro');
    expect([published.version, published.name, feeOf(published), await latest()]).toEqual([1, 'Pro 1', '25', 1]);
    expect(await plans.draftByKey(tenantId, 'pro')).toBeNull();
    await expect(plans.publish(tenantId, 'pro')).rejects.toMatchObject({ code: 'NO_DRAFT', path: 'key' });
  });

  test('4.9 the draft of a next version leaves the one that is published as it is', async () => {
    const first = await plans.create(tenantId, pro);
    const draft = await plans.draft(tenantId, { ...pro, prices: fee('30') });
    expect([draft.id, draft.version]).toEqual([first.id, 2]);
    expect(feeOf((await plans.byKey(tenantId, 'pro')) ?? first)).toBe('20');
    expect(feeOf((await plans.byKey(tenantId, 'pro', 2)) ?? first)).toBe('30');
    expect((await plans.create(tenantId, { ...pro, prices: fee('21') })).version).toBe(2);
    expect((await plans.publish(tenantId, 'pro')).version).toBe(3);
    const { rows } = await plans.versionsPage(tenantId, 'pro', {});
    expect(rows.map(({ plan }) => [plan.version, feeOf(plan)])).toEqual([
      [1, '20'],
      [2, '21'],
      [3, '30'],
    ]);
    expect(await plans.byKey(tenantId, 'pro', 4)).toBeNull();
  });

  test('a draft that says what is published makes no new version', async () => {
    await plans.create(tenantId, pro);
    await plans.draft(tenantId, pro);
    expect((await plans.publish(tenantId, 'pro')).version).toBe(1);
  });

  test('a draft that is discarded is gone, and with it a plan of which nothing was published', async () => {
    await plans.draft(tenantId, pro);
    expect(await plans.discard(tenantId, 'pro')).toBeNull();
    expect(await plans.byKey(tenantId, 'pro')).toBeNull();
    const first = await plans.create(tenantId, { ...pro, currency: 'EUR' });
    await plans.draft(tenantId, pro);
    expect(await plans.discard(tenantId, 'pro')).toEqual(first);
    await expect(plans.discard(tenantId, 'pro')).rejects.toMatchObject({ code: 'NO_DRAFT' });
  });

  test('a draft that no bill could be made from is refused, and the one before stays', async () => {
    await plans.draft(tenantId, pro);
    const draft = async (input: PlanInput): Promise<unknown> => plans.draft(tenantId, input);
    await expect(draft({ ...pro, prices: fee('-1') })).rejects.toMatchObject({ code: 'NEGATIVE_PRICE', path: 'prices[0].amount' });
    expect(feeOf((await plans.draftByKey(tenantId, 'pro')) ?? { terms: { prices: [] } })).toBe('20');
  });

  test('an archived plan takes no new version and leaves the list; taken out again it is as it was', async () => {
    await plans.create(tenantId, pro);
    await plans.create(tenantId, { ...pro, key: 'max' });
    const archived = await plans.archive(tenantId, 'pro', true);
    expect(archived.archivedAt).not.toBeNull();
    expect((await plans.archive(tenantId, 'pro', true)).archivedAt).toBe(archived.archivedAt);
    const next = { ...pro, name: 'Pro 2' };
    await expect(plans.create(tenantId, next)).rejects.toMatchObject({ code: 'PLAN_ARCHIVED', path: 'key' });
    await expect(plans.draft(tenantId, next)).rejects.toMatchObject({ code: 'PLAN_ARCHIVED', path: 'key' });
    const keys = async (listing: 'CURRENT' | 'ARCHIVED'): Promise<string[]> =>
      (await plans.page(tenantId, {}, listing)).rows.map(({ key }) => key);
    expect([await keys('CURRENT'), await keys('ARCHIVED')]).toEqual([['max'], ['pro']]);
    expect((await plans.archive(tenantId, 'pro', false)).archivedAt).toBeNull();
    expect(await keys('CURRENT')).toEqual(['pro', 'max']);
    await expect(plans.archive(tenantId, 'nothing', true)).rejects.toMatchObject({ code: 'UNKNOWN_PLAN' });
  });

  test('lists show a draft where nothing is published, and drafts by themselves', async () => {
    await plans.create(tenantId, pro);
    await plans.draft(tenantId, { ...pro, name: 'Pro next' });
    await plans.draft(tenantId, { ...pro, key: 'new', name: 'New' });
    const names = async (listing: 'CURRENT' | 'DRAFT'): Promise<string[]> =>
      (await plans.page(tenantId, {}, listing)).rows.map(({ name }) => name);
    expect([await names('CURRENT'), await names('DRAFT')]).toEqual([
      ['Pro', 'New'],
      ['Pro next', 'New'],
    ]);
    const first = await plans.page(tenantId, { first: 1 });
    expect(first.hasNextPage).toBe(true);
  });

  test('drafts that are published and discarded at the same time never leave half of one', async () => {
    await plans.draft(tenantId, pro);
    const results = await Promise.allSettled([
      plans.publish(tenantId, 'pro'),
      plans.discard(tenantId, 'pro'),
      plans.publish(tenantId, 'pro'),
    ]);
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code?: string }).code] : []));
    expect(refusals).toEqual(['NO_DRAFT', 'NO_DRAFT']);
    expect(await plans.draftByKey(tenantId, 'pro')).toBeNull();
  });

  test("another tenant's drafts look like none", async () => {
    await plans.draft(tenantId, pro);
    const stranger = await db.createTenant();
    expect([await plans.byKey(stranger, 'pro'), await plans.draftByKey(stranger, 'pro')]).toEqual([null, null]);
    await expect(plans.publish(stranger, 'pro')).rejects.toMatchObject({ code: 'NO_DRAFT' });
  });
});
