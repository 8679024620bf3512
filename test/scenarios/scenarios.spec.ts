import { createTestDatabase, type TestDatabase } from '@tare/database';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { tell, type Story } from './story.ts';

const FOLDER = path.resolve('test/scenarios');
const files = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json') && file !== 'project.json')
  .sort();
const stories = files.map((file) => JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Story);

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

test.each(stories.map((story) => [story.title, story] as const))('%s', async (_, story) => {
  const { invoices, balances } = story;
  const expected = { invoices, ...(balances ? { balances } : {}) };
  expect(await tell(story, await world.neighbour(database))).toEqual(expected);
});
