import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DashboardFiles } from './dashboard-files.ts';

/** The dashboard loads nothing from elsewhere and is framed by nobody. */
const HEADERS = {
  'content-security-policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
const NOT_FOUND = 404;

/** Serves the built dashboard at `/`, when there is one. Every other route wins. */
export function serveDashboard(app: NestFastifyApplication, directory: string): void {
  const files = DashboardFiles.read(directory);
  if (files === null) return;
  app
    .getHttpAdapter()
    .getInstance()
    .get('/*', (request: FastifyRequest, reply: FastifyReply) => {
      const address = pathOf(request.url);
      const file = files.at(address);
      if (file === null) return reply.status(NOT_FOUND).send({ code: 'NOT_FOUND', message: `Cannot GET ${address}` });
      const cache = file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache';
      return reply
        .headers({ ...HEADERS, 'cache-control': cache })
        .type(file.type)
        .send(file.body);
    });
}

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? '/';
