import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CodedError } from '@tare/core';
import { turns, type IngestBounds } from '@tare/usage';
import { isAscii, isUtf8 } from 'node:buffer';
import type { AuthenticatedRequest } from './auth/current-principal.ts';
import { isTraces } from './events/otlp-bodies.ts';
import { isDeeperThan } from './json-depth.ts';

/** Fastify's own parser, for a request of any kind of server. */
type JsonParser = (request: unknown, text: string, done: (error: Error | null, value?: unknown) => void) => void;

/** Routes that read their bodies themselves: what they are sent as application/json may be several lines of it. */
const READS_ITS_BODY = new Set(['/v1/litellm', '/v1/traces']);
/** Routes of events, which read every field by its name and keep properties as they are: a name that poisons prototypes is refused with its event, not with all others. */
const TAKES_ANY_NAME = new Set(['/v1/events', '/api/v1/events']);
const NO_JSON = 'The body is not JSON in UTF-8.';
const BYTE_ORDER_MARK = /^\uFEFF/;
const MALFORMED = 'The body is not JSON in UTF-8, or has keys that are not allowed (__proto__, constructor.prototype).';
/** Parsing takes long enough from here on for one tenant to be in the way of another: tenants take turns. */
const TURN_FROM_BYTES = 64 * 2 ** 10;
const ENCODED = 'Send the body as it is, without Content-Encoding: compressed bodies are not taken.';

/**
 * JSON bodies as Fastify reads them (keys that poison prototypes are refused, but in events), with a code of our own for those that are none or too deep. Bytes that are not UTF-8
 * are refused rather than replaced: two keys could become one. So are compressed bodies of any type,
 * except where OTLP unpacks its own.
 */
export function readJsonBodies(app: NestFastifyApplication, { bodyBytes, jsonDepth }: IngestBounds): void {
  const fastify = app.getHttpAdapter().getInstance();
  const parse = fastify.getDefaultJsonParser('error', 'error') as JsonParser;
  const read = (request: AuthenticatedRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void): void => {
    const isPlain = isAscii(body);
    if (!isPlain && !isUtf8(body)) return done(new CodedError('MALFORMED_JSON', NO_JSON));
    if (isDeeperThan(body, jsonDepth)) return done(new CodedError('JSON_TOO_DEEP', `Arrays and objects may be nested ${jsonDepth} deep.`));
    // What has no other characters, as nearly all events, becomes text many times as fast.
    const text = body.toString(isPlain ? 'latin1' : 'utf8');
    if (TAKES_ANY_NAME.has(request.routeOptions.url ?? '')) return readPlain(text, done);
    parse(request, text, (error, value) => {
      if (error) done(new CodedError('MALFORMED_JSON', MALFORMED));
      else done(null, value);
    });
  };
  app.useBodyParser('application/json', { bodyLimit: bodyBytes }, (request, body, done) => {
    const authenticated = request as AuthenticatedRequest;
    const { routeOptions, principal } = authenticated;
    if (READS_ITS_BODY.has(routeOptions.url ?? '')) return done(null, body);
    // Only webhooks are signed over their bytes; for all others they would be kept until the answer.
    if (principal !== undefined) (request as { rawBody?: Buffer | undefined }).rawBody = undefined;
    if (principal === undefined || body.length < TURN_FROM_BYTES) read(authenticated, body, done);
    else void turns.next(principal.tenantId).then(() => read(authenticated, body, done));
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() === 'identity' || isTraces(request)) done(null, payload);
    else done(new CodedError('UNSUPPORTED_MEDIA_TYPE', ENCODED));
  });
}

function readPlain(text: string, done: (error: Error | null, value?: unknown) => void): void {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(BYTE_ORDER_MARK, ''));
  } catch {
    return done(new CodedError('MALFORMED_JSON', NO_JSON));
  }
  done(null, value);
}
