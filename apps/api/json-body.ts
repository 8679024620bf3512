import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CodedError } from '@tare/core';

/** Fastify's own parser, for a request of any kind of server. */
type JsonParser = (request: unknown, text: string, done: (error: Error | null, value?: unknown) => void) => void;

/** JSON bodies as Fastify reads them (keys that poison prototypes are refused), with a code of our own for those that are none. */
export function readJsonBodies(app: NestFastifyApplication, bodyLimitBytes: number): void {
  const parse = app.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error') as JsonParser;
  app.useBodyParser('application/json', { bodyLimit: bodyLimitBytes }, (request, body, done) => {
    parse(request, body.toString('utf8'), (error, value) => {
      if (error)
        done(
          new CodedError('MALFORMED_JSON', 'The body is not JSON, or has keys that are not allowed (__proto__, constructor.prototype).'),
        );
      else done(null, value);
    });
  });
}
