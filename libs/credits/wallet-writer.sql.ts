/**
 * Everything that was decided on a wallet at once, in one statement: it happens only on the version of the wallet that was decided on ($3), all of it or
 * nothing. No `held` wallet in the answer, and another one was faster. A key that is taken fails the statement.
 *
 * $1 tenant, $2 customer, $4 - $6 what balance, reserved and debt change by, $7 transaction, $8 - $16 postings, $17 - $20 grants.
 */
const WALLET = `
WITH held AS (
  UPDATE wallet SET version = version + 1, balance = balance + $4, reserved = reserved + $5, debt = debt + $6
  WHERE tenant_id = $1 AND customer_id = $2 AND version = $3 RETURNING 1
), posted AS (
  INSERT INTO credit_posting (tenant_id, id, customer_id, transaction_id, account, grant_id, credits, revenue, at, subscription_id, segment_id, period_start, cause)
  SELECT $1, gen_random_uuid(), $2, $7, p.account, p.grant_id, p.credits, p.revenue, p.at, p.subscription_id, p.segment_id, p.period_start, p.cause
  FROM held, unnest($8::text[], $9::uuid[], $10::numeric[], $11::numeric[], $12::timestamptz[], $13::uuid[], $14::uuid[], $15::timestamptz[], $16::text[])
    AS p (account, grant_id, credits, revenue, at, subscription_id, segment_id, period_start, cause)
), moved AS (
  UPDATE credit_grant g SET remaining = g.remaining + m.remaining, reserved = g.reserved + m.reserved, price_used = g.price_used + m.price_used
  FROM held, unnest($17::uuid[], $18::numeric[], $19::numeric[], $20::numeric[]) AS m (id, remaining, reserved, price_used)
  WHERE g.tenant_id = $1 AND g.id = m.id
)`;

/**
 * Debits that one grant covers, all of one period and at nearly one time: what a hot wallet writes. The same as WRITE_WALLET in a fraction of its time, since
 * little of it has to be read out of arrays. $1 tenant, $2 customer, $3 version, $4 credits and $5 revenue of all of them, $6 transaction, $7 grant,
 * $8 time of the postings, $9 - $11 the period, $12 - $16 the debits.
 */
export const WRITE_DEBITS = `
WITH held AS (
  UPDATE wallet SET version = version + 1, balance = balance - $4::numeric WHERE tenant_id = $1 AND customer_id = $2 AND version = $3 RETURNING 1
), posted AS (
  INSERT INTO credit_posting (tenant_id, id, customer_id, transaction_id, account, grant_id, credits, revenue, at, subscription_id, segment_id, period_start, cause)
  SELECT $1, gen_random_uuid(), $2, $6::uuid, p.account, $7::uuid, p.credits, p.revenue, $8::timestamptz, $9::uuid, $10::uuid, $11::timestamptz, 'DEBIT'
  FROM held, (VALUES ('GRANT', -$4::numeric, 0::numeric), ('BURNT', $4::numeric, $5::numeric)) AS p (account, credits, revenue)
), moved AS (
  UPDATE credit_grant g SET remaining = g.remaining - $4::numeric, price_used = g.price_used + $5::numeric FROM held WHERE g.tenant_id = $1 AND g.id = $7::uuid
), debits AS (
  INSERT INTO credit_debit (tenant_id, customer_id, transaction_id, grant_id, subscription_id, segment_id, period_start, key, credits, at, feature, revenue)
  SELECT $1, $2, $6::uuid, $7::uuid, $9::uuid, $10::uuid, $11::timestamptz, d.*
  FROM held, unnest($12::text[], $13::numeric[], $14::timestamptz[], $15::text[], $16::numeric[]) AS d
)
SELECT count(*)::int4 AS held FROM held`;

/** $21 - $32 debits, $33 - $41 reservations, $42 - $45 reservations that end. */
export const WRITE_WALLET = `${WALLET}, debits AS (
  INSERT INTO credit_debit (tenant_id, customer_id, transaction_id, key, credits, at, feature, grant_ids, grant_credits, grant_revenues, uncovered, debt,
    subscription_id, segment_id, period_start)
  SELECT $1, $2, $7, d.key, d.credits, d.at, d.feature, d.grant_ids::uuid[], d.grant_credits::numeric[], d.grant_revenues::numeric[], d.uncovered, d.debt,
    d.subscription_id, d.segment_id, d.period_start
  FROM held, unnest($21::text[], $22::numeric[], $23::timestamptz[], $24::text[], $25::text[], $26::text[], $27::text[], $28::numeric[], $29::numeric[],
    $30::uuid[], $31::uuid[], $32::timestamptz[])
    AS d (key, credits, at, feature, grant_ids, grant_credits, grant_revenues, uncovered, debt, subscription_id, segment_id, period_start)
), reserved AS (
  INSERT INTO credit_reservation (tenant_id, customer_id, id, key, credits, at, ttl_seconds, expires_at, grant_ids, grant_credits, uncovered)
  SELECT $1, $2, r.id, r.key, r.credits, r.at, r.ttl_seconds, r.expires_at, r.grant_ids::uuid[], r.grant_credits::numeric[], r.uncovered
  FROM held, unnest($33::uuid[], $34::text[], $35::numeric[], $36::timestamptz[], $37::int4[], $38::timestamptz[], $39::text[], $40::text[], $41::numeric[])
    AS r (id, key, credits, at, ttl_seconds, expires_at, grant_ids, grant_credits, uncovered)
), ended AS (
  UPDATE credit_reservation r SET status = e.status, committed = e.committed, ended_at = e.at
  FROM held, unnest($42::uuid[], $43::text[], $44::numeric[], $45::timestamptz[]) AS e (id, status, committed, at)
  WHERE r.tenant_id = $1 AND r.id = e.id AND r.status = 'OPEN'
)
SELECT count(*)::int4 AS held FROM held`;

/** What reservations hold: $1 tenant, $2 customer. */
export const OPEN_RESERVATIONS = `
SELECT id, key, credits, at, ttl_seconds, expires_at, status, grant_ids::text[] AS grant_ids, grant_credits::text[] AS grant_credits, uncovered, committed
FROM credit_reservation WHERE tenant_id = $1 AND customer_id = $2 AND status = 'OPEN' ORDER BY expires_at, id`;

/** Reservations by id or key. $3 ids, $4 keys. */
export const RESERVATIONS = `
SELECT id, key, credits, at, ttl_seconds, expires_at, status, grant_ids::text[] AS grant_ids, grant_credits::text[] AS grant_credits, uncovered, committed
FROM credit_reservation WHERE tenant_id = $1 AND customer_id = $2 AND (id = ANY ($3::uuid[]) OR key = ANY ($4::text[]))`;

/** Reservations that began before $3 and were not ended by then: two arms, since blocks of ended ones are known by their times and open ones by their index. */
export const RESERVATIONS_OVER = `
SELECT id, key, credits, at, ttl_seconds, expires_at, status, grant_ids::text[] AS grant_ids, grant_credits::text[] AS grant_credits, uncovered, committed
FROM credit_reservation WHERE tenant_id = $1 AND customer_id = $2 AND at < $3::timestamptz AND ended_at >= $3::timestamptz
UNION ALL
SELECT id, key, credits, at, ttl_seconds, expires_at, status, grant_ids::text[], grant_credits::text[], uncovered, committed
FROM credit_reservation WHERE tenant_id = $1 AND customer_id = $2 AND at < $3::timestamptz AND status = 'OPEN'`;

/** Debits by key, or reversals of one. $3 keys, $4 the debit whose reversals are wanted; null: none. */
export const DEBITS = `
SELECT key, credits, at, feature, reverses, uncovered, debt,
  CASE WHEN grant_id IS NULL THEN grant_ids::text[] ELSE ARRAY[grant_id::text] END AS grant_ids,
  CASE WHEN grant_id IS NULL THEN grant_credits::text[] ELSE ARRAY[credits::text] END AS grant_credits,
  CASE WHEN grant_id IS NULL THEN grant_revenues::text[] ELSE ARRAY[revenue::text] END AS grant_revenues,
  subscription_id, segment_id, period_start
FROM credit_debit WHERE tenant_id = $1 AND customer_id = $2 AND (key = ANY ($3::text[]) OR reverses = $4) ORDER BY created_at, key`;

/** What debits of [$3, $4) took, by grant; what none covered has no grant. */
export const TAKEN_BETWEEN = `
WITH debits AS MATERIALIZED (
  SELECT * FROM credit_debit WHERE tenant_id = $1 AND customer_id = $2 AND at >= $3::timestamptz AND at < $4::timestamptz
)
SELECT grant_id, sum(credits) AS credits, sum(revenue) AS revenue, 0::numeric AS debt FROM debits WHERE grant_id IS NOT NULL GROUP BY grant_id
UNION ALL
SELECT part.grant_id, sum(part.credits), sum(part.revenue), 0
FROM debits, unnest(grant_ids, grant_credits, grant_revenues) AS part (grant_id, credits, revenue) WHERE debits.grant_id IS NULL GROUP BY part.grant_id
UNION ALL
SELECT NULL, 0, 0, coalesce(sum(debt), 0) FROM debits`;

/** Whose reservations have run out and were not ended yet. $2 now. */
export const EXPIRED_RESERVATIONS = `
SELECT DISTINCT customer_id FROM credit_reservation WHERE tenant_id = $1 AND status = 'OPEN' AND expires_at <= $2 ORDER BY customer_id`;
