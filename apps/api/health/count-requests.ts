import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.ts';

/** Counts requests and the time they took, by the route that matched (never by the address, which strangers choose). */
export function countRequests(app: NestFastifyApplication, metrics: Metrics): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
      const labels = { route: request.routeOptions.url ?? 'none', status: String(reply.statusCode) };
      metrics.count('tare_http_requests_total', 'Requests answered.', labels);
      metrics.count('tare_http_request_seconds_total', 'Seconds spent on requests.', labels, reply.elapsedTime / 1000);
      done();
    });
}
