import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { IngestService, type IngestResult } from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { unsupportedMediaType } from '../errors/error-answer.ts';
import { callerFor } from './backfill-caller.ts';
import { CloudEvents, hasCloudEvents } from './cloud-events.ts';
import { isEventStream } from './event-bodies.ts';
import { NdjsonRequests } from './ndjson-requests.ts';

/** Events in, by REST: the same path as GraphQL's from here on. */
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly ingest: IngestService,
    private readonly cloudEvents: CloudEvents,
    private readonly streams: NdjsonRequests,
  ) {}

  /**
   * A JSON array of events (UsageEventInput), any number of them one per line as application/x-ndjson, or CloudEvents. Answers 200 when everything accepted is
   * committed; who accepts application/x-ndjson is answered line by line, while lines still come. `?backfill=true` lifts the window of backdating, for keys with the scope ADMIN.
   */
  @Post()
  @HttpCode(200)
  @RequireScope('INGEST')
  async events(
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IngestResult | Readable> {
    const caller = callerFor(principal, (request.query as { backfill?: unknown }).backfill);
    if (hasCloudEvents(request)) return this.cloudEvents.take(caller, request);
    if (isEventStream(request)) return this.streams.take(caller, request, reply);
    return this.ingest.ingest(caller, requireArray(request));
  }
}

const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** Some other types are read too, for nobody who posts events. @throws CodedError UNSUPPORTED_MEDIA_TYPE | ARRAY_EXPECTED */
function requireArray({ headers, body }: FastifyRequest): unknown[] {
  const type = headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) throw unsupportedMediaType();
  if (Array.isArray(body)) return body;
  throw new CodedError('ARRAY_EXPECTED', 'Send a JSON array of events as application/json, or one event per line as application/x-ndjson.');
}
