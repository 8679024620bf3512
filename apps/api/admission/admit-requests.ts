import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RetryLater } from '@tare/core';
import { BodyAdmission, IngestBounds, IngestRates, IngestService, turns, type AdmittedBody } from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Transform, type Readable } from 'node:stream';
import type { AuthenticatedRequest } from '../auth/current-principal.ts';
import { isEventStream } from '../events/event-bodies.ts';
import { errorAnswer, graphqlErrorBody, retryAfterHeaders, statusOf } from '../errors/error-answer.ts';
import { releaseWhenOver } from './release-bodies.ts';

/** GraphQL bodies of this size are taken to hold events: a question is not refused because too many events wait. */
const EVENTS_FROM_BYTES = 64 * 2 ** 10;
/** Bodies of strangers (webhooks): what they send is counted as it comes, apart from tenants. */
const STRANGERS = 'strangers';
const STRANGERS_BYTES = 4 * 2 ** 20;

type AdmittedRequest = AuthenticatedRequest & { admittedBody?: AdmittedBody };

/**
 * Refuses what cannot be taken now before its body is read, with 429 and Retry-After: requests above an agreed rate, events of a tenant whose share of the queue
 * is full, bodies above the tenant's share of the memory that there is for them. A stream of events passes: it is held back piece by piece.
 * To be called after keys are recognised.
 */
export function admitRequests(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  const gate = new Gate(app.get(BodyAdmission), app.get(IngestBounds), app.get(IngestRates), app.get(IngestService));
  fastify.addHook('onRequest', (request: AdmittedRequest, reply, done) => {
    try {
      const body = gate.admit(request);
      if (body !== null) {
        request.admittedBody = body;
        releaseWhenOver(body, request, reply);
      }
      done();
    } catch (error) {
      if (error instanceof RetryLater) void refuse(request, reply, error);
      else done(error as Error);
    }
  });
  fastify.addHook('preParsing', (request: AdmittedRequest, _reply, payload, done) => {
    const body = request.admittedBody;
    done(null, body === undefined || body.heldBytes > 0 ? payload : counted(payload as Readable, body));
  });
}

class Gate {
  private readonly strangers = new BodyAdmission(STRANGERS_BYTES);

  constructor(
    private readonly bodies: BodyAdmission,
    private readonly bounds: IngestBounds,
    private readonly rates: IngestRates,
    private readonly ingest: IngestService,
  ) {}

  /** Null for a request without a body, and for a stream. @throws RetryLater */
  admit(request: AuthenticatedRequest): AdmittedBody | null {
    const { principal } = request;
    if (principal !== undefined) {
      this.rates.takeRequest(principal);
      turns.see(principal.tenantId);
    }
    if (!hasBody(request)) return null;
    const bytes = declaredBytes(request);
    if (principal === undefined) return this.strangers.admit(STRANGERS, 0);
    if (isEventStream(request)) return null;
    if (holdsEvents(request, bytes)) this.ingest.requireRoom(principal);
    // What is larger than any body may be is refused for that, and not read either.
    return this.bodies.admit(principal.tenantId, bytes === null || bytes > this.bounds.bodyBytes ? 0 : bytes);
  }
}

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Null where the length is not known beforehand. */
function declaredBytes({ headers }: FastifyRequest): number | null {
  const length = headers['content-length'];
  return length === undefined ? null : Number(length);
}

const isGraphql = (request: FastifyRequest): boolean => request.routeOptions.url === '/graphql';

const holdsEvents = (request: FastifyRequest, bytes: number | null): boolean =>
  !isGraphql(request) || bytes === null || bytes > EVENTS_FROM_BYTES;

/** The same bytes, counted as they come. */
function counted(payload: Readable, body: AdmittedBody): Readable {
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      try {
        body.grow(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  payload.once('error', (error) => counter.destroy(error));
  return payload.pipe(counter);
}

/** The body of a known length is thrown away as it comes, and the connection lives on; where no end is known the connection is closed. */
function refuse(request: FastifyRequest, reply: FastifyReply, error: RetryLater): FastifyReply {
  const answer = errorAnswer(error);
  if (declaredBytes(request) === null && hasBody(request)) void reply.header('connection', 'close');
  return reply
    .status(statusOf(answer))
    .headers(retryAfterHeaders(answer))
    .send(isGraphql(request) ? graphqlErrorBody(answer) : answer);
}
