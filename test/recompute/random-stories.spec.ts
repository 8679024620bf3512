import { CodedError } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { SimulationsModule } from '@tare/simulations';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { Seeded } from '../oracle/seeded.ts';
import { simulationDifferences } from '../scenarios/identity.ts';
import { previewing, type Surprise } from '../scenarios/previewed.ts';
import type { Telling } from '../scenarios/steps.ts';
import type { Story } from '../scenarios/story.ts';
import { randomStory } from './random-story.ts';
import { recomputeTenant } from './recompute-tenant.ts';
import { assembledOtherwise } from './same-again.ts';

/** Set TARE_STORIES_SEED to try others, TARE_STORIES for how many; a failure names its seed. */
const FIRST_SEED = Number(process.env['TARE_STORIES_SEED'] ?? '1');
const STORIES = Number(process.env['TARE_STORIES'] ?? '30');

/** How often each thing happened, was refused, or was met by a second implementation that does not know it: what stories are made of. */
const counts = new Map<string, number>();
const count = (name: string): unknown => counts.set(name, (counts.get(name) ?? 0) + 1);

let database: TestDatabase;
let world: TestWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database, {}, [SimulationsModule]);
});
afterAll(async () => {
  if (process.env['TARE_STORIES_SHOW']) process.stdout.write(`${JSON.stringify(Object.fromEntries([...counts].sort()), null, 1)}\n`);
  await world.close();
  await database.drop();
});

/** What is refused by a rule did not happen. */
async function tellWhatCanBe(story: Story, tenant: TestWorld): Promise<Surprise[]> {
  const surprises: Surprise[] = [];
  const happen = previewing(
    story.customers.map(({ key }) => key),
    surprises,
  );
  for (const { key, ...meter } of story.meters) await tenant.meter(String(key), meter);
  for (const plan of story.plans) await tenant.plan(plan);
  for (const { key, timeZone } of story.customers) await tenant.customer(key, timeZone);
  const telling: Telling = { world: tenant, subscriptions: new Map(), reservations: new Map() };
  for (const step of story.story) {
    const [name = ''] = Object.keys(step);
    await happen(step, telling).then(
      () => count(name),
      (error: unknown) => {
        if (!isRefusal(error)) throw error;
        count(`${name}: ${error instanceof CodedError ? error.code : 'not there'}`);
      },
    );
  }
  return surprises;
}

/** By a rule, or because what is meant is not there; anything else is a fault. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof CodedError) return error.code !== 'INVARIANT_BROKEN';
  if (!(error instanceof Error) || error.message.includes('INVARIANT_BROKEN')) return false;
  return /no invoice has the number|has no line|nothing is called|EVENT_|KEY_|"code":/.test(error.message);
}

test.each(Array.from({ length: STORIES }, (_, index) => FIRST_SEED + index))(
  '8.4, 11.2 story %d is billed as previewed and a second time from raw events, its lines have their hashes again, and a simulation gives back its invoices',
  async (seed) => {
    const tenant = await world.neighbour(database);
    const story = randomStory(new Seeded(seed));
    const surprises = await tellWhatCanBe(story, tenant);
    const { differences, notCovered, invoices } = await tenant.database.withTenant(tenant.tenantId, recomputeTenant);
    for (const name of notCovered) count(`not covered: ${name}`);
    if (invoices > 0) count('with invoices');
    if (differences.length > 0 && process.env['TARE_STORIES_SHOW']) process.stdout.write(`${JSON.stringify(story, null, 1)}\n`);
    const simulated = isInUsd(story)
      ? await simulationDifferences(tenant, 'acme', { whole: true, anew: await isBilledAnew(story, tenant) })
      : [];
    const otherwise = await assembledOtherwise(tenant, 'acme');
    expect({ seed, surprises, differences, otherwise, simulated }).toEqual({
      ...{ seed, surprises: [], differences: [], otherwise: [], simulated: [] },
    });
  },
);

/** Reports are in USD, and nobody has set an exchange rate. */
const isInUsd = ({ plans }: Story): boolean => plans.every(({ currency }) => currency === 'USD');

/**
 * A period that stays void is billed by nobody, and by a simulation; what was carried into a period before late usage came stays carried, as it is recorded; and so
 * do the credits that were drawn in the order in which usage came.
 */
async function isBilledAnew({ plans }: Story, tenant: TestWorld): Promise<boolean> {
  const isVoid = (await tenant.invoices('acme')).some(({ status }) => status === 'VOID');
  const isRecorded = plans.some(({ kind, prices }) => kind === 'CREDIT' || prices?.some(({ rollover }) => rollover === true));
  return !isVoid && !isRecorded;
}
