/**
 * Running sums of usage between the cuts of a customer's time. $1 is always the tenant.
 *
 * They follow the commits of usage: what commits ($2, $3] brought is added in one statement, whoever it belongs to, so that the cost depends on what is new
 * and never on what is stored. Cells of usage lie wholly inside a piece, because every cut is on the grid or a boundary that was registered.
 */

const COUNTS = [
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
const SUMMED = ['events', ...COUNTS];
const sums = (from: string): string => SUMMED.map((count) => `sum(${from}.${count}) AS ${count}`).join(', ');

/** Where the sums stand, where usage stands, and below which commit rows of usage may have been merged with later ones. */
export const POSITION = `
SELECT coalesce(k.seq, 0) AS usage_seq, c.seq AS seq, coalesce(m.floor_seq, 0) AS floor_seq
FROM (SELECT $1::uuid AS tenant_id) AS t
LEFT JOIN usage_clock k ON k.tenant_id = t.tenant_id
LEFT JOIN entitlement_cursor c ON c.tenant_id = t.tenant_id
LEFT JOIN usage_compaction m ON m.tenant_id = t.tenant_id`;

export const BEGIN = `INSERT INTO entitlement_cursor (tenant_id, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING`;

export const LOCK = 'SELECT seq FROM entitlement_cursor WHERE tenant_id = $1 FOR UPDATE';

/** Whoever counts anew holds the cursor where it is; several may at once. */
export const SHARE = 'SELECT seq FROM entitlement_cursor WHERE tenant_id = $1 FOR SHARE';

export const MOVE = 'UPDATE entitlement_cursor SET seq = $2 WHERE tenant_id = $1';

/** In the order of the key, so that nobody waits in a circle. */
const SEEN = `
INSERT INTO entitlement_customer AS c (tenant_id, customer_no, changed_seq)
  SELECT $1, customer_no, $3::bigint FROM moved GROUP BY customer_no ORDER BY customer_no
  ON CONFLICT (tenant_id, customer_no) DO UPDATE SET changed_seq = excluded.changed_seq`;

export const ADD_COMMITS = `
WITH moved AS MATERIALIZED (
  SELECT b.customer_no, b.from_at, b.dimension_no, ${sums('b')}
  FROM usage_bucket b WHERE b.tenant_id = $1 AND b.seq > $2 AND b.seq <= $3 GROUP BY b.customer_no, b.from_at, b.dimension_no
), seen AS (${SEEN})
INSERT INTO entitlement_usage AS u (tenant_id, customer_no, from_at, dimension_no, ${SUMMED.join(', ')})
SELECT $1, c.customer_no, c.cuts[width_bucket(m.from_at, c.cuts)] AS piece, m.dimension_no, ${sums('m')}
FROM moved m CROSS JOIN LATERAL (
  SELECT e.customer_no, e.cuts FROM entitlement_customer e WHERE e.tenant_id = $1 AND e.customer_no = m.customer_no AND cardinality(e.cuts) > 1 OFFSET 0
) AS c
WHERE m.from_at >= c.cuts[1] AND m.from_at < c.cuts[cardinality(c.cuts)]
GROUP BY c.customer_no, piece, m.dimension_no ORDER BY c.customer_no, piece, m.dimension_no
ON CONFLICT (tenant_id, customer_no, from_at, dimension_no) DO UPDATE SET ${SUMMED.map((count) => `${count} = u.${count} + excluded.${count}`).join(', ')}`;

/** Commits that were merged with earlier ones can't be added: everything is counted anew when it is asked for. Who moved is remembered all the same. */
export const FORGET_SUMS = 'DELETE FROM entitlement_usage WHERE tenant_id = $1';
export const FORGET_CUTS = `UPDATE entitlement_customer SET cuts = '{}' WHERE tenant_id = $1 AND cuts <> '{}'`;
export const MARK_MOVED = `
WITH moved AS (SELECT DISTINCT customer_no FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $3)
${SEEN}`;

/** Customers ($2) and, as texts of arrays, their new cuts ($3). */
export const SET_CUTS = `
INSERT INTO entitlement_customer AS c (tenant_id, customer_no, cuts)
SELECT $1, plan.customer_no, plan.cuts::timestamptz[] FROM unnest($2::int4[], $3::text[]) AS plan (customer_no, cuts) ORDER BY plan.customer_no
ON CONFLICT (tenant_id, customer_no) DO UPDATE SET cuts = excluded.cuts`;

export const FORGET_SUMS_OF = 'DELETE FROM entitlement_usage WHERE tenant_id = $1 AND customer_no = ANY ($2::int4[])';

/** Counts the pieces of customers from cells, as they stood after commit $4 (`+ 0`: not by the index of commits, which all of the tenant's are in). */
export const COUNT_ANEW = `
INSERT INTO entitlement_usage (tenant_id, customer_no, from_at, dimension_no, ${SUMMED.join(', ')})
SELECT $1, plan.customer_no, part.piece, part.dimension_no, ${SUMMED.map((count) => `part.${count}`).join(', ')}
FROM unnest($2::int4[], $3::text[]) AS plan (customer_no, cut_text) CROSS JOIN LATERAL (SELECT plan.cut_text::timestamptz[] AS cuts) AS k
CROSS JOIN LATERAL (
  SELECT k.cuts[width_bucket(b.from_at, k.cuts)] AS piece, b.dimension_no, ${sums('b')}
  FROM usage_bucket b
  WHERE b.tenant_id = $1 AND b.customer_no = plan.customer_no AND b.from_at >= k.cuts[1] AND b.from_at < k.cuts[cardinality(k.cuts)] AND b.seq + 0 <= $4
  GROUP BY piece, b.dimension_no
) AS part`;

/** By which sums are known to be the same: who moves a customer says with which commit, who counts anew sets other cuts. */
const STAMP = `c.changed_seq || ' ' || to_jsonb(c.cuts)::text`;
export const STAMPS = `
SELECT c.customer_no, ${STAMP} AS stamp
FROM unnest($2::int4[]) AS wanted (no)
CROSS JOIN LATERAL (SELECT customer_no, changed_seq, cuts FROM entitlement_customer WHERE tenant_id = $1 AND customer_no = wanted.no OFFSET 0) AS c`;

/**
 * Customers and their sums in one statement: of one moment. A customer without sums has one row without a dimension. Each part is looked up by its whole key
 * (OFFSET 0 keeps them apart): left to choose, Postgres joins tables of a young tenant, of which it knows no numbers yet, by reading each of them once for every
 * row of the other.
 */
export const READ_SUMS = `
SELECT c.customer_no, ${STAMP} AS stamp, to_jsonb(c.cuts)::text AS cuts, u.from_at, u.events::text AS events,
  ${COUNTS.map((count) => `u.${count}::text AS ${count}`).join(', ')},
  d.type, d.provider, d.model, d.service_tier, d.region, d.pool, d.feature, d.outcome, d.subscription_id, d.cost_state, d.cost_currency
FROM unnest($2::int4[]) AS wanted (no)
CROSS JOIN LATERAL (SELECT customer_no, changed_seq, cuts FROM entitlement_customer WHERE tenant_id = $1 AND customer_no = wanted.no OFFSET 0) AS c
LEFT JOIN LATERAL (SELECT * FROM entitlement_usage WHERE tenant_id = $1 AND customer_no = c.customer_no OFFSET 0) AS u ON true
LEFT JOIN LATERAL (SELECT * FROM usage_dimension WHERE tenant_id = $1 AND no = u.dimension_no OFFSET 0) AS d ON true
ORDER BY c.customer_no, u.from_at, u.dimension_no`;

/** Whose limits are to be looked at, beyond customer $2. */
export const WAITING = `
SELECT customer_no, changed_seq FROM entitlement_customer WHERE tenant_id = $1 AND changed_seq > alerted_seq AND customer_no > $2 ORDER BY customer_no LIMIT $3`;

export const LOOKED_AT = `
UPDATE entitlement_customer c SET alerted_seq = seen.changed_seq FROM unnest($2::int4[], $3::bigint[]) AS seen (customer_no, changed_seq)
WHERE c.tenant_id = $1 AND c.customer_no = seen.customer_no AND c.alerted_seq < seen.changed_seq`;

/** A limit changed: to be looked at again, with or without new usage. */
export const LOOK_AGAIN = `
INSERT INTO entitlement_customer AS c (tenant_id, customer_no) VALUES ($1, $2)
ON CONFLICT (tenant_id, customer_no) DO UPDATE SET alerted_seq = -1`;
