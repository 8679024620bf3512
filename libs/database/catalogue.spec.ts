import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { CATALOGUE_TENANT_ID } from './database.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

/** Tables without business data that are read before a tenant is known. Adding one is a decision, not a convenience. */
const GLOBAL_TABLES = ['tenant', 'api_key_lookup', 'due_work', '_prisma_migrations'];
const POLICY = "(tenant_id = ANY ((NULLIF(current_setting('app.tenant_ids'::text, true), ''::text))::uuid[]))";

/** Tables that are written by the thousand rows: what is written into them is checked against a setting that is read once for each statement (docs/decisions/0014). */
const CHECKED_ONCE = ['usage_bucket', 'usage_event', 'usage_event_key'];
const CHECK = `(tenant_id = ANY (( SELECT (NULLIF(current_setting('app.tenant_ids'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))`;

interface TableFacts {
  name: string;
  kind: 'r' | 'p';
  leaf: boolean;
  secured: boolean;
  forced: boolean;
  policies: string[];
  checks: string[];
  app_select: boolean;
  primary_key: string[];
  owner: string;
}

let test_: TestDatabase;
let admin: pg.Client;
let tables: TableFacts[];

beforeAll(async () => {
  test_ = await createTestDatabase();
  await test_.database.withoutTenant((tx) => tx.query("SELECT tare_ensure_usage_month('2026-03-15')"));
  admin = new pg.Client({ connectionString: test_.url });
  await admin.connect();
  const { rows } = await admin.query<TableFacts>(`
    SELECT c.relname AS name, c.relkind AS kind, c.relispartition AS leaf, c.relrowsecurity AS secured, c.relforcerowsecurity AS forced,
      ARRAY(SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant' AND p.polcmd = '*' AND p.polpermissive) AS policies,
      ARRAY(SELECT regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '[[:space:]]+', ' ', 'g') FROM pg_policy p WHERE p.polrelid = c.oid AND p.polwithcheck IS NOT NULL) AS checks,
      has_table_privilege('tare_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE') AS app_select,
      ARRAY(SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(n, o) JOIN pg_attribute a ON a.attnum = k.n
            WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid ORDER BY k.o) AS primary_key,
      pg_get_userbyid(c.relowner) AS owner
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1`);
  tables = rows;
});
afterAll(async () => {
  await admin.end();
  await test_.drop();
});

const tenantTables = (): TableFacts[] => tables.filter((table) => !GLOBAL_TABLES.includes(table.name));
const names = (facts: TableFacts[]): string[] => facts.map((table) => table.name);

test('the schema is there, and a partition of it', () => {
  expect(names(tables)).toEqual(
    expect.arrayContaining([...GLOBAL_TABLES, 'usage_event', 'usage_event_y2026m03', 'invoice', 'credit_posting']),
  );
});

test('every table of a tenant has row-level security enabled, forced, and the one policy', () => {
  expect(names(tenantTables().filter((table) => !table.secured || !table.forced))).toEqual([]);
  expect(tenantTables().filter((table) => table.policies.length !== 1 || table.policies[0] !== POLICY)).toEqual([]);
});

test('what is written is checked by the same policy; for rows by the thousand in a form that reads the setting once', () => {
  expect(names(tables.filter(({ checks }) => checks.length > 0))).toEqual(CHECKED_ONCE);
  expect(tables.flatMap(({ checks }) => checks).filter((check) => check !== CHECK)).toEqual([]);
});

test('every key of a tenant table begins with the tenant', () => {
  expect(names(tenantTables().filter((table) => table.primary_key[0] !== 'tenant_id'))).toEqual([]);
});

test('the owner of every table is the role that cannot log in', async () => {
  expect(names(tables.filter((table) => table.owner !== 'tare_owner'))).toEqual([]);
  const { rows } = await admin.query(
    "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname IN ('tare_owner', 'tare_app') ORDER BY 1",
  );
  expect(rows).toEqual(
    ['tare_app', 'tare_owner'].map((rolname) => ({ rolname, rolcanlogin: false, rolsuper: false, rolbypassrls: false })),
  );
});

test('the app has no privilege on a leaf: through it one would see what the parent hides', () => {
  const leaves = tables.filter((table) => table.leaf);
  expect(leaves.length).toBeGreaterThan(0);
  expect(names(leaves.filter((table) => table.app_select))).toEqual([]);
});

test('for every table: rows of one tenant are invisible to another', async () => {
  const [owner, stranger] = [randomUUID(), randomUUID()];
  for (const table of tenantTables().filter((candidate) => !candidate.leaf)) {
    // A superuser writes one row past security and foreign keys, so that every table has one to hide.
    await admin.query('BEGIN');
    await admin.query("SET LOCAL session_replication_role = 'replica'");
    await admin.query(await rowFor(table.name), [owner]);
    await admin.query('SET LOCAL ROLE tare_app');
    const count = async (tenantId: string): Promise<number> => {
      await admin.query("SELECT set_config('app.tenant_ids', $1, true)", [`{${tenantId}}`]);
      const { rows } = await admin.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table.name} WHERE tenant_id = $1`, [owner]);
      return rows[0]?.n ?? -1;
    };
    expect({ table: table.name, owner: await count(owner), stranger: await count(stranger) }).toEqual({
      table: table.name,
      owner: 1,
      stranger: 0,
    });
    await admin.query('ROLLBACK');
  }
});

/** An INSERT with a value of the right type in every column that needs one. */
async function rowFor(table: string): Promise<string> {
  const { rows } = await admin.query<{ name: string; type: string }>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attname <> 'tenant_id'`,
    [table],
  );
  const columns = rows.map((row) => `"${row.name}"`);
  const values = rows.map((row) => sample(row.name, row.type));
  return `INSERT INTO ${table} (${['tenant_id', ...columns].join(', ')}) VALUES (${['$1', ...values].join(', ')})`;
}

function sample(column: string, type: string): string {
  if (type.startsWith('timestamp')) return column.startsWith('end') ? "'2026-03-16'" : "'2026-03-15'";
  if (type === 'uuid') return `'${randomUUID()}'`;
  if (type === 'bytea') return "'\\x01'";
  if (type === 'boolean') return 'false';
  if (type === 'jsonb') return "'{}'";
  if (type.endsWith('[]')) return "'{}'";
  return type === 'text' ? "'x'" : '1';
}

test('the catalogue tenant is read by all and written by none of them', async () => {
  const tenant = await test_.createTenant();
  const insert = `INSERT INTO cost_rate (tenant_id, id, provider, model, currency, valid_from, source, tiers) VALUES ($1, gen_random_uuid(), 'p', 'm', 'USD', now(), 'catalogue', '[]')`;
  await test_.database.withTenant(CATALOGUE_TENANT_ID, (tx) => tx.query(insert, [CATALOGUE_TENANT_ID]));
  await test_.database.withTenant(tenant, async (tx) => {
    expect(await tx.query('SELECT provider FROM cost_rate')).toEqual([{ provider: 'p' }]);
  });
  await expect(test_.database.withTenant(tenant, (tx) => tx.query(insert, [CATALOGUE_TENANT_ID]))).rejects.toThrow(/row-level security/);
});

test('what is only ever added cannot be changed or removed by the app', async () => {
  const tenant = await test_.createTenant();
  for (const table of [
    'credit_posting',
    'cost_rate',
    'capacity_pool_rate',
    'exchange_rate',
    'cost_adjustment',
    'audit_entry',
    'plan_version',
    'price',
    'alert_event',
    'customer_tax',
    'credit_note',
    'credit_note_line',
  ]) {
    for (const change of [`DELETE FROM ${table}`, `UPDATE ${table} SET id = id`]) {
      await expect(test_.database.withTenant(tenant, (tx) => tx.query(change))).rejects.toThrow(/permission denied/);
    }
  }
});

test('7.1 postings of a transaction that do not sum to zero are refused', async () => {
  const tenant = await test_.createTenant();
  const post = (credits: string[]): Promise<unknown> =>
    test_.database.withTenant(tenant, (tx) =>
      tx.query(
        `INSERT INTO credit_posting (tenant_id, id, transaction_id, customer_id, account, credits, at)
         SELECT $1, gen_random_uuid(), $2, $3, 'GRANT', credits, now() FROM unnest($4::numeric[]) AS credits`,
        [tenant, randomUUID(), randomUUID(), credits],
      ),
    );
  await expect(post(['10', '-9.999999999999'])).rejects.toThrow(/do not sum to zero/);
  await expect(post(['10', '-4', '-6'])).resolves.toEqual([]);
});

test('8.2 a finalized invoice and its lines never change', async () => {
  const tenant = await test_.createTenant();
  const invoice = randomUUID();
  const insertLine = `INSERT INTO invoice_line (tenant_id, id, invoice_id, position, kind, description, quantity, exact_amount, amount, period_start, period_end, detail)
    VALUES ($1, gen_random_uuid(), $2, $3, 'FEE', 'fee', 1, 5, 5, '2026-01-01', '2026-02-01', '{}')`;
  const within = (sql: string, values: unknown[]): Promise<unknown> => test_.database.withTenant(tenant, (tx) => tx.query(sql, values));
  await within(
    `INSERT INTO invoice (tenant_id, id, kind, customer_id, billing_at, status, currency, period_start, period_end, total, drafted_at, finalize_at)
     VALUES ($1, $2, 'REGULAR', $3, '2026-01-01', 'DRAFT', 'USD', '2026-01-01', '2026-02-01', 5, now(), now())`,
    [tenant, invoice, randomUUID()],
  );
  await within(insertLine, [tenant, invoice, 1]);
  await within("UPDATE invoice SET status = 'FINALIZED', total = 6 WHERE id = $1", [invoice]);
  await expect(within(insertLine, [tenant, invoice, 2])).rejects.toThrow(/lines never change/);
  await expect(within('UPDATE invoice_line SET amount = 1 WHERE invoice_id = $1', [invoice])).rejects.toThrow(/lines never change/);
  await expect(within('DELETE FROM invoice_line WHERE invoice_id = $1', [invoice])).rejects.toThrow(/lines never change/);
  await expect(within('UPDATE invoice SET total = 1 WHERE id = $1', [invoice])).rejects.toThrow(/finalized and never changes/);
  await expect(within('DELETE FROM invoice WHERE id = $1', [invoice])).rejects.toThrow(/finalized and never changes/);
  await expect(within("UPDATE invoice SET status = 'DRAFT' WHERE id = $1", [invoice])).rejects.toThrow(/cannot become DRAFT/);
  await expect(within("UPDATE invoice SET status = 'UNCOLLECTIBLE' WHERE id = $1", [invoice])).resolves.toEqual([]);
  await expect(within("UPDATE invoice SET status = 'VOID' WHERE id = $1", [invoice])).rejects.toThrow(/cannot become VOID/);
  await expect(within("UPDATE invoice SET status = 'PAID', paid_at = now() WHERE id = $1", [invoice])).resolves.toEqual([]);
  await expect(within("UPDATE invoice SET status = 'UNCOLLECTIBLE' WHERE id = $1", [invoice])).rejects.toThrow(
    /cannot become UNCOLLECTIBLE/,
  );
});
