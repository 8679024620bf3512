import { parseInstant } from '@tare/core';
import type { PlanInput } from '@tare/core';
import { AgreedPricesService, MigrationsService, SubscriptionsService, type MigrationTiming } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { MigrationPreviews } from './migration-preview.ts';
import { TestWorld } from '../world.fixture.ts';

let databaseOfFile: TestDatabase;
let first: TestWorld;
let world: TestWorld;

beforeAll(async () => {
  databaseOfFile = await createTestDatabase();
  first = await TestWorld.open(databaseOfFile);
});
afterAll(async () => {
  await first.close();
  await databaseOfFile.drop();
});

const at = (day: string): number => parseInstant(`${day}T00:00:00Z`);
const plan = (fee: string, unitPrice: string, more: Partial<PlanInput> = {}) =>
  world.plan({
    key: 'pro',
    kind: 'SUBSCRIPTION',
    prices: [
      { key: 'fee', model: 'FLAT', amount: fee },
      { key: 'usage', model: 'PER_UNIT', meter: 'request', unitPrice },
    ],
    ...more,
  });
const migrate = (timing: MigrationTiming, day: string, more: object = {}) =>
  world.get(MigrationsService).migrate(world.tenantId, { plan: 'pro', fromVersion: 1, toVersion: 2, timing, at: at(day), ...more });
const heads = async (customer: string) =>
  (await world.invoices(customer)).map(
    ({ billingAt, kind, total }) => `${new Date(billingAt / 1000).toISOString().slice(0, 10)} ${kind} ${total.toString()}`,
  );

beforeEach(async () => {
  world = await first.neighbour(databaseOfFile);
  await world.meter('request');
  await plan('31', '1');
  for (const customer of ['acme', 'bravo', 'core']) await world.customer(customer);
});

/** Three customers of version 1; then there is a version 2 with a higher fee and cheaper usage. */
async function threeAndANewVersion(): Promise<string[]> {
  const ids = [];
  for (const customer of ['acme', 'bravo', 'core']) ids.push(await world.subscribe(customer, 'pro', '2026-01-01T00:00:00Z'));
  await plan('62', '0.5');
  return ids;
}

describe('migration to another version', () => {
  test('4.9 a new version leaves subscriptions alone until they are migrated; now is prorated, at renewal is not', async () => {
    await threeAndANewVersion();
    expect(await migrate('NOW', '2026-01-11', { customers: ['acme'] })).toMatchObject({ migrated: 1, unchanged: 0, refused: [] });
    expect(await migrate('RENEWAL', '2026-01-11', { customers: ['bravo'] })).toMatchObject({ migrated: 1 });
    for (const customer of ['acme', 'bravo', 'core']) {
      await world.use(customer, { at: '2026-01-05T00:00:00Z', quantity: '10' }, { at: '2026-01-20T00:00:00Z', quantity: '10' });
    }
    await world.bill('2026-02-01T01:00:00Z');
    expect(await heads('acme')).toEqual(['2026-01-01 REGULAR 31', '2026-01-11 PRORATION 21', '2026-02-01 REGULAR 77']);
    expect(await heads('bravo')).toEqual(['2026-01-01 REGULAR 31', '2026-02-01 REGULAR 82']);
    expect(await heads('core')).toEqual(['2026-01-01 REGULAR 31', '2026-02-01 REGULAR 51']);
  });

  test('a migration goes on page by page, and asked for again changes nothing', async () => {
    await threeAndANewVersion();
    const one = await migrate('RENEWAL', '2026-01-11', { first: 2 });
    expect(one).toMatchObject({ migrated: 2, hasNextPage: true });
    const two = await migrate('RENEWAL', '2026-01-11', { first: 2, after: one.endCursor });
    expect(two).toMatchObject({ migrated: 1, hasNextPage: false });
    expect(await migrate('RENEWAL', '2026-01-11')).toMatchObject({ migrated: 0, unchanged: 3, refused: [] });
    await world.bill('2026-02-01T01:00:00Z');
    expect(await heads('core')).toEqual(['2026-01-01 REGULAR 31', '2026-02-01 REGULAR 62']);
    // What is on the other version is no candidate any more.
    expect(await migrate('NOW', '2026-02-10')).toMatchObject({ migrated: 0, unchanged: 0 });
  });

  test('a subscription that never migrates is passed by, until its customer is named', async () => {
    const [, , pinned] = await threeAndANewVersion();
    expect(await migrate('NEVER', '2026-01-11', { customers: ['core'] })).toMatchObject({ migrated: 1 });
    expect(await migrate('NOW', '2026-01-11')).toMatchObject({ migrated: 2 });
    expect((await world.get(SubscriptionsService).byId(world.tenantId, pinned ?? ''))?.plan.version).toBe(1);
    expect(await migrate('NOW', '2026-01-12', { customers: ['core'] })).toMatchObject({ migrated: 1 });
    expect(await world.get(SubscriptionsService).byId(world.tenantId, pinned ?? '')).toMatchObject({
      plan: { version: 2 },
      pinnedAt: null,
    });
  });

  test('5 a license goes over with its term', async () => {
    const license = { kind: 'SITE_LICENSE' as const, interval: 'MONTH' as const, termIntervals: 3 };
    await world.plan({ key: 'license', prices: [{ key: 'fee', model: 'FLAT', amount: '100' }], ...license });
    await world.subscribe('acme', 'license', '2026-01-01T00:00:00Z');
    await world.plan({ key: 'license', prices: [{ key: 'fee', model: 'FLAT', amount: '120' }], ...license });
    await migrate('RENEWAL', '2026-01-11', { plan: 'license' });
    await world.bill('2026-05-01T01:00:00Z');
    expect(await heads('acme')).toEqual([
      ...['2026-01-01 REGULAR 100', '2026-02-01 REGULAR 100', '2026-03-01 REGULAR 100'],
      ...['2026-04-01 REGULAR 120', '2026-05-01 REGULAR 120'],
    ]);
  });

  test('prices agreed for one subscription go over with it, and one that cannot go over says why', async () => {
    const [agreed] = await threeAndANewVersion();
    await world.get(AgreedPricesService).override(world.tenantId, {
      subscription: agreed ?? '',
      overrides: [{ price: 'fee', amount: '10' }],
      at: at('2026-01-01'),
    });
    await world.bill('2026-01-20T01:00:00Z');
    const refused = await migrate('NOW', '2025-12-31');
    expect(refused).toMatchObject({
      migrated: 0,
      refused: [{ code: 'ALREADY_BILLED' }, { code: 'ALREADY_BILLED' }, { code: 'ALREADY_BILLED' }],
    });
    await migrate('RENEWAL', '2026-01-20');
    await world.bill('2026-02-01T01:00:00Z');
    expect(await heads('acme')).toEqual(['2026-01-01 REGULAR 10', '2026-02-01 REGULAR 10']);
    expect(await heads('bravo')).toEqual(['2026-01-01 REGULAR 31', '2026-02-01 REGULAR 62']);
  });

  test.each([
    [{ plan: 'none' }, 'UNKNOWN_PLAN', 'plan'],
    [{ fromVersion: 7 }, 'UNKNOWN_VERSION', 'fromVersion'],
    [{ toVersion: 1 }, 'SAME_VERSION', 'toVersion'],
    [{ first: 0 }, 'INVALID_COUNT', 'first'],
    [{ after: 'page 2' }, 'INVALID_CURSOR', 'after'],
  ])('a migration that means nothing is refused (%#)', async (more, code, path) => {
    await threeAndANewVersion();
    await expect(migrate('NOW', '2026-01-11', more)).rejects.toMatchObject({ code, path });
  });
});

test('a preview says who would have paid what more or less for the last closed period, and stores nothing', async () => {
  await threeAndANewVersion();
  await world.use('acme', { at: '2026-01-05T00:00:00Z', quantity: '10' });
  await world.use('bravo', { at: '2026-01-05T00:00:00Z', quantity: '100' });
  const preview = () => world.get(MigrationPreviews).preview(world.tenantId, { plan: 'pro', fromVersion: 1, at: at('2026-02-02') });
  const shown = async () =>
    (await preview()).rows.map(({ customer, before, after, change }) => [customer.key, ...[before, after, change].map(String)]);
  // Nothing is closed yet: the fees alone.
  expect((await shown()).every(([, ...amounts]) => amounts.join() === '31,62,31')).toBe(true);
  await world.bill('2026-02-01T01:00:00Z');
  expect(await shown()).toEqual([
    ['core', '31', '62', '31'],
    ['acme', '41', '67', '26'],
    ['bravo', '131', '112', '-19'],
  ]);
  expect(await preview()).toMatchObject({ payMore: 2, payLess: 1, hasNextPage: false });
  expect(await heads('bravo')).toEqual(['2026-01-01 REGULAR 31', '2026-02-01 REGULAR 131']);
});
