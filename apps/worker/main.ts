import { log } from './log.ts';
import { startWorker } from './worker.ts';

async function main(): Promise<void> {
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env;
  if (!databaseUrl) throw new Error('DATABASE_URL is not set. `tare start` sets it, and starts a database where there is none.');
  const worker = await startWorker({ databaseUrl, redisUrl: redisUrl || undefined });
  const stop = (signal: string): void => {
    log('info', 'stopping', { signal });
    worker.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
}

function fail(error: unknown): never {
  log('error', 'the worker could not start or stop', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exit(1);
}

main().catch(fail);
