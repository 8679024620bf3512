import { createTestDatabase, type TestDatabase } from '@tare/database';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { tell, type Story } from '../scenarios/story.ts';
import { recomputeTenant, type Recomputation } from './recompute-tenant.ts';

const FOLDER = path.resolve('test/scenarios');
const stories = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json') && file !== 'project.json')
  .sort()
  .map((file) => [file, JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Story] as const);

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

async function recomputed(tenant: TestWorld): Promise<Recomputation> {
  return tenant.database.withTenant(tenant.tenantId, recomputeTenant);
}

test.each(stories)('8.4 a second implementation gives every invoice of %s again from raw events, line by line', async (_, story) => {
  const tenant = await world.neighbour(database);
  await tell(story, tenant);
  const { invoices, differences, notCovered } = await recomputed(tenant);
  expect(differences).toEqual([]);
  expect(notCovered).toEqual([]);
  expect(invoices).toBeGreaterThan(0);
});

test.each(stories.filter(([, story]) => isUsageCharged(story)))(
  'it sees when the events of %s are gone behind the back of everything else',
  async (_, story) => {
    const tenant = await world.neighbour(database);
    await tell(story, tenant);
    await tenant.database.withTenant(tenant.tenantId, (tx) => tx.query('UPDATE usage_event SET voided_seq = seq'));
    expect((await recomputed(tenant)).differences).not.toEqual([]);
  },
);

test('it sees when a single event is gone', async () => {
  const tenant = await world.neighbour(database);
  const [, story] = stories[0] ?? [];
  if (story === undefined) throw new Error('there are no stories');
  await tell(story, tenant);
  expect((await recomputed(tenant)).differences).toEqual([]);
  await tenant.database.withTenant(tenant.tenantId, (tx) =>
    tx.query('UPDATE usage_event SET voided_seq = seq WHERE key = (SELECT min(key) FROM usage_event)'),
  );
  expect((await recomputed(tenant)).differences).not.toEqual([]);
});

/** Some line charges usage: an amount above zero. */
function isUsageCharged({ invoices }: Story): boolean {
  return Object.values(invoices).some((own) =>
    own.some(({ lines }) => lines.some((line) => line.startsWith('USAGE') && !line.endsWith('= 0.00'))),
  );
}
