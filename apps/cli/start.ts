import { once } from 'node:events';
import path from 'node:path';
import { startPlatform, type Platform } from './platform.ts';

/** Where the embedded database and the demo keep their files. */
export const dataDirectory = (): string => path.resolve(process.env['TARE_DATA_DIR'] ?? '.tare');

const DEFAULT_PORT = 4000;

/** `tare start`: serves until it is told to stop, or until one of its processes ends. */
export async function start(): Promise<void> {
  const stop = stopSignal();
  const platform = await startPlatform({
    dataDirectory: dataDirectory(),
    port: Number(process.env['PORT'] ?? DEFAULT_PORT),
    bootstrapKey: process.env['TARE_BOOTSTRAP_API_KEY'],
    onLine: (line) => console.log(line),
    stop,
  });
  console.log(
    `Tare serves at ${platform.url} (${platform.embedded ? `embedded PostgreSQL in ${dataDirectory()}` : 'PostgreSQL at DATABASE_URL'})`,
  );
  if (platform.madeKey) console.log(`Admin key of the first tenant (a test tenant), shown this once:\n\n  ${platform.madeKey}\n`);
  await serve(platform, stop);
}

/** Aborted at the first SIGINT or SIGTERM. Asked for before anything is started, so that a signal in between leaves nothing behind. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort(new Error(`stopped by ${signal}`)));
  return controller.signal;
}

/** Waits for the signal or for a process to end, then stops everything. Throws when it was not the signal. */
export async function serve(platform: Platform, stop: AbortSignal): Promise<void> {
  const isStopped = stop.aborted ? Promise.resolve(null) : once(stop, 'abort').then(() => null);
  const ends = platform.apps.map((app) => app.ended.then((code) => `${app.name} ended with ${code ?? 'a signal'}`));
  const failed = await Promise.race([isStopped, ...ends]);
  await platform.stop();
  if (failed) throw new Error(failed);
}
