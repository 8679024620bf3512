import { Controller, Get, Header, HttpCode, Res } from '@nestjs/common';
import { Database } from '@tare/database';
import type { FastifyReply } from 'fastify';
import { PublicRoute } from '../auth/require-scope.ts';
import { Metrics } from './metrics.ts';

const UNAVAILABLE = 503;

/** For whoever keeps the process running. Tells nothing about any tenant. */
@Controller()
@PublicRoute()
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
  ) {}

  /** The process is up. */
  @Get('healthz')
  @HttpCode(200)
  healthz(): { status: string } {
    return { status: 'ok' };
  }

  /** The database answers, so requests can be served. */
  @Get('readyz')
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<{ status: string }> {
    try {
      await this.database.withoutTenant((tx) => tx.query('SELECT 1'));
      return { status: 'ok' };
    } catch {
      void reply.status(UNAVAILABLE);
      return { status: 'the database does not answer' };
    }
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  text(): string {
    return this.metrics.text();
  }
}
