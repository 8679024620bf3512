export { BinaryArray, type ArrayType } from './binary-array.ts';
export { plainArray, textArray } from './column-array.ts';
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts';
export { EMBEDDED_SETTINGS } from './embedded-settings.ts';
export { applyMigrations, readMigrations } from './migrate.ts';
export { APP_ROLE, OWNER_ROLE, connectionOptions, ensureRoles } from './roles.ts';
export {
  CATALOGUE_TENANT_ID,
  Database,
  sqlInstant,
  sqlInstantOrNull,
  type DatabaseOptions,
  type TenantTransaction,
  type Transaction,
} from './database.ts';
export { DatabaseModule } from './database.module.ts';
export { Prisma, PrismaClient } from './generated/client.ts';
export { timeOrderedId } from './time-ordered-id.ts';
export { createTestDatabase, type TestDatabase } from './test-database.ts';
