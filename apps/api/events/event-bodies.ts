import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { CodedError } from '@tare/core';
import { IngestBounds } from '@tare/usage';
import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';

export const NDJSON = 'application/x-ndjson';
export const CLOUDEVENTS = /^application\/cloudevents(-batch)?\+json\s*(;|$)/i;

/** Whether the body of a request is a stream of events, which the route reads as it comes. */
export const isEventStream = ({ routeOptions, headers }: FastifyRequest): boolean =>
  routeOptions.url === '/v1/events' && (headers['content-type'] ?? '').toLowerCase().startsWith(NDJSON);

/** Lets bodies of events through as bytes, for the route to read: JSON has its own parser. */
@Injectable()
export class EventBodies implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly bounds: IngestBounds,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance();
    fastify.addContentTypeParser(CLOUDEVENTS, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    fastify.addContentTypeParser(NDJSON, async (request: FastifyRequest, body: Readable) =>
      isEventStream(request) ? body : wholeBody(body, this.bounds.bodyBytes),
    );
  }
}

/** For routes that read their lines at once. @throws CodedError BODY_TOO_LARGE */
async function wholeBody(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new CodedError('BODY_TOO_LARGE', `A body holds at most ${maxBytes} bytes: send it in parts.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
