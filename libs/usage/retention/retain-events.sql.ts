/** Dropping events after a tenant's retention. $1 is always the tenant. docs/retention.md tells the order of the steps and why. */

export const STATE = `
SELECT refused_before, announced_at, dropped_before, cleared_before, retry_at, after_customer_no, after_at, after_key_hash,
  events, keys, adjustments, corrections, months
FROM usage_retention WHERE tenant_id = $1`;

export const LOCK_STATE = `${STATE} FOR UPDATE`;

/** $2 horizon, $3 now. */
export const ANNOUNCE = `
INSERT INTO usage_retention AS r (tenant_id, refused_before, announced_at, months) VALUES ($1, $2, $3, '{}')
ON CONFLICT (tenant_id) DO UPDATE SET refused_before = excluded.refused_before, announced_at = excluded.announced_at`;

/** Nothing was dropped, and nothing is to be. */
export const WITHDRAW = 'DELETE FROM usage_retention WHERE tenant_id = $1 AND dropped_before IS NULL';

/** The clock is held: whoever counts from events, as recounting a slot and costing again do, did so before or will see the horizon. */
export const HOLD_CLOCK = 'SELECT 1 FROM usage_clock WHERE tenant_id = $1 FOR UPDATE';

export const DROP_ANNOUNCED = 'UPDATE usage_retention SET dropped_before = refused_before WHERE tenant_id = $1';

/** Months of events that there are, oldest first, by the names of their partitions. */
export const MONTHS = `
SELECT to_timestamp(substring(c.relname FROM 'y(\\d{4}m\\d{2})$') || ' +00', 'YYYY"m"MM TZH') AS start_at
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'usage_event'::regclass ORDER BY 1`;

/** Whether the tenant has events in a month: one look at the partition's index. $2 start, $3 end. */
export const HAS_EVENTS = 'SELECT 1 FROM usage_event WHERE tenant_id = $1 AND at >= $2 AND at < $3 LIMIT 1';

/** An identity holds 35 days at the least from when its event came in (SEMANTICS 3.1). $2 start and $3 end of the month, $4 35 days ago. */
export const HAS_YOUNG_EVENTS = 'SELECT 1 FROM usage_event WHERE tenant_id = $1 AND at >= $2 AND at < $3 AND received_at >= $4 LIMIT 1';

/**
 * The next events of a month in the order of its partition's key. $2 start, $3 end, $4 to $6 the last of the page before (null: none), $7 events. The
 * row of an amended event has bytes of its own and always its key's text.
 */
export const PAGE = `
SELECT customer_no, at, key_hash, key FROM usage_event
WHERE tenant_id = $1 AND at >= $2 AND at < $3 AND ($4::int4 IS NULL OR (customer_no, at, key_hash) > ($4::int4, $5::timestamptz, $6::uuid))
ORDER BY customer_no, at, key_hash LIMIT $7`;

/** $2 customers, $3 times, $4 identities of rows. */
export const DELETE_EVENTS = `
DELETE FROM usage_event e USING unnest($2::int4[], $3::timestamptz[], $4::uuid[]) AS row (customer_no, at, key_hash)
WHERE e.tenant_id = $1 AND e.customer_no = row.customer_no AND e.at = row.at AND e.key_hash = row.key_hash`;

/**
 * An identity goes when no event of its key is left: neither the one that it names now nor one that was cancelled and lies inside of the horizon. $2
 * identities of keys, $3 horizon. Waits for nobody: whoever corrects one of these keys right now keeps it.
 */
export const DELETE_KEYS = `
WITH gone AS MATERIALIZED (
  SELECT k.key_hash FROM usage_event_key k WHERE k.tenant_id = $1 AND k.key_hash = ANY ($2::uuid[]) AND k.at < $3
    AND NOT EXISTS (SELECT 1 FROM usage_correction c WHERE c.tenant_id = $1 AND c.key_hash = k.key_hash AND c.at >= $3)
  ORDER BY k.key_hash FOR UPDATE OF k SKIP LOCKED
)
DELETE FROM usage_event_key k WHERE k.tenant_id = $1 AND k.key_hash = ANY (ARRAY(SELECT key_hash FROM gone)) AND k.at < $3 RETURNING k.key_hash`;

export const FORGET_ADJUSTMENTS = 'SELECT tare_forget_adjustments($1, $2::uuid[]) AS forgotten';
export const FORGET_CORRECTIONS = 'SELECT tare_forget_corrections($1, $2::uuid[]) AS forgotten';

/** $2 to $4 the last event that was cleared, $5 to $8 what was counted. */
export const ADVANCE = `
UPDATE usage_retention SET after_customer_no = $2, after_at = $3, after_key_hash = $4,
  events = events + $5, keys = keys + $6, adjustments = adjustments + $7, corrections = corrections + $8
WHERE tenant_id = $1`;

/** A month is cleared: $2 its end, $3 its name where events went with it. */
export const MONTH_CLEARED = `
UPDATE usage_retention SET cleared_before = greatest(cleared_before, $2::timestamptz), after_customer_no = NULL, after_at = NULL, after_key_hash = NULL, retry_at = NULL,
  months = CASE WHEN $3::text IS NULL OR $3 = ANY (coalesce(months, '{}')) THEN months ELSE array_append(coalesce(months, '{}'), $3) END
WHERE tenant_id = $1`;

export const RETRY_AT = 'UPDATE usage_retention SET retry_at = $2 WHERE tenant_id = $1';

export const IS_KEPT_BY_OTHERS = 'SELECT tare_usage_month_is_kept($1, false) AS kept';
export const DROP_MONTH = 'SELECT tare_drop_usage_month($1) AS dropped';

/** The counts of the run that is over become an audit entry, once. */
export const TAKE_COUNTS = `
UPDATE usage_retention r SET events = 0, keys = 0, adjustments = 0, corrections = 0, months = '{}'
FROM (SELECT * FROM usage_retention WHERE tenant_id = $1 FOR UPDATE) AS before
WHERE r.tenant_id = $1 AND before.events + before.keys + before.adjustments + before.corrections > 0
RETURNING before.events, before.keys, before.adjustments, before.corrections, before.months`;
