// Prisma's schema engine (its WASM build from npm, of the pinned version) over the pg adapter: works where its native engine cannot be downloaded.
//   node tools/prisma-wasm.mjs drift            exit 2 when prisma/migrations and prisma/schema.prisma disagree
//   node tools/prisma-wasm.mjs create <name>    writes prisma/migrations/<time>_<name>/migration.sql with the difference
// Needs dist/libs/database (npm run build).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as wasm from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { startEmbeddedPostgres } from '../dist/libs/database/embedded-postgres.js';
import { applyMigrations } from '../dist/libs/database/migrate.js';

const [command, name] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, '..');
const schemaPath = path.join(root, 'prisma/schema.prisma');
const migrations = path.join(root, 'prisma/migrations');
const CHAR_OID = 18;
const TEXT_OID = 25;

globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error('schema engine:', message) };
const wasmFile = path.join(path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')), 'schema_engine_bg.wasm');
const { instance } = await WebAssembly.instantiate(readFileSync(wasmFile), { './schema_engine_bg.js': wasm });
wasm.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

// The adapter lacks two things that the engine needs: the catalogue's type "char", and scripts sent whole (it cuts them at every ';').
class CataloguePool extends pg.Pool {
  async query(...args) {
    const result = await super.query(...args);
    const chars = [];
    result?.fields?.forEach?.((field, i) => {
      if (field.dataTypeID !== CHAR_OID) return;
      field.dataTypeID = TEXT_OID;
      chars.push(i);
    });
    if (chars.length > 0) result.fields.chars = chars;
    return result;
  }
}

class MigrationAdapter extends PrismaPg {
  async connect() {
    const adapter = await super.connect();
    const performIO = adapter.performIO.bind(adapter);
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      let chars;
      adapter.performIO = async (io) => {
        const result = await performIO(io);
        chars = result.fields?.chars;
        return result;
      };
      const result = await queryRaw(query);
      chars?.forEach((i) => (result.columnTypes[i] = ColumnTypeEnum.Character));
      return result;
    };
    adapter.executeScript = async (script) => {
      await adapter.client.query(script);
    };
    return adapter;
  }
}

const schema = { files: [{ path: schemaPath, content: readFileSync(schemaPath, 'utf8') }] };
const directory = mkdtempSync(path.join(tmpdir(), 'tare-schema-'));
chmodSync(directory, 0o755);
const scratch = await startEmbeddedPostgres({ directory: path.join(directory, 'postgres'), settings: ['-c', 'fsync=off'] });
try {
  await applyMigrations(scratch.url, migrations);
  const factory = new MigrationAdapter(new CataloguePool({ connectionString: scratch.url }), { disposeExternalPool: true });
  const engine = await wasm.SchemaEngine.new(
    { datamodels: schema.files.map((file) => [file.path, file.content]) },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(factory),
  );
  const { exitCode, stdout } = await engine.diff({
    from: { tag: 'schemaDatasource', files: schema.files, configDir: path.dirname(schemaPath) },
    to: { tag: 'schemaDatamodel', ...schema },
    script: true,
    exitCode: true,
    shadowDatabaseUrl: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  if (command === 'create' && exitCode === 2) {
    const folder = path.join(migrations, `${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}_${name}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'migration.sql'), stdout);
    console.log(`wrote ${path.relative(root, folder)}`);
  } else {
    console.log(exitCode === 2 ? `prisma/schema.prisma and prisma/migrations differ:\n${stdout}` : 'no drift');
    process.exitCode = exitCode;
  }
} finally {
  await scratch.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit();
