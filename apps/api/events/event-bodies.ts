import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';

export const NDJSON = 'application/x-ndjson';
export const CLOUDEVENTS = /^application\/cloudevents(-batch)?\+json\s*(;|$)/i;

/** Lets bodies of events through as bytes, for the route to read: JSON has its own parser. */
@Injectable()
export class EventBodies implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost<FastifyAdapter>) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance();
    for (const type of [NDJSON, CLOUDEVENTS]) {
      fastify.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    }
  }
}
