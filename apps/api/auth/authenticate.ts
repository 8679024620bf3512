import type { AccessService, Principal } from '@tare/access';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorAnswer, graphqlErrorBody } from '../errors/error-answer.ts';
import { unauthenticated, type AuthenticatedRequest } from './current-principal.ts';

const PUBLIC_ROUTES = new Set(['/healthz', '/readyz', '/metrics', '*', '/*', '/*path']);
const BEARER = /^Bearer +(\S+) *$/i;
const UNAUTHORIZED = 401;

/** Routes that a request reaches without a key: health, metrics, webhooks (which carry signatures) and the dashboard's files. */
const isPublicRoute = (route: string | undefined): boolean =>
  route === undefined || PUBLIC_ROUTES.has(route) || route.startsWith('/webhooks/');

/**
 * Recognises the key before the body is read, so that a stranger can't make us read 16 MiB. Decides by the route that matched, never by the text of the address.
 */
export function authenticateRequests(app: NestFastifyApplication, access: AccessService): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
      const route = request.routeOptions.url;
      if (isPublicRoute(route)) return done();
      const enter = (principal: Principal | null): void => {
        if (principal === null) return void refuse(reply, route === '/graphql');
        (request as AuthenticatedRequest).principal = principal;
        done();
      };
      const secret = BEARER.exec(request.headers.authorization ?? '')?.[1];
      const principal = secret === undefined ? null : access.authenticate(secret);
      if (principal instanceof Promise) principal.then(enter, done);
      else enter(principal);
    });
}

function refuse(reply: FastifyReply, isGraphql: boolean): FastifyReply {
  const answer = errorAnswer(unauthenticated());
  const body = isGraphql ? graphqlErrorBody(answer) : answer;
  return reply.status(UNAUTHORIZED).header('www-authenticate', 'Bearer').send(body);
}
