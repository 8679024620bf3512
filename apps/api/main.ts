import path from 'node:path';
import { createApi, stopApi } from './app.ts';
import { log } from './log.ts';

const DEFAULT_PORT = 4000;
/** Only this machine, unless HOST says more. */
const DEFAULT_HOST = '127.0.0.1';

async function main(): Promise<void> {
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, PORT, HOST } = process.env;
  if (!databaseUrl) throw new Error('DATABASE_URL is not set. `tare start` sets it, and starts a database where there is none.');
  const dashboardDirectory = path.resolve(import.meta.dirname, '../dashboard');
  const app = await createApi({ databaseUrl, redisUrl: redisUrl || undefined, dashboardDirectory });
  await app.listen(Number(PORT ?? DEFAULT_PORT), HOST || DEFAULT_HOST);
  const stop = (signal: string): void => {
    log('info', 'stopping', { signal });
    stopApi(app).then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ listening: await app.getUrl() })}\n`);
}

function fail(error: unknown): never {
  if (isPortTaken(error)) {
    log('error', `port ${error.port} is taken: another Tare, or something else, listens there. Stop it, or set PORT to another one.`);
    process.exit(1);
  }
  log('error', 'the API could not start or stop', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exit(1);
}

function isPortTaken(error: unknown): error is Error & { port: number } {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;
}

main().catch(fail);
