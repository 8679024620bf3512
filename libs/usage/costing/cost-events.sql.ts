/** Looking at the cost of stored events again. $1 is always the tenant. */

/** Below every identity. */
const NO_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * Around EVENTS_TO_COST: a page is read from where the one before ended, in the order of the primary key, however old statistics are. The rows of a page come in no
 * order: to sort them there, with sorting out of favour, each would be held against each.
 */
export const IN_ORDER_OF_KEY = `SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true)`;
export const IN_ANY_ORDER = `SELECT set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'on', true)`;

/**
 * Events of a provider and model, or of a pool, that count and whose cost comes from the book: unpriced, waiting, or priced. Pages by the primary key (customer, time, identity), so that a run
 * of any length holds no more than a page. $2 provider, $3 model, $4 pool (null: any), $5 from, $6 to (null: no end), $7, $8 and $10 time, identity and customer
 * of the last of the page before, $9 events at most. What was restated is looked up for the page at once: for tables that have grown since they were last analysed, a lookup
 * per event could read all of it each time.
 */
export const EVENTS_TO_COST = `
WITH page AS MATERIALIZED (
  SELECT * FROM usage_event e
  WHERE e.tenant_id = $1 AND e.voided_seq IS NULL AND e.at >= $5::timestamptz AND ($6::timestamptz IS NULL OR e.at < $6)
    AND (e.customer_no, e.at, e.key_hash) > (coalesce($10::int4, -1), coalesce($7::timestamptz, '-infinity'), coalesce($8::uuid, '${NO_UUID}'))
    AND e.dimension_no = ANY (ARRAY(
      SELECT no FROM usage_dimension WHERE tenant_id = $1 AND cost_state IN ('UNPRICED', 'PENDING', 'PRICED')
        AND ($2::text IS NULL OR provider = $2) AND ($3::text IS NULL OR model = $3) AND ($4::text IS NULL OR pool = $4)))
  ORDER BY e.customer_no, e.at, e.key_hash LIMIT $9
), adjusted AS MATERIALIZED (
  SELECT DISTINCT ON (key_hash) key_hash, cost, dimension_no FROM cost_adjustment
  WHERE tenant_id = $1 AND key_hash = ANY (ARRAY(SELECT key_hash FROM page)) ORDER BY key_hash, seq DESC
)
SELECT e.key_hash AS identity, e.at, e.customer_no, e.dimension_no,
  d.type, d.provider, d.model, d.service_tier, d.region, d.pool, d.feature, d.outcome, d.subscription_id, d.cost_state, d.cost_currency,
  coalesce(e.uncached_input, 0)::text AS uncached_input, coalesce(e.cache_read, 0)::text AS cache_read, coalesce(e.cache_write_5m, 0)::text AS cache_write_5m, coalesce(e.cache_write_1h, 0)::text AS cache_write_1h, coalesce(e.input_audio, 0)::text AS input_audio, coalesce(e.plain_output, 0)::text AS plain_output, coalesce(e.reasoning, 0)::text AS reasoning,
  coalesce(e.output_audio, 0)::text AS output_audio, coalesce(e.quantity, 0)::text AS quantity, coalesce(e.gpu_seconds, 0)::text AS gpu_seconds, e.cost::text, coalesce(adjusted.cost, e.cost)::text AS restated_cost,
  coalesce(ad.cost_currency, d.cost_currency) AS restated_currency
FROM page e
JOIN usage_dimension d ON d.tenant_id = $1 AND d.no = e.dimension_no
LEFT JOIN adjusted ON adjusted.key_hash = e.key_hash
LEFT JOIN usage_dimension ad ON ad.tenant_id = $1 AND ad.no = adjusted.dimension_no`;

/**
 * Unknown becomes known, once: an event that has a cost keeps it (SEMANTICS 9.2). Looked up one by one, by the table's key: where statistics are older than a
 * large import, a join would read all events of the tenant, and its clock is held meanwhile. $2 commit, then arrays with one element for each event.
 */
export const SET_COSTS =
  'SELECT tare_set_costs($1::uuid, $2::int8, $3::timestamptz[], $4::uuid[], $5::int4[], $6::numeric[], $7::uuid[], $8::int4[])';

export const ADD_ADJUSTMENTS = `
INSERT INTO cost_adjustment (tenant_id, id, key_hash, at, rate_id, cost, dimension_no, seq)
SELECT $1, gen_random_uuid(), key_hash, at, rate_id, cost, dimension_no, $2
FROM unnest($3::timestamptz[], $4::uuid[], $5::int4[], $6::numeric[], $7::uuid[]) AS row (at, key_hash, dimension_no, cost, rate_id)`;
