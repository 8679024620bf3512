import type { UsageCount } from '@tare/core';

/** Reading usage back. $1 is always the tenant. */

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
];

const DIMENSIONS =
  'd.type, d.provider, d.model, d.service_tier, d.region, d.pool, d.feature, d.outcome, d.subscription_id, d.cost_state, d.cost_currency';

/**
 * What each event added to the sums, with the number of the commit that added it: its arrival; when its cost became known later, a step out of its
 * first dimensions and into the new ones; each restatement, which takes back what was restated before; and for a cancelled event a step that takes back
 * all of it (SEMANTICS 3.5). Adding these parts up gives the buckets, whatever the cells.
 */
export const eventParts = (condition: string): string => `
SELECT e.customer_no, e.at, step.dimension_no, step.seq, step.sign AS events,
  ${COUNTS.map((count) => `step.sign * coalesce(e.${count}, 0) AS ${count}`).join(', ')}, step.cost, step.cost AS restated_cost
FROM usage_event e CROSS JOIN LATERAL (
  SELECT coalesce(e.arrived_dimension_no, e.dimension_no), e.seq, 1, CASE WHEN e.costed_seq IS NULL THEN coalesce(e.cost, 0) ELSE 0 END
  UNION ALL SELECT e.arrived_dimension_no, e.costed_seq, -1, 0 WHERE e.costed_seq IS NOT NULL
  UNION ALL SELECT e.dimension_no, e.costed_seq, 1, e.cost WHERE e.costed_seq IS NOT NULL
  UNION ALL SELECT e.dimension_no, e.voided_seq, -1, -coalesce(e.cost, 0) WHERE e.voided_seq IS NOT NULL
) AS step (dimension_no, seq, sign, cost)
WHERE e.tenant_id = $1 AND ${condition}
UNION ALL
SELECT restated.customer_no, restated.at, step.dimension_no, moment.seq, 0, ${COUNTS.map(() => '0').join(', ')}, 0, moment.sign * step.cost
FROM (
  SELECT e.customer_no, e.at, e.voided_seq, a.seq, a.dimension_no, a.cost,
    coalesce(lag(a.dimension_no) OVER history, e.dimension_no) AS previous_dimension_no, coalesce(lag(a.cost) OVER history, e.cost) AS previous_cost
  FROM usage_event e JOIN cost_adjustment a ON a.tenant_id = e.tenant_id AND a.key_hash = e.key_hash
  WHERE e.tenant_id = $1 AND ${condition}
  WINDOW history AS (PARTITION BY a.key_hash ORDER BY a.seq)
) AS restated CROSS JOIN LATERAL (
  VALUES (restated.previous_dimension_no, -restated.previous_cost), (restated.dimension_no, restated.cost)
) AS step (dimension_no, cost) CROSS JOIN LATERAL (
  SELECT restated.seq, 1 UNION ALL SELECT restated.voided_seq, -1 WHERE restated.voided_seq IS NOT NULL
) AS moment (seq, sign)`;

const SUMS = ['events', ...COUNTS, 'cost', 'restated_cost'].map((count) => `sum(${count}) AS ${count}`).join(', ');

/**
 * Sums per window, customer and dimensions: cells of the grid, and for slots that a cut divides the events themselves. One statement, so that both
 * halves are of one moment. $2 customers (null: all), $3 cuts, $4 last commit that counts, $5 starts of the divided slots, $6 dimensions (null: all),
 * $7 the last commit that does not count any more; below zero: all count. An amendment in between moves quantities without moving a number of events.
 */
export const READ_SUMS = `
SELECT sums.customer_no, sums.window_no, ${DIMENSIONS}, ${['events', ...COUNTS, 'cost', 'restated_cost'].map((count) => `sums.${count}::text`).join(', ')}
FROM (
  SELECT customer_no, window_no, dimension_no, ${SUMS}
  FROM (
    SELECT customer_no, width_bucket(from_at, $3::timestamptz[]) AS window_no, dimension_no, events, ${COUNTS.join(', ')}, cost, restated_cost
    FROM usage_bucket
    WHERE tenant_id = $1 AND ($2::int4[] IS NULL OR customer_no = ANY ($2::int4[])) AND from_at >= ($3::timestamptz[])[1] AND from_at < ($3::timestamptz[])[cardinality($3)]
      AND seq <= $4 AND seq > $7 AND ($6::int4[] IS NULL OR dimension_no = ANY ($6::int4[]))
      AND (cardinality($5::timestamptz[]) = 0 OR date_bin('15 minutes', from_at, 'epoch') <> ALL ($5::timestamptz[]))
    UNION ALL
    SELECT customer_no, width_bucket(at, $3::timestamptz[]), dimension_no, events, ${COUNTS.join(', ')}, cost, restated_cost
    FROM unnest($5::timestamptz[]) AS slot CROSS JOIN LATERAL (${eventParts(`($2::int4[] IS NULL OR e.customer_no = ANY ($2::int4[])) AND e.at >= slot AND e.at < slot + interval '15 minutes'
        AND e.at >= ($3::timestamptz[])[1] AND e.at < ($3::timestamptz[])[cardinality($3)]`)}) AS part
    WHERE seq <= $4 AND seq > $7 AND ($6::int4[] IS NULL OR dimension_no = ANY ($6::int4[]))
  ) AS parts
  GROUP BY customer_no, window_no, dimension_no
) AS sums JOIN usage_dimension d ON d.tenant_id = $1 AND d.no = sums.dimension_no
WHERE sums.events <> 0 OR sums.cost <> 0 OR sums.restated_cost <> 0 OR $7 >= 0
ORDER BY sums.customer_no, sums.window_no, d.no`;

/** Sums of all customers together per dimensions, of whole slots. $2 from, $3 to. */
export const READ_TOTALS = `
SELECT 0 AS customer_no, 1 AS window_no, ${DIMENSIONS}, ${['events', ...COUNTS, 'cost', 'restated_cost'].map((count) => `sums.${count}::text`).join(', ')}
FROM (
  SELECT dimension_no, ${SUMS} FROM usage_bucket WHERE tenant_id = $1 AND from_at >= $2 AND from_at < $3 GROUP BY dimension_no
) AS sums JOIN usage_dimension d ON d.tenant_id = $1 AND d.no = sums.dimension_no
WHERE sums.events <> 0 OR sums.cost <> 0 OR sums.restated_cost <> 0
ORDER BY d.no`;

/** What a column of sums is called in a record. */
const COLUMN_OF: Readonly<Record<UsageCount, string>> = {
  uncachedInput: 'uncached_input',
  cacheRead: 'cache_read',
  cacheWrite5m: 'cache_write_5m',
  cacheWrite1h: 'cache_write_1h',
  inputAudio: 'input_audio',
  plainOutput: 'plain_output',
  reasoning: 'reasoning',
  outputAudio: 'output_audio',
  quantity: 'quantity',
  gpuSeconds: 'gpu_seconds',
  cost: 'cost',
  restatedCost: 'restated_cost',
};

/**
 * Sums of many windows, each of a customer and a stretch of time of its own, per window and dimensions: for a page of bills. Inside of LATERAL each window
 * is one look into its customer's cells, whatever the statistics say. Only the counts that are asked for are summed up: adding and writing out numbers is
 * most of the work. $2 customers, $3 starts and $4 ends of the windows, $5 last commit that counts. `divided`: $6 customers and $7 starts of slots that a
 * window divides; there the events themselves are counted. Dimensions are named by their number only.
 */
export function readWindows(counts: readonly UsageCount[], divided: boolean): string {
  const columns = ['events', ...counts.map((count) => COLUMN_OF[count])];
  const moved = ['events', ...['cost', 'restated_cost'].filter((cost) => columns.includes(cost))].map((column) => `sums.${column} <> 0`);
  return `
SELECT w.no::int4 AS window_no, sums.dimension_no, ${columns.map((column) => `sums.${column}::text`).join(', ')}
FROM unnest($2::int4[], $3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY AS w (customer_no, from_at, to_at, no)
CROSS JOIN LATERAL (
  SELECT dimension_no, ${columns.map(sumOf).join(', ')}
  FROM ${divided ? dividedCells(columns) : `usage_bucket b WHERE ${CELLS_OF_WINDOW}`}
  GROUP BY dimension_no
) AS sums
WHERE ${moved.join(' OR ')}
ORDER BY w.no, sums.dimension_no`;
}

/** Most counts of most usage are 0 (audio, cache writes): those are not added up, and the sum of nothing else is not written out. */
function sumOf(column: string): string {
  return column === 'events' ? `sum(${column}) AS ${column}` : `sum(nullif(${column}, 0)) AS ${column}`;
}

const CELLS_OF_WINDOW =
  'b.tenant_id = $1 AND b.customer_no = w.customer_no AND b.from_at >= w.from_at AND b.from_at < w.to_at AND b.seq <= $5';

const dividedCells = (columns: readonly string[]): string => `(
    SELECT b.dimension_no, ${columns.map((column) => `b.${column}`).join(', ')}
    FROM usage_bucket b
    WHERE ${CELLS_OF_WINDOW} AND NOT EXISTS (
      SELECT FROM unnest($6::int4[], $7::timestamptz[]) AS d (customer_no, slot) WHERE d.customer_no = w.customer_no AND d.slot = date_bin('15 minutes', b.from_at, 'epoch')
    )
    UNION ALL
    SELECT part.dimension_no, ${columns.map((column) => `part.${column}`).join(', ')}
    FROM unnest($6::int4[], $7::timestamptz[]) AS d (customer_no, slot)
    CROSS JOIN LATERAL (${eventParts(`e.customer_no = w.customer_no AND e.at >= greatest(d.slot, w.from_at) AND e.at < least(d.slot + interval '15 minutes', w.to_at)`)}) AS part
    WHERE d.customer_no = w.customer_no AND d.slot < w.to_at AND d.slot + interval '15 minutes' > w.from_at AND part.seq <= $5
  ) AS parts`;

/** What dimensions stand for. $2 their numbers. */
export const READ_DIMENSIONS = `SELECT d.no, ${DIMENSIONS} FROM usage_dimension d WHERE d.tenant_id = $1 AND d.no = ANY ($2::int4[])`;

/**
 * Single events as they stood after commit $5: an event whose cost became known later still stands where it arrived, and one that was cancelled later is
 * still there. $2 customer, $3 from, $4 to.
 */
export const READ_EVENTS = `
SELECT e.at, ${DIMENSIONS}, ${COUNTS.map((count) => `coalesce(e.${count}, 0)::text AS ${count}`).join(', ')}, e."user" AS end_user, e.trace_id, e.properties,
  CASE WHEN e.costed_seq > $5 THEN 0 ELSE coalesce(e.cost, 0) END::text AS cost,
  CASE WHEN e.costed_seq > $5 THEN 0 ELSE coalesce(adjusted.cost, e.cost, 0) END::text AS restated_cost
FROM usage_event e
JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = CASE WHEN e.costed_seq > $5 THEN e.arrived_dimension_no ELSE e.dimension_no END
LEFT JOIN LATERAL (
  SELECT a.cost, a.dimension_no FROM cost_adjustment a WHERE a.tenant_id = e.tenant_id AND a.key_hash = e.key_hash AND a.seq <= $5 ORDER BY a.seq DESC LIMIT 1
) AS adjusted ON true
WHERE e.tenant_id = $1 AND e.customer_no = $2 AND e.at >= $3 AND e.at < $4
  AND e.at >= coalesce((SELECT r.dropped_before FROM usage_retention r WHERE r.tenant_id = $1), '-infinity') AND e.seq <= $5 AND (e.voided_seq IS NULL OR e.voided_seq > $5)
ORDER BY e.at, e.key_hash`;

/** Whose usage moved after commit $2, in which span of event time (whole slots), and the last commit that moved it. */
export const CHANGED_SINCE = `
SELECT customer_no, date_bin('15 minutes', min(from_at), 'epoch') AS from_at, date_bin('15 minutes', max(from_at), 'epoch') + interval '15 minutes' AS to_at, max(seq) AS seq
FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 GROUP BY customer_no ORDER BY customer_no`;

/** Who has usage in the slots that a span touches. $2 start of the first slot, $3 end. */
export const CUSTOMERS_WITH_USAGE = `
SELECT DISTINCT customer_no FROM usage_bucket WHERE tenant_id = $1 AND from_at >= $2 AND from_at < $3 ORDER BY customer_no`;

/** The slots that commits after $3 up to $4 touched of customer $2, as a span. By the table's key: no other customer's rows are looked at. */
export const CHANGED_SPAN = `
SELECT date_bin('15 minutes', min(from_at), 'epoch') AS from_at, date_bin('15 minutes', max(from_at), 'epoch') + interval '15 minutes' AS to_at
FROM usage_bucket WHERE tenant_id = $1 AND customer_no = $2 AND seq > $3 AND seq <= $4`;
