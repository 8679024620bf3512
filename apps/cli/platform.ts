import path from 'node:path';
import { AccessService } from '@tare/access';
import { seedCatalogue } from '@tare/catalog';
import { applyMigrations, Database, EMBEDDED_SETTINGS, startEmbeddedPostgres, type EmbeddedPostgres } from '@tare/database';
import { migrateQueue } from '@tare/jobs';
import { startApp, type AppProcess } from './child-process.ts';

export interface PlatformOptions {
  /** Folder of the embedded database; used when there is no DATABASE_URL. */
  readonly dataDirectory: string;
  /** 0 chooses a free one. */
  readonly port: number;
  /** On an empty database: the admin key of the first tenant; none: one is made. */
  readonly bootstrapKey: string | undefined;
  /** More environment for API and worker, e.g. where Stripe is. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onLine?: (line: string) => void;
  /** Stops what is coming up. */
  readonly stop: AbortSignal;
}

export interface Platform {
  readonly url: string;
  /** The key that was made now; null when the database had a tenant already. */
  readonly madeKey: string | null;
  readonly embedded: boolean;
  readonly apps: readonly AppProcess[];
  stop(): Promise<void>;
}

const WORKSPACE = path.resolve(import.meta.dirname, '../../..');

/**
 * Database, migrations, catalogue of prices, first tenant, then API and worker as processes. Everything may be started again. Throws when something does not come up,
 * or is stopped before: then nothing runs any more.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const postgres = await openPostgres(options.dataDirectory);
  const apps: AppProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(apps.map((app) => app.stop()));
    await postgres.embedded?.stop();
  };
  try {
    const madeKey = await prepare(postgres.url, options.bootstrapKey);
    const env = { ...options.env, DATABASE_URL: postgres.url, PORT: String(options.port) };
    const lines = options.onLine ? { onLine: options.onLine } : {};
    const starts = await Promise.allSettled(
      (['api', 'worker'] as const).map((name) => startApp({ name, env, stop: options.stop, ...lines })),
    );
    for (const started of starts) if (started.status === 'fulfilled') apps.push(started.value);
    for (const started of starts) if (started.status === 'rejected') throw started.reason;
    const url = apps.find((app) => app.name === 'api')?.url ?? '';
    return { url, madeKey, embedded: postgres.embedded !== null, apps, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openPostgres(dataDirectory: string): Promise<{ url: string; embedded: EmbeddedPostgres | null }> {
  const url = process.env['DATABASE_URL'];
  if (url) return { url, embedded: null };
  const embedded = await startEmbeddedPostgres({ directory: path.join(dataDirectory, 'postgres'), settings: EMBEDDED_SETTINGS });
  return { url: embedded.url, embedded };
}

/** What a database needs before anything serves from it. Answers the key of the first tenant when it was made now. */
async function prepare(url: string, bootstrapKey: string | undefined): Promise<string | null> {
  await applyMigrations(url, path.join(WORKSPACE, 'prisma/migrations'));
  if (!process.env['REDIS_URL']) await migrateQueue(url);
  const database = new Database({ url, connections: 2 });
  try {
    await seedCatalogue(database);
    return await new AccessService(database).bootstrap(bootstrapKey);
  } finally {
    await database.close();
  }
}
