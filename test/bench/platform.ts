import { AccessService } from '@tare/access';
import { seedCatalogue } from '@tare/catalog';
import { applyMigrations, Database, startEmbeddedPostgres, type EmbeddedPostgres } from '@tare/database';
import { migrateQueue } from '@tare/jobs';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** A database of its own with Tare's tables and list prices, on a durable PostgreSQL, and the API as a process. */
export interface BenchPlatform {
  readonly databaseUrl: string;
  readonly tenantId: string;
  readonly key: string;
  readonly apiUrl: URL;
  readonly apiPid: number;
  /** The process whose children do Postgres' work. */
  readonly postgresPid: number;
  stop(): Promise<void>;
}

const KEY = 'tare_benchmark_0123456789abcdefghij';

export async function startBenchPlatform(): Promise<BenchPlatform> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tare-bench-'));
  chmodSync(directory, 0o755);
  const postgres = await startEmbeddedPostgres({ directory: path.join(directory, 'postgres') });
  const { tenantId } = await prepare(postgres.url);
  const api = await startApi(postgres.url);
  return {
    databaseUrl: postgres.url,
    tenantId,
    key: KEY,
    apiUrl: new URL(api.url),
    apiPid: api.child.pid ?? 0,
    postgresPid: postmasterOf(postgres),
    stop: async () => {
      await ended(api.child);
      await postgres.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function prepare(url: string): Promise<{ tenantId: string }> {
  await applyMigrations(url, path.resolve('prisma/migrations'));
  await migrateQueue(url);
  const database = new Database({ url, connections: 2 });
  try {
    await seedCatalogue(database);
    const access = new AccessService(database);
    await access.bootstrap(KEY);
    const principal = await access.authenticate(KEY);
    if (principal === null) throw new Error('the bootstrap key is not known');
    return { tenantId: principal.tenantId };
  } finally {
    await database.close();
  }
}

async function startApi(databaseUrl: string): Promise<{ child: ChildProcess; url: string }> {
  const profile = process.env['TARE_BENCH_PROFILE'] ? ['--cpu-prof', '--cpu-prof-dir', process.env['TARE_BENCH_PROFILE']] : [];
  const child = spawn(process.execPath, [...profile, path.resolve('dist/apps/api/main.js')], {
    env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: databaseUrl, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the API ended with ${code ?? 'a signal'} before it served`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"listening"')) resolve((JSON.parse(line) as { listening: string }).listening);
    });
  });
  return { child, url };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exit;
}

const postmasterOf = ({ directory }: EmbeddedPostgres): number =>
  Number(readFileSync(path.join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);
