import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { IngestService, MAX_BATCH, type IngestResult } from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { CLOUDEVENTS, NDJSON } from './event-bodies.ts';
import { readNdjson } from './read-ndjson.ts';

const UNSUPPORTED_MEDIA_TYPE = 415;

/** Events in, by REST: the same path as GraphQL's from here on. */
@Controller('v1/events')
export class EventsController {
  constructor(private readonly ingest: IngestService) {}

  /** A JSON array of events (UsageEventInput), or one per line as application/x-ndjson. Answers 200 when everything accepted is committed. */
  @Post()
  @HttpCode(200)
  @RequireScope('INGEST')
  async events(
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IngestResult | { code: string; message: string }> {
    const type = request.headers['content-type']?.toLowerCase() ?? '';
    if (CLOUDEVENTS.test(type)) {
      void reply.status(UNSUPPORTED_MEDIA_TYPE);
      return { code: 'NOT_AVAILABLE', message: 'CloudEvents are not taken yet: send a JSON array of events or application/x-ndjson.' };
    }
    if (type.startsWith(NDJSON)) return this.lines(principal.tenantId, request.body as Buffer);
    return this.ingest.ingest(principal.tenantId, requireArray(request.body));
  }

  private async lines(tenantId: string, body: Buffer): Promise<IngestResult> {
    const { events, lines, rejected } = readNdjson(body, MAX_BATCH);
    const result = await this.ingest.ingest(tenantId, events);
    const moved = result.rejected.map((event) => ({ ...event, index: lines[event.index] ?? event.index }));
    return { ...result, rejected: [...rejected, ...moved].sort((a, b) => a.index - b.index) };
  }
}

function requireArray(body: unknown): unknown[] {
  if (Array.isArray(body)) return body;
  throw new CodedError('ARRAY_EXPECTED', 'Send a JSON array of events as application/json, or one event per line as application/x-ndjson.');
}
