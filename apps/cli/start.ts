import path from 'node:path';
import { startPlatform, type Platform } from './platform.ts';

/** Where the embedded database and the demo keep their files. */
export const dataDirectory = (): string => path.resolve(process.env['TARE_DATA_DIR'] ?? '.tare');

const DEFAULT_PORT = 4000;

/** `tare start`: serves until it is told to stop, or until one of its processes ends. */
export async function start(): Promise<void> {
  const platform = await startPlatform({
    dataDirectory: dataDirectory(),
    port: Number(process.env['PORT'] ?? DEFAULT_PORT),
    bootstrapKey: process.env['TARE_BOOTSTRAP_API_KEY'],
    onLine: (line) => console.log(line),
  });
  console.log(
    `Tare serves at ${platform.url} (${platform.embedded ? `embedded PostgreSQL in ${dataDirectory()}` : 'PostgreSQL at DATABASE_URL'})`,
  );
  if (platform.madeKey) console.log(`Admin key of the first tenant (a test tenant), shown this once:\n\n  ${platform.madeKey}\n`);
  await serve(platform);
}

/** Waits for a signal or for a process to end, then stops everything in order. */
export async function serve(platform: Platform, ...more: { stop(): Promise<void> }[]): Promise<void> {
  const signalled = new Promise<null>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(null));
  });
  const failed = await Promise.race([
    signalled,
    ...platform.apps.map((app) => app.ended.then((code) => `${app.name} ended with ${code ?? 'a signal'}`)),
  ]);
  await platform.stop();
  for (const one of more) await one.stop();
  if (failed) throw new Error(failed);
}
