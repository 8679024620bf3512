import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { Database } from './database.ts';
import { applyMigrations, readMigrations } from './migrate.ts';

/** A database of its own for one test file, cloned from a migrated template. */
export interface TestDatabase {
  readonly url: string;
  readonly database: Database;
  /** Makes a tenant with default settings and answers its id. */
  createTenant(options?: { live?: boolean }): Promise<string>;
  drop(): Promise<void>;
}

const MIGRATIONS = path.resolve('prisma/migrations');
/** One lock for making the template, so that two test files do not make it at once. */
const TEMPLATE_LOCK = 7_270_737;

/** Clones the template on the test run's server (TARE_TEST_POSTGRES_URL, set by tools/test.mjs). The template is named after the migrations. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env['TARE_TEST_POSTGRES_URL'];
  if (!server) throw new Error('TARE_TEST_POSTGRES_URL is not set: run the tests with `npm test`, which starts a PostgreSQL for them');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await withAdmin(server, async (admin) => {
    const template = await ensureTemplate(admin, server);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  const url = databaseUrl(server, name);
  const database = new Database({ url, connections: 6 });
  return {
    url,
    database,
    createTenant: (options) => createTenant(database, options?.live ?? false),
    drop: async () => {
      await database.close();
      await withAdmin(server, (admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

async function ensureTemplate(admin: pg.Client, server: string): Promise<string> {
  const checksum = createHash('sha256')
    .update(
      readMigrations(MIGRATIONS)
        .map((migration) => migration.checksum)
        .join(),
    )
    .digest('hex');
  const template = `template_${checksum.slice(0, 16)}`;
  await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
    if (rowCount === 0) await makeTemplate(admin, server, template);
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
  return template;
}

/** Made under another name and renamed: a template that was cut short is never cloned. */
async function makeTemplate(admin: pg.Client, server: string, template: string): Promise<void> {
  const making = `${template}_${process.pid}`;
  await admin.query(`DROP DATABASE IF EXISTS ${making}`);
  await admin.query(`CREATE DATABASE ${making}`);
  await applyMigrations(databaseUrl(server, making), MIGRATIONS);
  await admin.query(`ALTER DATABASE ${making} RENAME TO ${template}`);
}

async function createTenant(database: Database, live: boolean): Promise<string> {
  const id = randomUUID();
  await database.withTenant(id, async (tx) => {
    await tx.query('INSERT INTO tenant (id, name, live) VALUES ($1, $2, $3)', [id, `tenant ${id}`, live]);
    await tx.query('INSERT INTO tenant_settings (tenant_id) VALUES ($1)', [id]);
    await tx.query('INSERT INTO usage_clock (tenant_id) VALUES ($1)', [id]);
  });
  return id;
}

async function withAdmin<Result>(server: string, work: (admin: pg.Client) => Promise<Result>): Promise<Result> {
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.toString();
}
