import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import {
  IngestBounds,
  IngestService,
  decodeSpans,
  otlpOptions,
  traceResponse,
  turns,
  type OtlpRequest,
  type RejectedEvent,
} from '@tare/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isUtf8 } from 'node:buffer';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { isDeeperThan } from '../json-depth.ts';
import { PROTOBUF, otlpEncoding } from './otlp-bodies.ts';

/** OTLP itself needs 10; arguments of tools may be nested in attributes, which are passed over. */
const MAX_DEPTH = 256;
const EMPTY = Buffer.alloc(0);

/** OTLP/HTTP: what exporters of OpenTelemetry and its Collector post. The address of the exporter is that of Tare. */
@Controller('v1/traces')
export class OtlpController {
  constructor(
    private readonly ingest: IngestService,
    private readonly bounds: IngestBounds,
  ) {}

  /**
   * Spans of calls of models become events; others are passed over. Answers 200 when everything accepted is committed, with a partial success where spans were
   * refused: exporters don't send those again. `?customer=`, `?operation=`, `?scope=` and `?cache=` (or headers) say how spans are read.
   */
  @Post()
  @HttpCode(200)
  @RequireScope('INGEST')
  async take(
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const options = otlpOptions(request.query as Record<string, unknown>, request.headers);
    await turns.next(principal.tenantId);
    const decoded = decodeSpans(requestOf(request), options);
    const rejected: RejectedEvent[] = [...decoded.rejected];
    for (let start = 0; start < decoded.events.length; start += this.bounds.batchEvents) {
      const result = await this.ingest.ingest(principal, decoded.events.slice(start, start + this.bounds.batchEvents));
      rejected.push(...result.rejected);
    }
    const encoding = otlpEncoding(request);
    void reply.header('content-type', encoding === 'PROTOBUF' ? PROTOBUF : 'application/json');
    return traceResponse(rejected, encoding);
  }
}

/** A request without a body is an empty one, in protobuf. @throws CodedError MALFORMED_JSON | JSON_TOO_DEEP */
function requestOf(request: FastifyRequest): OtlpRequest {
  const body = Buffer.isBuffer(request.body) ? request.body : EMPTY;
  if (otlpEncoding(request) === 'PROTOBUF') return { protobuf: body };
  if (isDeeperThan(body, MAX_DEPTH)) throw new CodedError('JSON_TOO_DEEP', `Arrays and objects may be nested ${MAX_DEPTH} deep.`);
  try {
    if (isUtf8(body)) return { json: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    // Told as bytes that are no text are.
  }
  throw new CodedError('MALFORMED_JSON', 'The body is not JSON in UTF-8.');
}
