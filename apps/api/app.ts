import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AccessService } from '@tare/access';
import { AppModule, type ApiOptions } from './app.module.ts';
import { authenticateRequests } from './auth/authenticate.ts';
import { NestLog } from './nest-log.ts';

export type { ApiOptions } from './app.module.ts';

/** 10,000 events fit. */
const BODY_LIMIT_BYTES = 16 * 2 ** 20;

/**
 * The API, ready to `listen` or to be asked with `app.inject(...)`. The database must be migrated. Whoever makes it closes it.
 */
export async function createApi(options: ApiOptions): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({ bodyLimit: BODY_LIMIT_BYTES, trustProxy: false });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.register(options), adapter, {
    logger: new NestLog(),
    rawBody: true,
    abortOnError: false,
  });
  authenticateRequests(app, app.get(AccessService));
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}
