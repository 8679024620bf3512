/**
 * The statements of a flush. Whole columns travel as binary arrays and become rows in `unnest`: one statement per table whatever the number of events,
 * and row-level security checks every row (COPY refuses tables under it; what that costs was measured, docs/decisions/0014).
 */

interface SqlColumn {
  readonly name: string;
  readonly type: string;
}

/**
 * `INSERT INTO table (columns) SELECT $1, ... FROM unnest($2::type[], ...)`: the first `constants` columns are one value for all rows, the others arrays.
 * Every array costs time per row, so the caller leaves out what no row needs.
 */
export function insertColumns(table: string, columns: readonly SqlColumn[], constants: number): string {
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  const values = columns.slice(0, constants).map(({ type }, i) => `$${i + 1}::${type}, `);
  const arrays = columns.slice(constants).map(({ type }, i) => `$${constants + i + 1}::${type}[]`);
  return `INSERT INTO ${table} (${names}) SELECT ${values.join('')}row.* FROM unnest(${arrays.join(', ')}) AS row`;
}

/**
 * Takes the keys, all or none of them: one that is taken already ends the transaction. The rows come in the order of the primary key, so that two flushes
 * with the same keys wait for each other instead of deadlocking. `ON CONFLICT DO NOTHING` would only cost: it looks each key up a second time and writes a
 * second entry of the log for it, and a flush with a repeat has to be done again anyway.
 */
export const takeKeys = (columns: readonly SqlColumn[], constants: number): string => insertColumns('usage_event_key', columns, constants);

/** What is kept under keys that are taken. $1 tenants, $2 identities. */
export const KEPT_CONTENTS = `
SELECT wanted.position::int4 AS position, k.content_hash AS fingerprint
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
