/** Single events as somebody saw them who read up to a commit. $1 is always the tenant. */

/**
 * Events of customer $2 in [$3, $4) as they stood after commit $5, by time, then identity, behind the place ($6, $7), with one of the dimensions $8 (null: any),
 * $9 at the most. $10: also those that counted after that commit and were cancelled since. It goes along the index of each month and reads no row twice.
 * An event whose cost became known later still stands where it arrived.
 */
export const SEEN_EVENTS = `
SELECT e.key_hash, e.key, e.at, d.type, d.provider, d.model, d.service_tier, d.region, d.pool, d.feature, d.outcome, d.subscription_id, d.cost_state, d.cost_currency,
  coalesce(e.uncached_input, 0)::text AS uncached_input, coalesce(e.cache_read, 0)::text AS cache_read, coalesce(e.cache_write_5m, 0)::text AS cache_write_5m,
  coalesce(e.cache_write_1h, 0)::text AS cache_write_1h, coalesce(e.input_audio, 0)::text AS input_audio, coalesce(e.plain_output, 0)::text AS plain_output,
  coalesce(e.reasoning, 0)::text AS reasoning, coalesce(e.output_audio, 0)::text AS output_audio,
  coalesce(e.quantity, 0)::text AS quantity, coalesce(e.gpu_seconds, 0)::text AS gpu_seconds,
  CASE WHEN e.costed_seq > $5 THEN 0 ELSE coalesce(e.cost, 0) END::text AS cost,
  e."user" AS end_user, e.trace_id, e.properties, e.seq, e.voided_seq
FROM usage_event e
JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = CASE WHEN e.costed_seq > $5 THEN e.arrived_dimension_no ELSE e.dimension_no END
WHERE e.tenant_id = $1 AND e.customer_no = $2 AND e.at >= $3::timestamptz AND e.at < $4::timestamptz
  AND e.at >= coalesce((SELECT r.dropped_before FROM usage_retention r WHERE r.tenant_id = $1), '-infinity')
  AND ($6::timestamptz IS NULL OR (e.at, e.key_hash) > ($6::timestamptz, $7::uuid))
  AND e.seq <= $5 AND (e.voided_seq IS NULL OR e.voided_seq > $5 OR (e.seq <= $10::bigint AND e.voided_seq > $10::bigint))
  AND ($8::int4[] IS NULL OR e.dimension_no = ANY ($8::int4[]))
ORDER BY e.at, e.key_hash LIMIT $9`;

/** The sets of dimensions of a tenant, $2 type (null: any). */
export const DIMENSIONS_OF_TYPE = `
SELECT no, type, provider, model, service_tier, region, pool, feature, outcome, subscription_id, cost_state, cost_currency
FROM usage_dimension WHERE tenant_id = $1 AND ($2::text IS NULL OR type = $2)`;
