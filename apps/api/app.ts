import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccessService } from '@tare/access';
import { IngestBounds } from '@tare/usage';
import { admitRequests } from './admission/admit-requests.ts';
import { countIngest } from './admission/count-ingest.ts';
import { AppModule, type ApiOptions } from './app.module.ts';
import { authenticateRequests } from './auth/authenticate.ts';
import { serveDashboard } from './dashboard/serve-dashboard.ts';
import { serveEntitlements } from './entitlements/serve-entitlements.ts';
import { countRequests } from './health/count-requests.ts';
import { Metrics } from './health/metrics.ts';
import { readJsonBodies } from './json-body.ts';
import { NestLog } from './nest-log.ts';

export type { ApiOptions } from './app.module.ts';

const CLOSE_IDLE_EVERY_MS = 100;

/**
 * The API, ready to `listen` or to be asked with `app.inject(...)`. The database must be migrated. Whoever makes it closes it.
 */
export async function createApi(options: ApiOptions): Promise<NestFastifyApplication> {
  const bounds = IngestBounds.fromEnvironment(process.env);
  const adapter = new FastifyAdapter({ bodyLimit: bounds.bodyBytes });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.register(options), adapter, {
    logger: new NestLog(),
    rawBody: true,
    abortOnError: false,
  });
  readJsonBodies(app, bounds);
  authenticateRequests(app, app.get(AccessService));
  admitRequests(app);
  countIngest(app);
  countRequests(app, app.get(Metrics));
  serveEntitlements(app);
  if (options.dashboardDirectory !== undefined) serveDashboard(app, options.dashboardDirectory);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

/**
 * Takes no new requests, lets those under way end, and only then lets go of the database. A connection whose last request has ended is closed, or clients that
 * keep it alive would hold us up.
 */
export async function stopApi(app: NestFastifyApplication): Promise<void> {
  const { server } = app.getHttpAdapter().getInstance();
  const closing = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  try {
    await app.getHttpAdapter().getInstance().close();
  } finally {
    clearInterval(closing);
  }
  await app.close();
}
