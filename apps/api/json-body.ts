import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CodedError } from '@tare/core';
import type { FastifyRequest } from 'fastify';
import { isUtf8 } from 'node:buffer';

/** Fastify's own parser, for a request of any kind of server. */
type JsonParser = (request: unknown, text: string, done: (error: Error | null, value?: unknown) => void) => void;

/** Routes that read their bodies themselves: what they are sent as application/json may be several lines of it. */
const READS_ITS_BODY = new Set(['/v1/litellm']);
const MALFORMED = 'The body is not JSON in UTF-8, or has keys that are not allowed (__proto__, constructor.prototype).';
const ENCODED = 'Send the body as it is, without Content-Encoding: compressed bodies are not taken.';

/**
 * JSON bodies as Fastify reads them (keys that poison prototypes are refused), with a code of our own for those that are none. Bytes that are not UTF-8
 * are refused rather than replaced: two keys could become one. So are compressed bodies of any type.
 */
export function readJsonBodies(app: NestFastifyApplication, bodyLimitBytes: number): void {
  const fastify = app.getHttpAdapter().getInstance();
  const parse = fastify.getDefaultJsonParser('error', 'error') as JsonParser;
  app.useBodyParser('application/json', { bodyLimit: bodyLimitBytes }, (request, body, done) => {
    if (READS_ITS_BODY.has((request as FastifyRequest).routeOptions.url ?? '')) return done(null, body);
    if (!isUtf8(body)) return done(new CodedError('MALFORMED_JSON', MALFORMED));
    parse(request, body.toString('utf8'), (error, value) => {
      if (error) done(new CodedError('MALFORMED_JSON', MALFORMED));
      else done(null, value);
    });
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() === 'identity') done(null, payload);
    else done(new CodedError('UNSUPPORTED_MEDIA_TYPE', ENCODED));
  });
}
