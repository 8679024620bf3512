import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { CodedError } from '@tare/core';
import { IngestBounds, rpcStatus, type AdmittedBody, type OtlpEncoding } from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Transform, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const TRACES = '/v1/traces';
const FIRST_ERROR = 400;

/** gRPC's codes by the status that we answer; any other is INVALID_ARGUMENT, or INTERNAL from 500 on. */
const RPC_CODES: ReadonlyMap<number, number> = new Map([
  [401, 16],
  [403, 7],
  [404, 5],
  [413, 8],
  [429, 8],
  [503, 14],
]);
const INVALID_ARGUMENT = 3;
const INTERNAL = 13;

/** Whether a request came for OTLP's traces: their bodies may be compressed, and JSON is read by the route. */
export const isTraces = ({ routeOptions }: FastifyRequest): boolean => routeOptions.url === TRACES;

export const otlpEncoding = ({ headers }: FastifyRequest): OtlpEncoding =>
  (headers['content-type'] ?? '').toLowerCase().startsWith(PROTOBUF) ? 'PROTOBUF' : 'JSON';

/** What OTLP/HTTP wants of bodies on its route: protobuf, gzip, and a google.rpc.Status for whatever is refused, be it by a hook. */
@Injectable()
export class OtlpBodies implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly bounds: IngestBounds,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance();
    fastify.addContentTypeParser(PROTOBUF, { parseAs: 'buffer' }, (request, body, done) => {
      if (isTraces(request)) done(null, body);
      else done(new CodedError('UNSUPPORTED_MEDIA_TYPE', 'Protobuf is taken by /v1/traces only.'));
    });
    fastify.addHook('preParsing', (request, _reply, payload, done) => {
      if (!isTraces(request)) return done(null, payload);
      if (!isTaken(request))
        return done(new CodedError('UNSUPPORTED_MEDIA_TYPE', `Send ${PROTOBUF} or ${JSON_TYPE}, as it is or with gzip.`));
      if (request.headers['content-encoding']?.toLowerCase() !== 'gzip') return done(null, payload);
      done(null, gunzipped(payload as Readable, this.bounds.bodyBytes, (request as { admittedBody?: AdmittedBody }).admittedBody));
    });
    fastify.addHook('onSend', (request, reply, payload, done) => {
      if (!isTraces(request) || reply.statusCode < FIRST_ERROR) done(null, payload);
      else done(null, statusFor(request, reply, payload));
    });
  }
}

function isTaken({ headers }: FastifyRequest): boolean {
  const type = (headers['content-type'] ?? '').toLowerCase();
  const encoding = (headers['content-encoding'] ?? 'identity').toLowerCase();
  return (type === '' || type.startsWith(PROTOBUF) || type.startsWith(JSON_TYPE)) && (encoding === 'identity' || encoding === 'gzip');
}

/** Our own error body {code, message, field} in OTLP's form. */
function statusFor(request: FastifyRequest, reply: FastifyReply, payload: unknown): Buffer {
  const encoding = otlpEncoding(request);
  void reply.header('content-type', encoding === 'PROTOBUF' ? PROTOBUF : JSON_TYPE);
  const code = RPC_CODES.get(reply.statusCode) ?? (reply.statusCode < 500 ? INVALID_ARGUMENT : INTERNAL);
  return rpcStatus(code, messageOf(payload), encoding);
}

function messageOf(payload: unknown): string {
  try {
    const { code, message } = JSON.parse(String(payload)) as { code?: unknown; message?: unknown };
    return [code, message].filter((text) => typeof text === 'string').join(': ');
  } catch {
    return 'The request was refused.';
  }
}

/** The bytes that a gzip holds, as they come, up to a limit: a small body may hold a very large one. They count as memory of whoever sends them. */
function gunzipped(payload: Readable, limit: number, admitted: AdmittedBody | undefined): Readable {
  const gunzip = createGunzip();
  let [received, encoded] = [0, 0];
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      received += chunk.length;
      if (received > limit)
        return done(new CodedError('BODY_TOO_LARGE', `A body holds at most ${limit} bytes, unpacked: send it in parts.`));
      try {
        admitted?.grow(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  gunzip.once('error', () =>
    counter.destroy(new CodedError('MALFORMED_GZIP', 'The body is not gzip, as its Content-Encoding says, or is cut off.')),
  );
  payload.once('error', (error) => counter.destroy(error));
  counter.once('close', () => {
    payload.unpipe(gunzip);
    gunzip.destroy();
    payload.resume();
  });
  // Fastify compares the length that was announced with this one, not with what comes out.
  payload.on('data', (chunk: Buffer) => {
    (counter as Transform & { receivedEncodedLength?: number }).receivedEncodedLength = encoded += chunk.length;
  });
  payload.pipe(gunzip).pipe(counter);
  return counter;
}
