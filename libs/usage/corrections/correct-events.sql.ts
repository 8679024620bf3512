/**
 * Corrections of stored events. Arrays of one statement have one element for each row. Rows are looked up one by one, by the keys of their tables: where
 * statistics are older than a large import, a join would read all rows of the tenant, and these statements run while its clock is held.
 */

/**
 * The keys of events that are to be corrected, held until the transaction ends. They come in the order of the primary key: two requests with the same keys
 * wait for each other instead of deadlocking. Whoever corrects takes keys first and clocks then, as a flush does.
 */
export const LOCK_KEYS = `
SELECT k.* FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, key_hash) CROSS JOIN LATERAL (
  SELECT k.tenant_id, k.key_hash, k.content_hash, k.customer_no, k.at, k.revision, k.voided_seq IS NOT NULL AS voided
  FROM usage_event_key k WHERE k.tenant_id = wanted.tenant_id AND k.key_hash = wanted.key_hash LIMIT 1 FOR UPDATE
) AS k`;

/** Positions, from 1, of contents that stood under their key before something else took their place. */
export const EARLIER_CONTENTS = `
SELECT wanted.position::int4 AS position
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS wanted (tenant_id, key_hash, content_hash, position) CROSS JOIN LATERAL (
  SELECT FROM usage_correction c WHERE c.tenant_id = wanted.tenant_id AND c.key_hash = wanted.key_hash AND c.content_hash = wanted.content_hash LIMIT 1
) AS earlier`;

/** Cancels events that count, and answers what they are. Needs the tenants' clocks: nothing costs them meanwhile. */
export const CANCEL_EVENTS = `
SELECT e.tenant_id, e.key_hash, e.customer_no, e.at, e.dimension_no, e.voided_seq AS seq,
  coalesce(e.uncached_input, 0)::text AS uncached_input, coalesce(e.cache_read, 0)::text AS cache_read,
  coalesce(e.cache_write_5m, 0)::text AS cache_write_5m, coalesce(e.cache_write_1h, 0)::text AS cache_write_1h,
  coalesce(e.input_audio, 0)::text AS input_audio, coalesce(e.plain_output, 0)::text AS plain_output, coalesce(e.reasoning, 0)::text AS reasoning,
  coalesce(e.output_audio, 0)::text AS output_audio, coalesce(e.quantity, 0)::text AS quantity, coalesce(e.gpu_seconds, 0)::text AS gpu_seconds,
  coalesce(e.cost, 0)::text AS cost
FROM tare_cancel_events($1::uuid[], $2::int4[], $3::timestamptz[], $4::uuid[], $5::int8[]) AS e`;

/** The last restatement of each of the events that has one. $1 tenants, each once, $2 identities of rows. */
export const LAST_ADJUSTMENTS = `
SELECT DISTINCT ON (tenant_id, key_hash) tenant_id, key_hash, cost::text AS cost, dimension_no FROM cost_adjustment
WHERE tenant_id = ANY ($1::uuid[]) AND key_hash = ANY ($2::uuid[]) ORDER BY tenant_id, key_hash, seq DESC`;

/** What the keys name from now on. The commit that voided is null for an event that counts. */
export const SET_KEYS =
  'SELECT tare_set_event_keys($1::uuid[], $2::uuid[], $3::uuid[], $4::int4[], $5::timestamptz[], $6::int4[], $7::int8[])';

export const ADD_CORRECTIONS = `
INSERT INTO usage_correction (tenant_id, key_hash, revision, seq, kind, content_hash, customer_no, at, actor, reason)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int4[], $4::int8[], $5::text[], $6::uuid[], $7::int4[], $8::timestamptz[], $9::text[], $10::text[])`;

/** What was done to a key's event, in order. $1 tenant, $2 identity. */
export const TRAIL = `
SELECT c.kind, c.revision, c.recorded_at, c.actor, c.reason, k.key AS customer, c.at
FROM usage_correction c JOIN customer_key k ON k.tenant_id = c.tenant_id AND k.no = c.customer_no
WHERE c.tenant_id = $1 AND c.key_hash = $2 ORDER BY c.revision`;
