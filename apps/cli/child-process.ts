import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** One of the apps, running as a process of its own. */
export interface AppProcess {
  readonly name: string;
  /** The address that it announced; null for an app that does not listen. */
  readonly url: string | null;
  readonly pid: number;
  /** Settles when the process has ended. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

export interface AppProcessOptions {
  readonly name: 'api' | 'worker' | 'stripe-emulator';
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Lines that the app prints besides its address. */
  readonly onLine?: (line: string) => void;
  /** Ends the app while it is coming up. */
  readonly stop: AbortSignal;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

/**
 * Starts a built app and waits until it announces itself with a JSON line `{"listening": url}` (`{"ready": true}` for the worker).
 * Throws when it ends before that, with what it printed, or is stopped; it has ended then.
 */
export async function startApp(options: AppProcessOptions): Promise<AppProcess> {
  const { name, env, stop } = options;
  stop.throwIfAborted();
  const child = spawn(process.execPath, [path.resolve(import.meta.dirname, '..', name, 'main.js')], {
    env: { NODE_ENV: 'production', ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    const url = await announced(child, options);
    return { name, url, pid: child.pid ?? 0, ended, stop: () => stopChild(child, ended) };
  } catch (error) {
    await ended;
    throw error;
  }
}

function announced(child: ChildProcess, { name, onLine, stop }: AppProcessOptions): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const printed: string[] = [];
    const timer = setTimeout(() => fail(`did not come up within ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    const onStop = (): void => fail('was stopped while it came up');
    const fail = (why: string): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
      child.kill('SIGKILL');
      reject(new Error(`${name} ${why}${printed.length > 0 ? `:\n${printed.slice(-20).join('\n')}` : ''}`));
    };
    const onExit = (code: number | null): void => fail(`ended with ${code ?? 'a signal'} while starting`);
    child.once('exit', onExit);
    stop.addEventListener('abort', onStop, { once: true });
    const read = (line: string): void => {
      const announcement = parseAnnouncement(line);
      if (announcement === undefined) {
        printed.push(line);
        onLine?.(line);
        return;
      }
      clearTimeout(timer);
      child.off('exit', onExit);
      stop.removeEventListener('abort', onStop);
      resolve(announcement);
    };
    if (child.stdout) createInterface({ input: child.stdout }).on('line', read);
    if (child.stderr) createInterface({ input: child.stderr }).on('line', read);
  });
}

/** The address in an announcement, null for one without, undefined when the line is none. */
function parseAnnouncement(line: string): string | null | undefined {
  if (!line.startsWith('{"listening"') && !line.startsWith('{"ready"')) return undefined;
  return (JSON.parse(line) as { listening?: string }).listening ?? null;
}

async function stopChild(child: ChildProcess, ended: Promise<number | null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
