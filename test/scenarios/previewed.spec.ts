import { createTestDatabase, type TestDatabase } from '@tare/database';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { previewing, type Surprise } from './previewed.ts';
import { tell, type Story } from './story.ts';

/** A preview says what the next billing run issues, before each run of every story. */
const FOLDER = path.resolve('test/scenarios');
const stories = readdirSync(FOLDER)
  .filter((file) => /^\d+-.*\.json$/.test(file))
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

test.each(stories)('every run of %s issues what the preview of its time says', async (_file, story) => {
  const surprises: Surprise[] = [];
  const { invoices, balances } = story;
  const customers = story.customers.map(({ key }) => key);
  const told = await tell(story, await world.neighbour(database), previewing(customers, surprises));
  expect(surprises).toEqual([]);
  expect(told).toEqual({ invoices, ...(balances ? { balances } : {}) });
});

test('the stories have invoices of every kind', () => {
  const kinds = stories.flatMap(([, { invoices }]) => Object.values(invoices).flatMap((own) => own.map(({ kind }) => kind)));
  expect([...new Set(kinds)].sort()).toEqual(['PREPAID', 'PRORATION', 'REGULAR', 'SUPPLEMENTARY', 'THRESHOLD']);
});
