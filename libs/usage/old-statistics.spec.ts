import { createTestDatabase, type TenantTransaction, type TestDatabase } from '@tare/database';
import pg from 'pg';
import { IN_ORDER_OF_KEY, BY_KEY, MERGE_CELLS } from './buckets/compact-buckets.sql.ts';
import { EVENTS_TO_COST, IN_ORDER_OF_KEY as PAGE_IN_ORDER_OF_KEY, SET_COSTS } from './costing/cost-events.sql.ts';
import { EXPECTED_EVENTS, IN_ORDER_OF_KEY as SLOTS_IN_ORDER_OF_KEY } from './meters/meter-rollup.sql.ts';

/**
 * Statements that a tenant's clock or a worker's turn waits for, on tables that were never analysed, as after a large import: they read what they touch,
 * never all of the tenant's rows for each of it. Counted in rows that Postgres read, not in time.
 */
const ROWS = 12_000;
/** Commits that brought 500 rows each. */
const COMMITS = ROWS / 500;

let db: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  db = await createTestDatabase();
  tenantId = await db.createTenant();
  const admin = new pg.Client({ connectionString: db.url });
  await admin.connect();
  await admin.query(`SELECT tare_ensure_usage_month('2026-03-01')`);
  for (const table of ['usage_bucket', 'usage_event_y2026m03']) await admin.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
  await admin.end();
  await db.database.withTenant(tenantId, async (tx) => {
    await tx.query(
      `INSERT INTO usage_bucket (tenant_id, customer_no, from_at, dimension_no, seq, events)
       SELECT $1, i % 40, timestamptz '2026-03-01' + (i / 40 % 100) * interval '15 minutes', 1, 1 + i / 500, 1 FROM generate_series(0, $2::int - 1) AS i`,
      [tenantId, ROWS],
    );
    await tx.query(
      `INSERT INTO usage_event (tenant_id, key_hash, at, customer_no, dimension_no, seq)
       SELECT $1, md5(i::text)::uuid, timestamptz '2026-03-01' + i * interval '1 minute', i % 40, 1, 1 FROM generate_series(0, $2::int - 1) AS i`,
      [tenantId, ROWS],
    );
  });
});
afterAll(() => db.drop());

/** Rows of tables with that name that the work reads, each time that it reads one. What it does is undone. */
async function rowsRead(table: string, work: (tx: TenantTransaction) => Promise<unknown>): Promise<number> {
  let read = NaN;
  const undo = new Error('undo');
  await db.database
    .withTenant(tenantId, async (tx) => {
      const counted = async (): Promise<number> => {
        const [row] = await tx.query<{ read: number }>(
          'SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int8 AS read FROM pg_stat_xact_user_tables WHERE relname LIKE $1',
          [`${table}%`],
        );
        return row?.read ?? NaN;
      };
      const before = await counted();
      await work(tx);
      read = (await counted()) - before;
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  return read;
}

test('merging the cells of half of all commits reads each row a few times', async () => {
  const read = await rowsRead('usage_bucket', async (tx) => {
    await tx.query(BY_KEY);
    await tx.query(IN_ORDER_OF_KEY);
    const [merged] = await tx.query<{ absorbed: number }>(MERGE_CELLS, [tenantId, 0, COMMITS / 2]);
    expect(merged?.absorbed).toBeGreaterThan(ROWS / 4);
  });
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(ROWS * 5);
});

test('what the buckets count in a thousand slots is looked up slot by slot', async () => {
  const read = await rowsRead('usage_bucket', async (tx) => {
    const slots = await tx.query<{ customers: string; starts: string; ends: string }>(
      `SELECT array_agg(customer_no)::text AS customers, array_agg(from_at)::text AS starts, array_agg(from_at + interval '15 minutes')::text AS ends
       FROM (SELECT DISTINCT customer_no, from_at FROM usage_bucket ORDER BY 1, 2 LIMIT 1000) AS slot`,
    );
    await tx.query(SLOTS_IN_ORDER_OF_KEY);
    const { customers, starts, ends } = slots[0] ?? {};
    const counted = await tx.query(EXPECTED_EVENTS, [tenantId, COMMITS, null, customers, starts, ends]);
    expect(counted).toHaveLength(1000);
  });
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(ROWS * 3);
});

test('costs of a hundred events are set by reading these', async () => {
  const read = await rowsRead('usage_event', async (tx) => {
    const columns = await tx.query<{ times: string; ids: string; customers: string }>(
      `SELECT array_agg(at)::text AS times, array_agg(key_hash)::text AS ids, array_agg(customer_no)::text AS customers
       FROM (SELECT * FROM usage_event WHERE customer_no = 7 ORDER BY at LIMIT 100) AS event`,
    );
    const { times, ids, customers } = columns[0] ?? {};
    const all = (value: string): string => `{${Array(100).fill(value).join()}}`;
    await tx.query(SET_COSTS, [tenantId, 2, times, ids, all('2'), all('0.5'), all(tenantId), customers]);
    const [costed] = await tx.query<{ events: number }>('SELECT count(*) AS events FROM usage_event WHERE customer_no = 7 AND cost = 0.5');
    expect(costed?.events).toBe(100);
  });
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(ROWS / 10);
});

test('a page of events to cost is read from where the one before ended', async () => {
  const read = await rowsRead('usage_event', async (tx) => {
    await tx.query(
      `INSERT INTO usage_dimension (tenant_id, no, hash, type, provider, model, outcome, cost_state)
       VALUES ($1, 1, $2, 'llm.completion', 'own-lab', 'lab', 'SUCCEEDED', 'UNPRICED')`,
      [tenantId, '\\x01'],
    );
    await tx.query(PAGE_IN_ORDER_OF_KEY);
    const page = (after: readonly [number | null, string | null, string | null]): Promise<unknown[]> =>
      tx.query(EVENTS_TO_COST, [tenantId, 'own-lab', 'lab', null, '2026-03-01', null, after[1], after[2], 100, after[0]]);
    expect(await page([null, null, null])).toHaveLength(100);
    expect(await page([20, '2026-03-05', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])).toHaveLength(100);
  });
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(ROWS / 10);
});
