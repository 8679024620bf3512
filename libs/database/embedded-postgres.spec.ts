import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

/** Starts a server in a process of its own, from the build, so that the process can be killed. */
const BUILT = path.resolve('dist/libs/database/embedded-postgres.js');
const START = `const { startEmbeddedPostgres } = await import(process.argv[1]);
const server = await startEmbeddedPostgres({ directory: process.argv[2] });
console.log(JSON.stringify({ url: server.url }));
setInterval(() => {}, 1000);`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tare-embedded-'));
  chmodSync(directory, 0o755);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function startProcess(data: string, identity: { uid?: number; gid?: number } = {}): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', START, pathToFileURL(BUILT).href, data], {
    ...identity,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdout?.on('data', (chunk: Buffer) => resolve((JSON.parse(chunk.toString()) as { url: string }).url));
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const killed = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });

test('the build that these tests start is there', () => expect(existsSync(BUILT)).toBe(true));

test('a second start on the same folder uses the running server, and its stop leaves it running', async () => {
  const data = path.join(directory, 'postgres');
  const first = await startEmbeddedPostgres({ directory: data });
  const second = await startEmbeddedPostgres({ directory: data });
  expect(second.url).toBe(first.url);
  await second.stop();
  expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await first.stop();
  await expect(query(first.url, 'SELECT 1')).rejects.toThrow();
});

test('two starts at once: each gets the server, or a sentence that says that another is starting', async () => {
  const data = path.join(directory, 'postgres');
  const starts = await Promise.allSettled([startEmbeddedPostgres({ directory: data }), startEmbeddedPostgres({ directory: data })]);
  const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const refusals = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []));
  expect(servers.length).toBeGreaterThan(0);
  for (const refusal of refusals) expect(refusal).toMatch(/another Tare is starting on .* set TARE_DATA_DIR/);
  for (const server of servers) await server.stop();
});

test('a kill -9 of the process loses nothing: the next start adopts the server it left, and stops it', async () => {
  const data = path.join(directory, 'postgres');
  const child = startProcess(data);
  const url = await addressOf(child);
  await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await killed(child);
  const next = await startEmbeddedPostgres({ directory: data });
  expect(next.url).toBe(url);
  expect(await query(next.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  await next.stop();
  await expect(query(url, 'SELECT 1')).rejects.toThrow();
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot('it works for a normal user as it does for root', async () => {
  const nobody = 65534;
  const home = path.join(directory, 'home');
  const { chownSync, mkdirSync } = await import('node:fs');
  mkdirSync(home);
  chownSync(home, nobody, nobody);
  const child = startProcess(path.join(home, 'postgres'), { uid: nobody, gid: nobody });
  const url = await addressOf(child);
  expect(await query(url, 'SELECT current_user::text AS role')).toEqual([{ role: 'postgres' }]);
  await killed(child);
  await (await startEmbeddedPostgres({ directory: path.join(home, 'postgres') })).stop();
});
