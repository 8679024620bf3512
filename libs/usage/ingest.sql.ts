/**
 * The statements of a flush. Whole columns travel as arrays and become rows in `unnest`: one statement per table whatever the number of events, and
 * row-level security checks every row (COPY refuses tables under it).
 */

/**
 * Tells new keys from repeated ones and takes the new ones, in one statement. Rows come in the order of the primary key, so that two flushes with
 * the same keys wait for each other instead of deadlocking. Only the positions of repeated keys are answered: usually none.
 */
export const TAKE_KEYS = `
WITH incoming AS (
  SELECT tenant_id, key_hash, content_hash, at, customer_no, position
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::int4[]) WITH ORDINALITY AS row (tenant_id, key_hash, content_hash, at, customer_no, position)
), taken AS (
  INSERT INTO usage_event_key (tenant_id, key_hash, content_hash, at, customer_no)
  SELECT tenant_id, key_hash, content_hash, at, customer_no FROM incoming ORDER BY position
  ON CONFLICT DO NOTHING RETURNING tenant_id, key_hash
)
SELECT incoming.position::int4 AS position FROM incoming
WHERE NOT EXISTS (SELECT 1 FROM taken WHERE taken.tenant_id = incoming.tenant_id AND taken.key_hash = incoming.key_hash)`;

/**
 * What is kept under keys that are taken already. A statement of its own: whoever took them has committed by now, and only a new snapshot shows it.
 */
export const KEPT_CONTENTS = `
SELECT wanted.position::int4 AS position, replace(k.content_hash::text, '-', '') AS fingerprint
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS wanted (tenant_id, key_hash, position)
JOIN usage_event_key k ON k.tenant_id = wanted.tenant_id AND k.key_hash = wanted.key_hash`;

/**
 * The tenants' next commit numbers. The row locks, taken in the order of ids, hold until the commit: whoever reads a number also sees every row
 * with that number or a lower one, and boundaries or rates that are read after it stand still until then.
 */
export const ADVANCE_CLOCKS = `
WITH locked AS (SELECT tenant_id FROM usage_clock WHERE tenant_id = ANY ($1::uuid[]) ORDER BY tenant_id FOR UPDATE)
UPDATE usage_clock SET seq = usage_clock.seq + 1 FROM locked WHERE usage_clock.tenant_id = locked.tenant_id
RETURNING usage_clock.tenant_id, usage_clock.seq, usage_clock.boundary_version`;

export const INSERT_EVENTS = `
INSERT INTO usage_event (tenant_id, key_hash, at, key, customer_no, dimension_no, seq,
  uncached_input, cache_read, cache_write_5m, cache_write_1h, input_audio, plain_output, reasoning, output_audio, quantity, gpu_seconds,
  cost, cost_rate_id, reported_cost, reported_currency, "user", trace_id, duration_ms, properties)
SELECT tenant_id, key_hash, at, key, customer_no, dimension_no, seq,
  uncached_input, cache_read, cache_write_5m, cache_write_1h, input_audio, plain_output, reasoning, output_audio, quantity, gpu_seconds,
  cost, cost_rate_id, reported_cost, reported_currency, end_user, trace_id, duration_ms, properties
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::int4[], $6::int4[], $7::int8[],
  $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[], $16::numeric[], $17::numeric[],
  $18::numeric[], $19::uuid[], $20::numeric[], $21::text[], $22::text[], $23::text[], $24::int4[], $25::jsonb[])
  AS row (tenant_id, key_hash, at, key, customer_no, dimension_no, seq,
  uncached_input, cache_read, cache_write_5m, cache_write_1h, input_audio, plain_output, reasoning, output_audio, quantity, gpu_seconds,
  cost, cost_rate_id, reported_cost, reported_currency, end_user, trace_id, duration_ms, properties)`;

/** Deltas only: a commit adds rows with its own number and never touches another's, so no two writers meet in a row. */
export const INSERT_BUCKETS = `
INSERT INTO usage_bucket (tenant_id, customer_no, from_at, dimension_no, seq, events,
  uncached_input, cache_read, cache_write_5m, cache_write_1h, input_audio, plain_output, reasoning, output_audio, quantity, gpu_seconds, cost, restated_cost)
SELECT * FROM unnest($1::uuid[], $2::int4[], $3::timestamptz[], $4::int4[], $5::int8[], $6::int8[],
  $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[], $16::numeric[],
  $17::numeric[], $18::numeric[])`;
