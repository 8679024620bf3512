import type pg from 'pg';

/**
 * Gives a tenant that has ingested a few events a history of so many more: events of the last 60 days, one half under time-ordered keys and one half under
 * random ones, of its customers in harmonic shares and its dimensions, and the buckets that they come to. Beside them as many keys again without an
 * event: the table of keys holds the whole number of either order. As superuser, in bulk, indexes last; random keys get the index that random
 * inserts leave behind, with pages seven tenths full.
 */
export async function fillWithHistory(client: pg.Client, tenantId: string, rows: number): Promise<void> {
  const { rows: months } = await client.query<{ month: string }>(
    "SELECT to_char(day, 'YYYY-MM') AS month FROM generate_series(now() - interval '60 days', now(), interval '1 day') AS day GROUP BY 1",
  );
  for (const { month } of months) await client.query('SELECT tare_ensure_usage_month($1)', [`${month}-01T00:00:00Z`]);
  await client.query("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET work_mem = '512MB'; SET jit = off");
  for (const [table] of KEYS) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${table}_pkey`);
  await client.query(MADE);
  for (let from = 0; from < rows; from += CHUNK) {
    const values = [tenantId, from, Math.min(from + CHUNK, rows) - 1, rows];
    await client.query(EVENTS, values);
    await client.query(KEYS_OF_EITHER_ORDER, values);
  }
  await client.query(BUCKETS, [tenantId]);
  for (const [table, columns, fillFactor] of KEYS) {
    // The parent of partitions takes no fill factor of its own: its partitions are ordered by customer and time, and packed.
    const storage = fillFactor === null ? '' : `WITH (fillfactor = ${fillFactor})`;
    await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${table}_pkey PRIMARY KEY (${columns}) ${storage}`);
    if (fillFactor !== null) await client.query(`ALTER INDEX ${table}_pkey RESET (fillfactor)`);
  }
  await client.query('RESET ALL');
  await client.query('VACUUM ANALYZE');
}

/** Whether it was filled already, in a run that kept its data. */
export async function hasHistory(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM usage_event WHERE seq = 0 LIMIT 1');
  return rowCount === 1;
}

const CHUNK = 1_000_000;

/** Tables with their primary keys, and how full the pages of a grown one are; null: as they are built. */
const KEYS: readonly (readonly [table: string, columns: string, fillFactor: number | null])[] = [
  ['usage_event_key', 'tenant_id, key_hash', 70],
  ['usage_event', 'tenant_id, customer_no, at, key_hash', null],
  ['usage_bucket', 'tenant_id, customer_no, from_at, dimension_no, seq', null],
];

/**
 * The nth of so many rows: when it was, and its identities, as libs/usage/ingest/event-identity.ts makes them of a UUIDv7 and of any text. The shares of customers:
 * 500^u for a u spread evenly over [0, 1) is n with the odds of 1/n.
 */
const MADE = `
CREATE FUNCTION pg_temp.made(first bigint, last bigint, total bigint, OUT i bigint, OUT at timestamptz, OUT ordered uuid, OUT random uuid, OUT u float8)
RETURNS SETOF record LANGUAGE sql AS $$
  SELECT i, at,
    (lpad(to_hex((extract(epoch FROM at) * 1000)::int8), 12, '0') || '7' || substr(hash, 1, 3) || substr('89ab', 1 + (i % 4)::int4, 1) || substr(hash, 4, 15))::uuid,
    (translate(substr(hash, 1, 1), '89abcdef', '01234567') || substr(hash, 2, 15) || substr('cdef', 1 + (i % 4)::int4, 1) || substr(hash, 18))::uuid,
    ('x' || substr(hash, 25, 8))::bit(32)::int8 / 4294967296.0
  FROM (
    SELECT i, md5(i::text) AS hash, date_trunc('milliseconds', now() - interval '60 days' + interval '60 days' * (i::float8 / total)) AS at
    FROM generate_series(first, last) AS i
  ) AS row
$$`;

const OF_TENANT = `
  (SELECT array_agg(no ORDER BY no) AS customers FROM customer_key WHERE tenant_id = $1) AS c,
  (SELECT array_agg(no ORDER BY no) AS dimensions FROM usage_dimension WHERE tenant_id = $1 AND cost_state = 'PRICED') AS d,
  (SELECT cost_rate_id FROM usage_event WHERE tenant_id = $1 AND cost_rate_id IS NOT NULL LIMIT 1) AS r`;

/** $1 tenant, $2 first, $3 last, $4 of how many. Two dimensions for each customer, as the senders of the benchmark have. */
const EVENTS = `
INSERT INTO usage_event
  (tenant_id, key_hash, at, key, customer_no, dimension_no, seq, uncached_input, cache_read, plain_output, cost, cost_rate_id, received_at)
SELECT $1, CASE WHEN i % 2 = 0 THEN ordered ELSE random END, at, CASE WHEN i % 2 = 0 THEN NULL ELSE 'req_' || substr(md5(i::text), 1, 24) END,
  customers[1 + least(floor(cardinality(customers) ^ u)::int4 - 1, cardinality(customers) - 1)],
  dimensions[1 + ((floor(cardinality(customers) ^ u)::int8 * 3 + i % 2) % cardinality(dimensions))::int4],
  0, 200 + i % 8000, CASE WHEN i % 3 = 0 THEN 100 + i % 4000 END, 20 + i % 1500, ((i % 90000) * 12345) / 10000000000.0, r.cost_rate_id, at
FROM pg_temp.made($2, $3, $4), ${OF_TENANT}`;

const KEYS_OF_EITHER_ORDER = `
INSERT INTO usage_event_key (tenant_id, key_hash, content_hash, at, customer_no)
SELECT $1, identity, random, at, 1 FROM pg_temp.made($2, $3, $4), unnest(ARRAY[ordered, random]) AS identity`;

/** With the commit number of the events: as compaction leaves them. */
const BUCKETS = `
INSERT INTO usage_bucket
  (tenant_id, customer_no, from_at, dimension_no, seq, events, uncached_input, cache_read, plain_output, cost, restated_cost)
SELECT tenant_id, customer_no, date_bin('15 minutes', at, 'epoch'), dimension_no, 0,
  count(*), coalesce(sum(uncached_input), 0), coalesce(sum(cache_read), 0), coalesce(sum(plain_output), 0), coalesce(sum(cost), 0), coalesce(sum(cost), 0)
FROM usage_event WHERE tenant_id = $1 AND seq = 0 GROUP BY 1, 2, 3, 4`;

/** Rows and MiB of the tables of usage. */
export async function sizesOf(client: pg.Client): Promise<Record<string, number>> {
  const { rows } = await client.query<{ sizes: Record<string, number> }>(`
    SELECT jsonb_build_object(
      'events', (SELECT count(*) FROM usage_event),
      'keys', (SELECT count(*) FROM usage_event_key),
      'buckets', (SELECT count(*) FROM usage_bucket),
      'keysMiB', pg_table_size('usage_event_key') / 1048576, 'keysIndexMiB', pg_indexes_size('usage_event_key') / 1048576,
      'eventsMiB', (SELECT sum(pg_table_size(relid)) / 1048576 FROM pg_partition_tree('usage_event') WHERE isleaf),
      'eventsIndexMiB', (SELECT sum(pg_indexes_size(relid)) / 1048576 FROM pg_partition_tree('usage_event') WHERE isleaf),
      'bucketsMiB', pg_total_relation_size('usage_bucket') / 1048576) AS sizes`);
  return rows[0]?.sizes ?? {};
}
