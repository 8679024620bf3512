/**
 * Merging bucket deltas. $1 is always the tenant.
 *
 * Which rows may be merged: rows of one cell and dimensions whose commits lie in one stretch (pin, next pin]. The merged row takes the highest of their
 * commit numbers. Then no answer changes:
 * - sums up to a pinned commit, or up to any from the floor on: a stretch is counted whole or not at all, before and after;
 * - "what changed after commit c" and "did usage come in (c, pin]", for every c: the highest number of each stretch stays where it is, and so does its
 *   cell, so the same cells have a row above c. For the same reason no row is taken away that sums to nothing: it may be all that tells of a change.
 *
 * The deltas are deleted and their sum is inserted in one statement, so that every snapshot shows either all of them or the sum. Ingest only ever adds rows
 * above the floor and never waits for these.
 */

const COUNTS = [
  'events',
  'uncached_input',
  'cache_read',
  'cache_write_5m',
  'cache_write_1h',
  'input_audio',
  'plain_output',
  'reasoning',
  'output_audio',
  'quantity',
  'gpu_seconds',
  'cost',
  'restated_cost',
];

/** Recounting a slot (`UsageBoundaries.register`) holds the same lock, shared and waiting; a chunk only tries: nobody ever waits for compaction's turn. */
export const TRY_CELLS = `SELECT pg_try_advisory_xact_lock(hashtextextended('usage_bucket ' || $1, 0)) AS held`;
export const SHARE_CELLS = `SELECT pg_advisory_xact_lock_shared(hashtextextended('usage_bucket ' || $1, 0))`;

/** Where the commits of a chunk end: so that they brought about $4 rows. No row: at the floor. $2 where the last chunk ended, $3 floor. */
export const CHUNK_END = `
SELECT seq FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq OFFSET $4 LIMIT 1`;

/** A chunk looks rows up by a table's key: hashing or sorting would read all of the tenant's where statistics are old. */
export const BY_KEY = `SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true)`;

/** And a cell's rows in that key's order, which no other index may give by sorting. */
export const IN_ORDER_OF_KEY = `SELECT set_config('enable_sort', 'off', true)`;

/**
 * Merges the cells into which commits ($2, $3] brought something, with all that was there before. OFFSET 0 keeps the look-up of each cell's rows one by one,
 * a range of one dimension makes their order that of the table's key (IN_ORDER_OF_KEY: by the index of commits, each cell would read all rows of the tenant), and
 * rows are deleted by where they lie: no plan can turn this into reading the table. The count is there to be waited for: a sum has the key of the
 * last of its deltas.
 */
export const MERGE_CELLS = `
WITH brought AS MATERIALIZED (
  SELECT customer_no, from_at, dimension_no FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq
), cells AS MATERIALIZED (
  SELECT DISTINCT customer_no, from_at, dimension_no FROM brought
), deltas AS MATERIALIZED (
  SELECT delta.*, count(*) OVER (PARTITION BY delta.customer_no, delta.from_at, delta.dimension_no, delta.pin) AS rows
  FROM cells CROSS JOIN LATERAL (
    SELECT b.ctid AS place, b.*, (SELECT p.seq FROM usage_pin p WHERE p.tenant_id = $1 AND p.customer_no = b.customer_no AND p.seq >= b.seq ORDER BY p.seq LIMIT 1) AS pin
    FROM usage_bucket b
    WHERE b.tenant_id = $1 AND b.customer_no = cells.customer_no AND b.from_at = cells.from_at
      AND b.dimension_no >= cells.dimension_no AND b.dimension_no <= cells.dimension_no AND b.seq <= $3
    ORDER BY b.dimension_no, b.seq OFFSET 0
  ) AS delta
), absorbed AS (
  DELETE FROM usage_bucket WHERE tenant_id = $1 AND ctid = ANY (ARRAY(SELECT place FROM deltas WHERE rows > 1)) RETURNING 1
), kept AS (
  INSERT INTO usage_bucket (tenant_id, customer_no, from_at, dimension_no, seq, ${COUNTS.join(', ')})
  SELECT $1, customer_no, from_at, dimension_no, max(seq), ${COUNTS.map((count) => `sum(${count})`).join(', ')}
  FROM deltas WHERE rows > 1 AND (SELECT count(*) FROM absorbed) > 0 GROUP BY customer_no, from_at, dimension_no, pin
  RETURNING 1
)
SELECT (SELECT count(*) FROM absorbed)::int4 AS absorbed, (SELECT count(*) FROM kept)::int4 AS kept`;

/** Where compaction stands, made when it is not there. $2 now. */
export const ENSURE_STATE = `
INSERT INTO usage_compaction (tenant_id, next_seq, next_at)
SELECT tenant_id, seq, $2 FROM usage_clock WHERE tenant_id = $1 ON CONFLICT (tenant_id) DO NOTHING`;

export const STATE = `
SELECT s.floor_seq, s.next_seq, s.next_at, s.compacted_seq, c.seq AS current_seq
FROM usage_clock c LEFT JOIN usage_compaction s ON s.tenant_id = c.tenant_id WHERE c.tenant_id = $1`;

/**
 * The commit that was the last one at least an hour ago ($3) becomes the floor, the current one the next; $2 now. Waits for those who pin. Cursors that add
 * up what came after them stay at or above the floor: a meter's roll-up that has fallen behind holds it until it has caught up.
 */
export const RAISE_FLOOR = `
UPDATE usage_compaction s SET next_seq = c.seq, next_at = $2,
  floor_seq = greatest(s.floor_seq, least(s.next_seq, (SELECT min(r.seq) FROM meter_rollup r WHERE r.tenant_id = $1)))
FROM usage_clock c WHERE s.tenant_id = $1 AND c.tenant_id = s.tenant_id AND s.next_at <= $3`;

export const ADVANCE = 'UPDATE usage_compaction SET compacted_seq = $2 WHERE tenant_id = $1';
