import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import type { FastifyRequest } from 'fastify';

/** A request whose key was recognised. */
export type AuthenticatedRequest = FastifyRequest & { principal?: Principal };

/** The request behind a GraphQL field or a REST route. */
export function requestOf(context: ExecutionContext): AuthenticatedRequest {
  if (context.getType<string>() !== 'graphql') return context.switchToHttp().getRequest<AuthenticatedRequest>();
  return context.getArgByIndex<{ request: AuthenticatedRequest }>(2).request;
}

/** @throws CodedError UNAUTHENTICATED */
export function principalOf(request: AuthenticatedRequest): Principal {
  if (request.principal === undefined) throw unauthenticated();
  return request.principal;
}

export const unauthenticated = (): CodedError =>
  new CodedError('UNAUTHENTICATED', 'Send a valid API key as "Authorization: Bearer <key>".');

/** Parameter of a resolver or route: who is calling. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) => principalOf(requestOf(context)));
