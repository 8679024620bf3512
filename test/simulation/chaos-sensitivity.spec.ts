import pg from 'pg';
import { IngestChaos, isClean, type ChaosFaults } from './ingest-chaos.ts';

/**
 * A kit that finds nothing proves nothing: after a tiny run without kills, each fault that it looks for is made by hand, and the figure that has to tell of it
 * does. Tables are put back after each.
 */
const OPTIONS = { seed: 3, events: 2_000, kills: 0, clients: 2, apis: 1, shareRepeated: 0.2 };
const TABLES = ['usage_event', 'usage_event_key', 'usage_bucket', 'cost_adjustment', 'usage_correction', 'meter_rollup_cell'];

const chaos = new IngestChaos(OPTIONS);
let admin: pg.Client;

beforeAll(async () => {
  await chaos.play();
  // A superuser, whom row-level security does not hold.
  admin = new pg.Client({ connectionString: chaos.databaseUrl });
  await admin.connect();
  for (const table of TABLES) await admin.query(`CREATE TABLE kept_${table} AS TABLE ${table}`);
}, 300_000);

afterAll(async () => {
  await admin.end();
  await chaos.stop();
  chaos.ledger.remove();
}, 120_000);

afterEach(async () => {
  for (const table of TABLES) await admin.query(`DELETE FROM ${table}`);
  for (const table of TABLES) await admin.query(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
});

const faults = async (): Promise<ChaosFaults> => (await chaos.compare()).faults;
const one = (table: string, condition: string): string =>
  `(tableoid, ctid) = (SELECT tableoid, ctid FROM ${table} WHERE ${condition} LIMIT 1)`;
const COUNTS = 'voided_seq IS NULL AND uncached_input > 0 AND cost > 0';

test('an untouched run is clean', async () => {
  expect(isClean(await faults())).toBe(true);
});

test.each<[string, keyof ChaosFaults, string]>([
  ['an event that is gone', 'lost', `DELETE FROM usage_event WHERE ${one('usage_event', COUNTS)}`],
  [
    'a key that is gone, so that its event could be taken again',
    'lost',
    `DELETE FROM usage_event_key WHERE ${one('usage_event_key', 'true')}`,
  ],
  [
    'an event that stands there twice',
    'doubled',
    `WITH moved AS (SELECT * FROM usage_event WHERE ${COUNTS} LIMIT 1)
     INSERT INTO usage_event SELECT (json_populate_record(NULL::usage_event, (to_jsonb(moved) || jsonb_build_object('at', at + interval '1 second'))::json)).* FROM moved`,
  ],
  [
    'an event that nobody sent',
    'doubled',
    `UPDATE usage_event SET key_hash = '11111111-1111-1111-8111-111111111111' WHERE ${one('usage_event', COUNTS)}`,
  ],
  [
    'an event with one token more',
    'wrongContents',
    `UPDATE usage_event SET uncached_input = uncached_input + 1 WHERE ${one('usage_event', COUNTS)}`,
  ],
  ['an event of another user', 'wrongContents', `UPDATE usage_event SET "user" = 'somebody' WHERE ${one('usage_event', COUNTS)}`],
  [
    'a void that was undone',
    'wrongCorrections',
    `UPDATE usage_event SET voided_seq = NULL WHERE ${one('usage_event', 'voided_seq IS NOT NULL')}`,
  ],
  ['an event that was voided by nobody', 'wrongCorrections', `UPDATE usage_event SET voided_seq = 1 WHERE ${one('usage_event', COUNTS)}`],
  ['a correction without its trail', 'wrongCorrections', `DELETE FROM usage_correction WHERE ${one('usage_correction', 'true')}`],
  [
    'a key that names an earlier revision than the last',
    'wrongCorrections',
    `UPDATE usage_event_key SET revision = 0 WHERE ${one('usage_event_key', 'revision > 0')}`,
  ],
  [
    'a bucket that was written twice',
    'wrongBuckets',
    `UPDATE usage_bucket SET events = events * 2 WHERE ${one('usage_bucket', 'events > 0')}`,
  ],
  ['a bucket that was lost', 'wrongBuckets', `DELETE FROM usage_bucket WHERE ${one('usage_bucket', 'events > 0')}`],
  [
    'tokens in a cell without events',
    'wrongBuckets',
    `UPDATE usage_bucket SET events = 0, uncached_input = 1 WHERE ${one('usage_bucket', 'events > 0')}`,
  ],
  [
    'a bucket of which restating forgot the cost',
    'wrongBuckets',
    `UPDATE usage_bucket SET restated_cost = 0 WHERE ${one('usage_bucket', 'restated_cost > 0')}`,
  ],
  [
    'a cost that is off by a billionth',
    'wrongCosts',
    `UPDATE usage_event SET cost = cost + 0.000000001 WHERE ${one('usage_event', COUNTS)}`,
  ],
  ['a cost that was never filled in', 'wrongCosts', `UPDATE usage_event SET cost = NULL WHERE ${one('usage_event', COUNTS)}`],
  ['a restated cost that was forgotten', 'wrongCosts', `DELETE FROM cost_adjustment WHERE ${one('cost_adjustment', 'true')}`],
  [
    'a user whom a roll-up forgot',
    'wrongMeters',
    `UPDATE meter_rollup_cell SET members = members[2:], member_events = member_events[2:] WHERE ${one('meter_rollup_cell', 'cardinality(members) > 0')}`,
  ],
  ['a sum that a roll-up added to twice', 'wrongMeters', `UPDATE meter_rollup_cell SET value = value * 2 WHERE value > 0`],
])('%s shows', async (_, figure, tampering) => {
  const { rowCount } = await admin.query(tampering);
  expect(rowCount).toBeGreaterThan(0);
  expect((await faults())[figure]).toBeGreaterThan(0);
});
