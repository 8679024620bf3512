import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { connectionOptions, ensureRoles, OWNER_ROLE } from './roles.ts';

/** The lock that Prisma's own migration engine takes, so that both never run at once. */
const PRISMA_ADVISORY_LOCK = 72707369;
const MIGRATION_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL,
  logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface AppliedMigration {
  migration_name: string;
  checksum: string;
  finished_at: unknown;
  rolled_back_at: unknown;
}

/** The migrations of a folder in Prisma's format, in their order. */
export function readMigrations(directory: string): Migration[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const sql = readFileSync(path.join(directory, name, 'migration.sql'));
      return { name, sql: sql.toString('utf8'), checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/**
 * Prepares roles and applies what is missing, as the owner, under Prisma's lock and in Prisma's table: `prisma migrate deploy` may
 * follow on the same database and the other way round. Answers the names it applied.
 * Throws when a migration was edited after it was applied, or an earlier one failed.
 */
export async function applyMigrations(connectionString: string, directory: string): Promise<string[]> {
  await asLogin(connectionString, ensureRoles);
  const client = new pg.Client({ connectionString, options: connectionOptions(OWNER_ROLE) });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_ADVISORY_LOCK]);
    await client.query(MIGRATION_TABLE);
    const pending = pendingMigrations(readMigrations(directory), await appliedMigrations(client));
    for (const migration of pending) await apply(client, migration);
    return pending.map((migration) => migration.name);
  } finally {
    await client.end();
  }
}

async function asLogin(connectionString: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function appliedMigrations(client: pg.Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    'SELECT migration_name, checksum, finished_at, rolled_back_at FROM _prisma_migrations',
  );
  const failed = rows.filter((row) => !row.finished_at && !row.rolled_back_at).map((row) => row.migration_name);
  if (failed.length > 0)
    throw new Error(`a failed migration is recorded: ${failed.join(', ')}. Mend the database, then mark it as rolled back.`);
  return rows.filter((row) => row.finished_at && !row.rolled_back_at);
}

function pendingMigrations(all: Migration[], applied: AppliedMigration[]): Migration[] {
  const checksums = new Map(applied.map((row) => [row.migration_name, row.checksum]));
  const edited = all.find((migration) => checksums.has(migration.name) && checksums.get(migration.name) !== migration.checksum);
  if (edited) throw new Error(`migration ${edited.name} was edited after it was applied. Put it back and write a new one.`);
  return all.filter((migration) => !checksums.has(migration.name));
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const id = randomUUID();
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    migration.checksum,
    migration.name,
  ]);
  try {
    await client.query(migration.sql);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    await client.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, String(error)]);
    throw new Error(`migration ${migration.name} failed: ${String(error)}`, { cause: error });
  }
  await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = applied_steps_count + 1 WHERE id = $1', [
    id,
  ]);
}
