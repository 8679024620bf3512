import { defineConfig } from 'prisma/config';

// generate, validate and format never run the native schema engine, but the CLI would still download it: any existing executable satisfies it.
if (process.argv.some((argument) => ['generate', 'validate', 'format'].includes(argument))) {
  process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;
}

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env['DATABASE_URL'] ?? 'postgresql://localhost:5432/tare' },
});
