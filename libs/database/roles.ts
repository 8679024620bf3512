import pg from 'pg';

/** Owns the schema and migrates; cannot log in, is not a superuser, and is held by row-level security like everyone else. */
export const OWNER_ROLE = 'tare_owner';
/** What every process serves as: no DDL, no privilege on partitions' leaves, never past row-level security. */
export const APP_ROLE = 'tare_app';

/** Connection settings of a role, sent at connect: `RESET ROLE` comes back to it. Times are read in UTC and ISO. */
export const connectionOptions = (role: string): string => `-c role=${role} -c timezone=UTC -c datestyle=ISO -c jit=off`;

const DUPLICATE_OBJECT = '42710';
const UNIQUE_VIOLATION = '23505';

/**
 * Makes both roles where they are missing and lets the login role become them. Roles belong to the whole server, so two
 * databases may be prepared at once: losing that race is success.
 */
export async function ensureRoles(client: pg.Client): Promise<void> {
  for (const role of [OWNER_ROLE, APP_ROLE]) {
    const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
    if (rowCount === 0) await createRole(client, role);
  }
  await client.query(`DO $$ BEGIN
    IF NOT pg_has_role(current_user, '${OWNER_ROLE}', 'MEMBER') THEN GRANT ${OWNER_ROLE} TO CURRENT_USER; END IF;
    IF NOT pg_has_role(current_user, '${APP_ROLE}', 'MEMBER') THEN GRANT ${APP_ROLE} TO CURRENT_USER; END IF;
    IF NOT has_database_privilege('${OWNER_ROLE}', current_database(), 'CREATE') THEN
      EXECUTE format('GRANT CREATE, CONNECT ON DATABASE %I TO ${OWNER_ROLE}', current_database());
    END IF;
    IF NOT has_schema_privilege('${OWNER_ROLE}', 'public', 'CREATE') THEN GRANT USAGE, CREATE ON SCHEMA public TO ${OWNER_ROLE}; END IF;
  END $$`);
}

async function createRole(client: pg.Client, role: string): Promise<void> {
  try {
    await client.query(`CREATE ROLE ${role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || (error.code !== DUPLICATE_OBJECT && error.code !== UNIQUE_VIOLATION)) throw error;
  }
}

/** Refuses to serve as a role that row-level security does not hold (superuser or BYPASSRLS). */
export async function requireHeldRole(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string; free: boolean }>(
    'SELECT current_user::text AS name, rolsuper OR rolbypassrls AS free FROM pg_roles WHERE rolname = current_user',
  );
  const role = rows[0];
  if (!role || role.free) {
    throw new Error(
      `refusing to serve as database role "${role?.name ?? 'unknown'}": it is not held by row-level security. Let the login role become ${APP_ROLE} (GRANT ${APP_ROLE} TO it).`,
    );
  }
}
