/** Roll-ups of meters: finding what changed, reading the events of cells, writing and reading pre-aggregates. $1 is always the tenant, $2 the meter. */

const SLOT_OF = (column: string): string => `date_bin('15 minutes', ${column}, 'epoch')`;

/** The numbers of dimensions that `condition` keeps. */
export const dimensionsWhere = (condition: string): string => `SELECT d.no FROM usage_dimension d WHERE d.tenant_id = $1 AND ${condition}`;

/**
 * The commit that the next step of a cursor goes to: the current one, or the one before which $3 bucket rows changed. Bounds a step; a single commit is
 * never divided. $2 the cursor, $4 the current commit.
 */
export const NEXT_TARGET = `
SELECT coalesce((
  SELECT greatest(seq - 1, (SELECT min(seq) FROM usage_bucket WHERE tenant_id = $1 AND seq > $2))
  FROM usage_bucket WHERE tenant_id = $1 AND seq > $2 AND seq <= $4 ORDER BY seq OFFSET $3 LIMIT 1
), $4::int8) AS seq`;

/**
 * Slots that commits ($2, $3] touched. $4 dimensions (null: all), $5 customers (null: all), $6 and $7 the span of slots (null: all), $8 and $9 the last
 * covered slot (null: all are covered).
 */
export const CHANGED_SLOTS = `
SELECT customer_no, ${SLOT_OF('from_at')} AS slot FROM usage_bucket
WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 AND ($4::int4[] IS NULL OR dimension_no = ANY ($4::int4[]))
  AND ($5::int4[] IS NULL OR customer_no = ANY ($5::int4[])) AND ($6::timestamptz IS NULL OR from_at >= $6) AND ($7::timestamptz IS NULL OR from_at < $7)
  AND ($8::int4 IS NULL OR (customer_no, ${SLOT_OF('from_at')}) <= ($8::int4, $9::timestamptz))
GROUP BY 1, 2 ORDER BY 1, 2`;

/** Slots that are not covered yet: the same parameters, and no commits. $2 the last commit that counts. */
export const UNCOVERED_SLOTS = `
SELECT customer_no, ${SLOT_OF('from_at')} AS slot FROM usage_bucket
WHERE tenant_id = $1 AND seq <= $2 AND ($3::int4[] IS NULL OR dimension_no = ANY ($3::int4[]))
  AND ($4::int4[] IS NULL OR customer_no = ANY ($4::int4[])) AND from_at >= $5 AND from_at < $6
  AND (customer_no, ${SLOT_OF('from_at')}) > ($7::int4, $8::timestamptz)
GROUP BY 1, 2 ORDER BY 1, 2`;

/**
 * The next bucket rows behind the last filled slot, in the order of the table's key, so that no chunk sorts what is left. $2 last commit that counts,
 * $3 dimensions (null: all), $4 customer and $5 end of the last filled slot, $6 rows.
 */
export const NEXT_SLOTS = `
SELECT customer_no, ${SLOT_OF('from_at')} AS slot FROM usage_bucket
WHERE tenant_id = $1 AND (customer_no, from_at) >= ($4::int4, $5::timestamptz) AND seq <= $2 AND ($3::int4[] IS NULL OR dimension_no = ANY ($3::int4[]))
ORDER BY customer_no, from_at LIMIT $6`;

/** How many slots have usage: what filling starts from. $2 dimensions (null: all). */
export const COUNT_SLOTS = `
SELECT count(*) AS slots FROM (
  SELECT 1 FROM usage_bucket WHERE tenant_id = $1 AND ($2::int4[] IS NULL OR dimension_no = ANY ($2::int4[])) GROUP BY customer_no, ${SLOT_OF('from_at')}
) AS slot`;

/** The earliest slot: one look at the table's key for each customer. */
export const FIRST_SLOT = `
SELECT date_bin('15 minutes', min(first.from_at), 'epoch') AS slot FROM customer_key k
CROSS JOIN LATERAL (SELECT b.from_at FROM usage_bucket b WHERE b.tenant_id = k.tenant_id AND b.customer_no = k.no ORDER BY b.from_at LIMIT 1) AS first
WHERE k.tenant_id = $1`;

/**
 * Events that the buckets count in slots up to commit $2: what their events have to add up to. $3 dimensions, $4 customers, $5 starts, $6 ends of the slots. The
 * order of a slot's rows is that of the table's key, and only the key may give it (IN_ORDER_OF_KEY): by the index of commits, each slot would read all rows of
 * the tenant.
 */
export const EXPECTED_EVENTS = `
SELECT slot.position::int4 AS position, coalesce(sum(b.events), 0)::int8 AS events
FROM unnest($4::int4[], $5::timestamptz[], $6::timestamptz[]) WITH ORDINALITY AS slot (customer_no, from_at, to_at, position)
CROSS JOIN LATERAL (
  SELECT b.events FROM usage_bucket b
  WHERE b.tenant_id = $1 AND b.customer_no = slot.customer_no AND b.from_at >= slot.from_at AND b.from_at < slot.to_at AND b.seq <= $2
    AND ($3::int4[] IS NULL OR b.dimension_no = ANY ($3::int4[]))
  ORDER BY b.customer_no, b.from_at
) AS b
GROUP BY slot.position`;

/** Around a statement whose order is that of a table's key: then no index that has to be sorted takes its place, however old statistics are. */
export const IN_ORDER_OF_KEY = `SELECT set_config('enable_sort', 'off', true)`;
export const IN_ANY_ORDER = `SELECT set_config('enable_sort', 'on', true)`;

/**
 * Events of slots as they stand after commit $2: of each slot those that came after its own commit, and, marked, those that were cancelled since then.
 * A cursor, so that a slot of any size passes through a bounded memory. The order of a slot's events is that of the table's key: each slot is looked up
 * there, where a join would hold every event of a customer against every slot. $3 dimensions (null: all), $4 customers, $5 starts, $6 ends, $7 commits of the slots.
 */
export const slotEvents = (columns: readonly string[]): string => `
DECLARE slot_events NO SCROLL CURSOR FOR
SELECT slot.position::int4 AS position, event.*
FROM unnest($4::int4[], $5::timestamptz[], $6::timestamptz[], $7::int8[]) WITH ORDINALITY AS slot (customer_no, from_at, to_at, after_seq, position)
CROSS JOIN LATERAL (
  SELECT e.at, e.dimension_no, e.seq <= slot.after_seq AS removed${columns.map((column) => `, ${column}`).join('')}
  FROM usage_event e WHERE e.tenant_id = $1 AND e.customer_no = slot.customer_no AND e.at >= slot.from_at AND e.at < slot.to_at
    AND e.seq <= $2 AND ($3::int4[] IS NULL OR e.dimension_no = ANY ($3::int4[])) AND (
      e.seq > slot.after_seq AND (e.voided_seq IS NULL OR e.voided_seq > $2)
      OR e.seq <= slot.after_seq AND e.voided_seq > slot.after_seq AND e.voided_seq <= $2
    )
  ORDER BY e.customer_no, e.at, e.key_hash
) AS event`;

/** Slots whose rolled-up cells an instant divides: $3 customers (null: all), $4 instants. */
export const DIVIDED_SLOTS = `
SELECT DISTINCT r.customer_no, ${SLOT_OF('r.from_at')} AS slot
FROM unnest($4::timestamptz[]) AS cut (at) JOIN meter_rollup_cell r ON r.tenant_id = $1 AND r.meter_id = $2
  AND ($3::int4[] IS NULL OR r.customer_no = ANY ($3::int4[])) AND r.from_at >= ${SLOT_OF('cut.at')} AND r.from_at < cut.at AND r.to_at > cut.at
ORDER BY 1, 2`;

/** Slots whose rolled-up cells a billing boundary divides that is known by now. */
export const SLOTS_TO_CUT = `
SELECT DISTINCT r.customer_no, ${SLOT_OF('r.from_at')} AS slot
FROM usage_boundary b JOIN meter_rollup_cell r ON r.tenant_id = b.tenant_id AND r.meter_id = $2 AND r.customer_no = b.customer_no
  AND r.from_at >= ${SLOT_OF('b.at')} AND r.from_at < b.at AND r.to_at > b.at
WHERE b.tenant_id = $1 ORDER BY 1, 2`;

const CELL = 'customer_no, from_at, group_no, to_at, events, inexact, value, value_at, members, member_events';

/**
 * The rolled-up cells of slots. $3 customers, $4 starts, $5 ends. Each slot is looked up by the table's key (OFFSET 0 keeps it so): as a join, every cell of the
 * meter would be held against every slot where statistics are old.
 */
export const CELLS_OF_SLOTS = `
SELECT slot.position::int4 AS position, r.from_at, r.group_no, r.to_at, r.events, r.inexact, r.value::text AS value, r.value_at, r.members::text AS members,
  r.member_events::text AS member_events
FROM unnest($3::int4[], $4::timestamptz[], $5::timestamptz[]) WITH ORDINALITY AS slot (customer_no, from_at, to_at, position)
CROSS JOIN LATERAL (
  SELECT c.* FROM meter_rollup_cell c
  WHERE c.tenant_id = $1 AND c.meter_id = $2 AND c.customer_no = slot.customer_no AND c.from_at >= slot.from_at AND c.from_at < slot.to_at OFFSET 0
) AS r`;

/** Slot by slot too. The same parameters. */
export const DELETE_CELLS = 'SELECT tare_delete_rollup_cells($1::uuid, $2::uuid, $3::int4[], $4::timestamptz[], $5::timestamptz[])';

export const INSERT_CELLS = `
INSERT INTO meter_rollup_cell (tenant_id, meter_id, ${CELL})
SELECT $1, $2, customer_no, from_at, group_no, to_at, events, inexact, value, value_at, members::uuid[], member_events::int8[]
FROM unnest($3::int4[], $4::timestamptz[], $5::int4[], $6::timestamptz[], $7::int8[], $8::int8[], $9::numeric[], $10::timestamptz[], $11::text[], $12::text[])
  AS row (${CELL})`;

/** Numbers of groups, by hash; new ones go on from the highest. Whoever mints holds the meter's row. */
export const KNOWN_GROUPS =
  'SELECT no, hash::text AS hash FROM meter_rollup_group WHERE tenant_id = $1 AND meter_id = $2 AND hash = ANY ($3::uuid[])';
export const MINT_GROUPS = `
INSERT INTO meter_rollup_group (tenant_id, meter_id, no, hash, properties)
SELECT $1, $2, (SELECT coalesce(max(no), 0) FROM meter_rollup_group WHERE tenant_id = $1 AND meter_id = $2) + position, hash, properties
FROM unnest($3::uuid[], $4::jsonb[]) WITH ORDINALITY AS row (hash, properties, position) RETURNING no, hash::text AS hash`;

export interface RolledSelection {
  /** Whether customers are kept apart. */
  readonly perCustomer: boolean;
  /** Parameters that name the properties to group by. */
  readonly groupBy: readonly string[];
  /** Conditions on `g.properties`. */
  readonly conditions: readonly string[];
}

/**
 * Rolled-up cells that count in windows. $3 customers (null: all), $4 cuts, $5 and $6 customers and starts of the slots that are left out because their
 * events were read, $7 and $8 the last covered slot (null: all are covered).
 */
function rolled({ perCustomer, groupBy, conditions }: RolledSelection): string {
  const isGrouped = groupBy.length + conditions.length > 0;
  const group = groupBy.map((name) => `g.properties -> ${name}`).join(', ');
  return `
SELECT ${perCustomer ? 'r.customer_no' : '0'} AS customer_no, width_bucket(r.from_at, $4::timestamptz[]) AS window_no, jsonb_build_array(${group}) AS "group",
  r.events, r.inexact, r.value, r.value_at, r.members
FROM meter_rollup_cell r
${isGrouped ? 'JOIN meter_rollup_group g ON g.tenant_id = r.tenant_id AND g.meter_id = r.meter_id AND g.no = r.group_no' : ''}
WHERE r.tenant_id = $1 AND r.meter_id = $2 AND ($3::int4[] IS NULL OR r.customer_no = ANY ($3::int4[]))
  AND r.from_at >= ($4::timestamptz[])[1] AND r.from_at < ($4::timestamptz[])[cardinality($4)]
  AND ($7::int4 IS NULL OR (r.customer_no, ${SLOT_OF('r.from_at')}) <= ($7::int4, $8::timestamptz))
  AND NOT EXISTS (
    SELECT FROM unnest($5::int4[], $6::timestamptz[]) AS read (customer_no, slot) WHERE read.customer_no = r.customer_no AND read.slot = ${SLOT_OF('r.from_at')}
  )${conditions.map((condition) => ` AND ${condition}`).join('')}`;
}

/** Sums, greatest or latest values per customer, window and group. Of several values at one instant the greatest is the latest. */
export const rolledValues = (selection: RolledSelection, value: 'SUM' | 'MAX' | 'LATEST'): string => `
SELECT customer_no, window_no, "group", sum(events)::int8 AS events, sum(inexact)::int8 AS inexact, max(value_at) AS value_at, (${
  value === 'SUM'
    ? 'sum(value)'
    : value === 'MAX'
      ? 'max(value)'
      : '(array_agg(value ORDER BY value_at DESC, value DESC) FILTER (WHERE value IS NOT NULL))[1]'
})::text AS value
FROM (${rolled(selection)}) AS cell GROUP BY 1, 2, 3`;

/**
 * Different members per customer, window and group, those of events that were read just now among them: $9 customers, $10 windows, $11 positions of
 * groups in $12, $13 members.
 */
export const rolledMembers = (selection: RolledSelection): string => `
WITH cell AS (${rolled(selection)}), named AS (
  SELECT cell.customer_no, window_no, "group", member FROM cell CROSS JOIN unnest(cell.members) AS member
  UNION ALL
  SELECT customer_no, window_no, $12::jsonb -> group_position, member
  FROM unnest($9::int4[], $10::int4[], $11::int4[], $13::uuid[]) AS read (customer_no, window_no, group_position, member)
)
SELECT counted.customer_no, counted.window_no, counted."group", counted.events, counted.inexact, NULL::timestamptz AS value_at, counted.members::text AS value
FROM (
  SELECT customer_no, window_no, "group", sum(events)::int8 AS events, sum(inexact)::int8 AS inexact, sum(members)::int8 AS members
  FROM (
    SELECT customer_no, window_no, "group", sum(events) AS events, sum(inexact) AS inexact, 0 AS members FROM cell GROUP BY 1, 2, 3
    UNION ALL
    SELECT customer_no, window_no, "group", 0, 0, count(DISTINCT member) FROM named GROUP BY 1, 2, 3
  ) AS part GROUP BY 1, 2, 3
) AS counted`;
