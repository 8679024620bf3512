import { APP_ROLE, connectionOptions, ensureRoles, OWNER_ROLE } from '@tare/database';
import { runMigrations } from 'bullmq';
import pg from 'pg';

const SCHEMA = 'bullmq';
/** What the application's role needs: it works with the tables and changes none of them. */
const GRANTS = [
  `GRANT USAGE ON SCHEMA ${SCHEMA} TO ${APP_ROLE}`,
  `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${SCHEMA} TO ${APP_ROLE}`,
  `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${SCHEMA} TO ${APP_ROLE}`,
  `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${SCHEMA} TO ${APP_ROLE}`,
];

/** Makes or brings up to date the queue's tables, as the owner. Safe to run at every start; may run before or after the migrations of the database. */
export async function migrateQueue(databaseUrl: string): Promise<void> {
  const login = new pg.Client({ connectionString: databaseUrl });
  await connected(login, () => ensureRoles(login));
  const owner = new pg.Client({ connectionString: databaseUrl, options: connectionOptions(OWNER_ROLE) });
  await connected(owner, async () => {
    await runMigrations(owner, SCHEMA);
    for (const grant of GRANTS) await owner.query(grant);
  });
}

async function connected(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.connect();
  try {
    await work();
  } finally {
    await client.end();
  }
}
