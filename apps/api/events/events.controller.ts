import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { IngestService, MAX_BATCH, type IngestResult } from '@tare/usage';
import type { FastifyRequest } from 'fastify';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { CloudEvents, hasCloudEvents } from './cloud-events.ts';
import { NDJSON } from './event-bodies.ts';
import { readNdjson } from './read-ndjson.ts';

/** Events in, by REST: the same path as GraphQL's from here on. */
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly ingest: IngestService,
    private readonly cloudEvents: CloudEvents,
  ) {}

  /** A JSON array of events (UsageEventInput), one per line as application/x-ndjson, or CloudEvents. Answers 200 when everything accepted is committed. */
  @Post()
  @HttpCode(200)
  @RequireScope('INGEST')
  async events(@CurrentPrincipal() principal: Principal, @Req() request: FastifyRequest): Promise<IngestResult> {
    if (hasCloudEvents(request)) return this.cloudEvents.take(principal, request);
    const type = request.headers['content-type']?.toLowerCase() ?? '';
    if (type.startsWith(NDJSON)) return this.lines(principal.tenantId, request.body as Buffer);
    return this.ingest.ingest(principal, requireArray(request.body));
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
