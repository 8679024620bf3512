import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { TareClient } from '@tare/client';
import { createTestDatabase, type TestDatabase } from '@tare/database';

/** The built product, running as its users run it: `tare start` on a database of its own. */
export interface RunningTare {
  readonly url: string;
  readonly adminKey: string;
  readonly client: TareClient;
  readonly test: TestDatabase;
  readonly directory: string;
  /** Process ids by app name, for those who want to kill one. */
  stop(): Promise<void>;
}

const CLI = path.resolve('dist/apps/cli/main.js');
const START_TIMEOUT_MS = 60_000;
/** Longer than `tare` gives API and worker to end. */
const STOP_TIMEOUT_MS = 30_000;

/**
 * Starts API and worker on a cloned test database; `env` adds to their environment. Who gives up (after a minute unless `giveUp` says) leaves nothing: what was started
 * has ended, and the database is dropped.
 */
export async function startTare(
  env: Readonly<Record<string, string>> = {},
  giveUp: AbortSignal = AbortSignal.timeout(START_TIMEOUT_MS),
): Promise<RunningTare> {
  const test = await createTestDatabase();
  const directory = mkdtempSync(path.join(tmpdir(), 'tare-e2e-'));
  const adminKey = `tare_test_${randomBytes(24).toString('base64url')}`;
  const child = spawn(process.execPath, [CLI, 'start'], {
    env: { ...process.env, DATABASE_URL: test.url, PORT: '0', TARE_DATA_DIR: directory, TARE_BOOTSTRAP_API_KEY: adminKey, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await test.drop();
    rmSync(directory, { recursive: true, force: true });
  };
  const url = await lineOf(child, /^Tare serves at (\S+)/, giveUp).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url,
    adminKey,
    client: new TareClient({ url, apiKey: adminKey, timeoutMs: 120_000 }),
    test,
    directory,
    stop,
  };
}

/** The Stripe emulator, running as a process. */
export async function startEmulator(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [path.resolve('dist/apps/stripe-emulator/main.js')], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await lineOf(child, /^\{"listening":"([^"]+)"\}/, AbortSignal.timeout(START_TIMEOUT_MS)).catch(async (error: unknown) => {
    await stopChild(child);
    throw error;
  });
  return { url, stop: () => stopChild(child) };
}

/** Runs a `tare` command to its end. */
export function runTare(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, output })));
}

/** The first group of the first line that matches. Throws with what was printed when the process ends before that, or somebody gives up: then it still runs. */
function lineOf(child: ChildProcess, pattern: RegExp, giveUp: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const printed: string[] = [];
    const fail = (why: string): void => reject(new Error(`${why}:\n${printed.join('\n')}`));
    giveUp.addEventListener('abort', () => fail(`nothing has matched ${String(pattern)}`), { once: true });
    child.once('exit', (code) => fail(`ended with ${code ?? 'a signal'}`));
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        printed.push(line);
        const match = pattern.exec(line);
        if (match?.[1]) resolve(match[1]);
      });
    }
  });
}

/** Asks it to end, which lets it end what it has started itself, and insists where it does not. */
async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(insist);
}

/** Asks until the answer is right, at most so long. Answers the last answer either way: the caller asserts on it. */
export async function eventually<Answer>(
  ask: () => Promise<Answer>,
  right: (answer: Answer) => boolean,
  timeoutMs = 60_000,
): Promise<Answer> {
  for (const deadline = Date.now() + timeoutMs; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const answer = await ask();
    if (right(answer) || Date.now() > deadline) return answer;
  }
}
