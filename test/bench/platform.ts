import { AccessService } from '@tare/access';
import { seedCatalogue } from '@tare/catalog';
import { applyMigrations, Database, EMBEDDED_SETTINGS, startEmbeddedPostgres, type EmbeddedPostgres } from '@tare/database';
import { migrateQueue } from '@tare/jobs';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';

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

/** A durable PostgreSQL with the product's settings, and any number of databases on it, each with an API of its own. */
export interface BenchServer {
  /** Makes the database unless it is there; `stop` of what it answers ends the API alone. */
  open(database: string): Promise<BenchPlatform>;
  /** Stops the server and removes its data, unless they are kept. */
  stop(): Promise<void>;
}

/** Settings beside the product's, e.g. "max_wal_size=1GB,wal_compression=off": to see what each is worth. */
const FURTHER_SETTINGS = (process.env['TARE_BENCH_POSTGRES'] ?? '').split(',').filter((setting) => setting !== '');

/** On a folder of its own that is kept, or on a new one that is removed. */
export async function startBenchServer(kept = process.env['TARE_BENCH_DIRECTORY']): Promise<BenchServer> {
  const directory = kept ?? mkdtempSync(path.join(tmpdir(), 'tare-bench-'));
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
  const settings = [...EMBEDDED_SETTINGS, ...FURTHER_SETTINGS.flatMap((setting) => ['-c', setting])];
  const postgres = await startEmbeddedPostgres({ directory: path.join(directory, 'postgres'), settings });
  return {
    open: (database) => openDatabase(postgres, database),
    stop: async () => {
      await postgres.stop();
      if (kept === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

export async function startBenchPlatform(): Promise<BenchPlatform> {
  const server = await startBenchServer();
  const platform = await server.open('bench');
  const stop = async (): Promise<void> => {
    await platform.stop();
    await server.stop();
  };
  return { ...platform, stop };
}

async function openDatabase(postgres: EmbeddedPostgres, name: string): Promise<BenchPlatform> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  const { tenantId } = await prepare(url.href);
  const api = await startApi(url.href);
  return {
    databaseUrl: url.href,
    tenantId,
    key: KEY,
    apiUrl: new URL(api.url),
    apiPid: api.child.pid ?? 0,
    postgresPid: postmasterOf(postgres),
    stop: () => ended(api.child),
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
