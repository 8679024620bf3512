import { createTestDatabase, type TestDatabase } from '@tare/database';
import { SimulationsModule } from '@tare/simulations';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { assembledOtherwise } from '../recompute/same-again.ts';
import { simulationDifferences } from './identity.ts';
import { tell, type Story } from './story.ts';

/** The identity of SEMANTICS 11.2 over every story. */
const FOLDER = path.resolve('test/scenarios');
const stories = readdirSync(FOLDER)
  .filter((file) => /^\d+-.*\.json$/.test(file))
  .sort()
  .map((file) => [file, JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Story] as const);

let database: TestDatabase;
let world: TestWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database, {}, [SimulationsModule]);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

test.each(stories)(
  '8.4, 11.2 lines of %s have their hashes again, and simulating its real plans gives back its invoices',
  async (_file, story) => {
    const told = await world.neighbour(database);
    await tell(story, told);
    for (const { key } of story.customers) {
      expect(await assembledOtherwise(told, key)).toEqual([]);
      expect(await simulationDifferences(told, key)).toEqual([]);
    }
  },
);
