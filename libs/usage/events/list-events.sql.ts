/**
 * Listing events, newest first. $1 is always the tenant.
 *
 * Events have one index: (tenant, customer, time, identity) in each month's partition. So a list is cheap where its customers and a span of time are known,
 * and buckets know both: they are read first, events only where there are some, and never all of them.
 *
 * - Of one customer without filters, `NEWEST_OF_CUSTOMERS` reads the index from its end: as many entries as the page has, in the newest partitions only.
 * - Of all customers, the N newest events lie with at most N customers: those whose latest cells are the newest. `LATEST_CELLS` looks each customer's latest
 *   cell up by the key of usage_bucket, one look for each customer of the tenant, and keeps the N newest and those level with the last of them. Since
 *   each of these cells has an event, no customer outside of them has one among the N newest.
 * - With filters, `LATEST_CELLS` and `MATCHING_CELLS` keep to cells that have the dimensions asked for, and `NEWEST_OF_CELLS` reads the events of those cells
 *   alone. Of all customers, cells are looked for in the last day first, then ever farther back: a type that most of them never have is not looked for in all
 *   of their history at once. User and trace are no dimensions: for them every cell in question is read, a bounded number in a page, and a page may come back short with a
 *   cursor to read on from.
 */

/**
 * Rows are looked up by the tables' keys and read in their order: on tables just grown, whose statistics are old, other plans look as good and read all of
 * the tenant's rows.
 */
export const BY_KEY_IN_ORDER = `
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
  set_config('enable_sort', 'off', true)`;

const BELOW = (at: string, hash: string, cursorAt: string, cursorHash: string): string =>
  `(${cursorAt}::timestamptz IS NULL OR (${at}, ${hash}) < (${cursorAt}::timestamptz, ${cursorHash}::uuid))`;

/** The sets of dimensions that a filter keeps. $2 type, $3 provider, $4 model, $5 feature, $6 outcome, $7 cost state; null: any. */
export const DIMENSIONS_OF_FILTER = `
SELECT no FROM usage_dimension WHERE tenant_id = $1 AND ($2::text IS NULL OR type = $2) AND ($3::text IS NULL OR provider = $3)
  AND ($4::text IS NULL OR model = $4) AND ($5::text IS NULL OR feature = $5) AND ($6::text IS NULL OR outcome = $6) AND ($7::text IS NULL OR cost_state = $7)`;

/** Each customer's latest cell in [$2, $3] with one of the dimensions $4 (null: any): the $5 newest, and those level with the last. */
export const LATEST_CELLS = `
SELECT k.no AS customer_no, latest.from_at
FROM customer_key k CROSS JOIN LATERAL (
  SELECT b.from_at FROM usage_bucket b
  WHERE b.tenant_id = $1 AND b.customer_no = k.no AND b.from_at >= $2::timestamptz AND b.from_at <= $3::timestamptz
    AND ($4::int4[] IS NULL OR b.dimension_no = ANY ($4::int4[]))
  ORDER BY b.from_at DESC LIMIT 1
) AS latest
WHERE k.tenant_id = $1 ORDER BY date_bin('15 minutes', latest.from_at, 'epoch') DESC FETCH FIRST $5 ROWS WITH TIES`;

/** The newest rows of cells of each customer $2 in [$3, $4] with one of the dimensions $5 (null: any): $6 of each at the most. */
export const MATCHING_CELLS = `
SELECT customer.no AS customer_no, cell.slot
FROM unnest($2::int4[]) AS customer (no) CROSS JOIN LATERAL (
  SELECT date_bin('15 minutes', b.from_at, 'epoch') AS slot FROM usage_bucket b
  WHERE b.tenant_id = $1 AND b.customer_no = customer.no AND b.from_at >= $3::timestamptz AND b.from_at <= $4::timestamptz
    AND ($5::int4[] IS NULL OR b.dimension_no = ANY ($5::int4[]))
  ORDER BY b.from_at DESC LIMIT $6
) AS cell`;

/**
 * The $7 newest events of customers $2 in [$3, $4) below the cursor $5, $6. First the newest event of each customer, from the index alone: only the $7
 * customers with the newest of these are read further, and not below the last of them.
 */
export const NEWEST_OF_CUSTOMERS = `
WITH newest AS MATERIALIZED (
  SELECT customer.no, e.at, e.key_hash FROM unnest($2::int4[]) AS customer (no) CROSS JOIN LATERAL (
    SELECT e.at, e.key_hash FROM usage_event e
    WHERE e.tenant_id = $1 AND e.customer_no = customer.no AND e.at >= $3::timestamptz AND e.at < $4::timestamptz AND ${BELOW('e.at', 'e.key_hash', '$5', '$6')}
    ORDER BY e.at DESC, e.key_hash DESC LIMIT 1
  ) AS e ORDER BY e.at DESC, e.key_hash DESC LIMIT $7
), least_at AS MATERIALIZED (
  SELECT CASE WHEN count(*) < $7 THEN $3::timestamptz ELSE min(at) END AS at FROM newest
)
SELECT e.customer_no, e.at, e.key_hash FROM newest CROSS JOIN LATERAL (
  SELECT e.customer_no, e.at, e.key_hash FROM usage_event e
  WHERE e.tenant_id = $1 AND e.customer_no = newest.no AND e.at >= (SELECT at FROM least_at) AND e.at < $4::timestamptz AND ${BELOW('e.at', 'e.key_hash', '$5', '$6')}
  ORDER BY e.at DESC, e.key_hash DESC LIMIT $7
) AS e
ORDER BY e.at DESC, e.key_hash DESC LIMIT $7`;

/**
 * The $8 newest events of cells (customers $2, starts of slots $3) in [$4, $5) below the cursor $6, $7, with one of the dimensions $9 (null: any), of the user
 * $10 and the trace $11 (null: any).
 */
export const NEWEST_OF_CELLS = `
SELECT e.customer_no, e.at, e.key_hash FROM unnest($2::int4[], $3::timestamptz[]) AS cell (customer_no, slot) CROSS JOIN LATERAL (
  SELECT e.customer_no, e.at, e.key_hash FROM usage_event e
  WHERE e.tenant_id = $1 AND e.customer_no = cell.customer_no AND e.at >= greatest(cell.slot, $4::timestamptz)
    AND e.at < least(cell.slot + interval '15 minutes', $5::timestamptz) AND ${BELOW('e.at', 'e.key_hash', '$6', '$7')}
    AND ($9::int4[] IS NULL OR e.dimension_no = ANY ($9::int4[])) AND ($10::text IS NULL OR e."user" = $10) AND ($11::text IS NULL OR e.trace_id = $11)
  ORDER BY e.at DESC, e.key_hash DESC LIMIT $8
) AS e ORDER BY e.at DESC, e.key_hash DESC LIMIT $8`;

/** What keys name now. $2 identities. */
export const PLACES_OF_KEYS = `
SELECT k.key_hash AS identity, k.customer_no, k.at, k.revision FROM usage_event_key k WHERE k.tenant_id = $1 AND k.key_hash = ANY ($2::uuid[])`;

/** Whole events at their places, newest first: $2 customers, $3 times, $4 identities of rows; with what they cost by the last restatement. */
export const EVENTS_AT = `
SELECT e.key_hash, e.key, c.key AS customer, e.at, e.received_at, e.voided_seq IS NOT NULL AS cancelled,
  d.type, d.provider, d.model, d.service_tier, d.region, d.pool, d.feature, d.outcome, d.subscription_id, d.cost_state, d.cost_currency,
  coalesce(e.uncached_input, 0)::text AS uncached_input, coalesce(e.cache_read, 0)::text AS cache_read, coalesce(e.cache_write_5m, 0)::text AS cache_write_5m,
  coalesce(e.cache_write_1h, 0)::text AS cache_write_1h, coalesce(e.input_audio, 0)::text AS input_audio, coalesce(e.plain_output, 0)::text AS plain_output,
  coalesce(e.reasoning, 0)::text AS reasoning, coalesce(e.output_audio, 0)::text AS output_audio,
  e.quantity::text AS quantity, e.gpu_seconds::text AS gpu_seconds, e.cost::text AS cost, e.cost_rate_id AS rate_id,
  restated.cost::text AS restated_cost, restated.cost_currency AS restated_currency, restated.rate_id AS restated_rate_id,
  e."user" AS end_user, e.trace_id, e.duration_ms, e.properties
FROM unnest($2::int4[], $3::timestamptz[], $4::uuid[]) AS place (customer_no, at, key_hash)
CROSS JOIN LATERAL (
  SELECT * FROM usage_event e WHERE e.tenant_id = $1 AND e.customer_no = place.customer_no AND e.at = place.at AND e.key_hash = place.key_hash OFFSET 0
) AS e
JOIN usage_dimension d ON d.tenant_id = $1 AND d.no = e.dimension_no
JOIN customer_key c ON c.tenant_id = $1 AND c.no = e.customer_no
LEFT JOIN LATERAL (
  SELECT a.cost, a.rate_id, ad.cost_currency FROM cost_adjustment a JOIN usage_dimension ad ON ad.tenant_id = $1 AND ad.no = a.dimension_no
  WHERE a.tenant_id = $1 AND a.key_hash = e.key_hash ORDER BY a.seq DESC LIMIT 1
) AS restated ON true
ORDER BY e.at DESC, e.key_hash DESC`;

/** How the events of keys were cancelled. $2 identities. */
export const CANCELLATIONS = `SELECT key_hash AS identity, revision, kind FROM usage_correction WHERE tenant_id = $1 AND key_hash = ANY ($2::uuid[])`;
