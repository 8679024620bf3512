import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { formatInstant } from '@tare/core';
import { EntitlementsService, type Entitlement } from '@tare/entitlements';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { principalOf } from '../auth/current-principal.ts';
import { demandScope } from '../auth/scope.guard.ts';
import { answerError } from '../errors/answer-error.ts';
import { entitlementView } from './entitlements.types.ts';

interface EntitlementRoute {
  readonly Params: { readonly customer: string; readonly feature: string };
}

/**
 * The entitlement check by REST, what GraphQL answers with less on the way: `GET /v1/entitlements/{customer}/{feature}` answers 200 whether it is allowed or not;
 * amounts are decimal strings, times RFC 3339. It stands before every call of a model, so it is a route of the server itself: keys, rates and metrics are the
 * server's hooks and hold for it as for all others, the scope is asked for here, and what NestJS would do about guards, pipes and interceptors is left out
 * (docs/decisions/0022).
 */
export function serveEntitlements(app: NestFastifyApplication): void {
  const entitlements = app.get(EntitlementsService);
  const bodies = new EntitlementBodies();
  app
    .getHttpAdapter()
    .getInstance()
    .get<EntitlementRoute>('/v1/entitlements/:customer/:feature', (request: FastifyRequest<EntitlementRoute>, reply: FastifyReply) => {
      try {
        const principal = principalOf(request);
        demandScope(principal, 'READ');
        const { customer, feature } = request.params;
        const answer = entitlements.entitlement(principal.tenantId, customer, feature);
        if (!(answer instanceof Promise)) return send(reply, bodies.of(answer));
        answer.then(
          (late) => send(reply, bodies.of(late)),
          (error: unknown) => answerError(reply, error),
        );
      } catch (error) {
        answerError(reply, error);
      }
    });
}

function send(reply: FastifyReply, body: string): void {
  void reply.header('content-type', 'application/json; charset=utf-8').send(body);
}

/** Answers as they are sent. One answer is given many times before anything changes, and then it is another object. */
class EntitlementBodies {
  private readonly known = new WeakMap<Entitlement, string>();

  of(entitlement: Entitlement): string {
    let body = this.known.get(entitlement);
    if (body === undefined) {
      body = bodyOf(entitlement);
      this.known.set(entitlement, body);
    }
    return body;
  }
}

function bodyOf(entitlement: Entitlement): string {
  const { resetsAt, caps, ...answer } = entitlementView(entitlement);
  return JSON.stringify({
    ...answer,
    resetsAt: resetsAt === null ? null : formatInstant(resetsAt),
    caps: caps.map((cap) => ({ ...cap, resetsAt: formatInstant(cap.resetsAt) })),
  });
}
