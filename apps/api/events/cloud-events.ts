import { Injectable } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import {
  IngestBounds,
  IngestService,
  answerForPayload,
  cloudEventDecoder,
  cloudEventOfHeaders,
  decodeBatch,
  type CloudEventDataForm,
  type Decoder,
  type IngestResult,
} from '@tare/usage';
import type { FastifyRequest } from 'fastify';
import { isUtf8 } from 'node:buffer';
import { awaitJsonTurn } from './await-json-turn.ts';
import { CLOUDEVENTS } from './event-bodies.ts';

const BATCH = /^application\/cloudevents-batch\+json/i;
const BYTE_ORDER_MARK = /^\uFEFF/;

/** Whether the body of a request is a CloudEvent or a batch of them: structured and batch mode. */
export function hasCloudEventsBody({ headers }: FastifyRequest): boolean {
  return CLOUDEVENTS.test(headers['content-type'] ?? '');
}

/** Whether a request holds CloudEvents, in any of the three modes of their HTTP binding. */
export function hasCloudEvents(request: FastifyRequest): boolean {
  return hasCloudEventsBody(request) || request.headers['ce-specversion'] !== undefined;
}

/** CloudEvents 1.0 in: structured, batch and binary mode. */
@Injectable()
export class CloudEvents {
  constructor(
    private readonly ingest: IngestService,
    private readonly bounds: IngestBounds,
  ) {}

  /** @throws CodedError those of `items`, INVALID_PARAMETER, those of IngestService */
  async take(principal: Principal, request: FastifyRequest): Promise<IngestResult> {
    const decoder = cloudEventDecoder(dataForm(request.query));
    if (hasCloudEventsBody(request)) return this.takeAll(principal, await this.items(principal, request), decoder);
    return this.takeAll(principal, [request], {
      decode: () => decoder.decode(cloudEventOf(request)),
      keyOf: () => keyOfHeaders(request, decoder),
    });
  }

  /** The events of a body in structured or batch mode. @throws CodedError MALFORMED_JSON | JSON_TOO_DEEP | OBJECT_EXPECTED | ARRAY_EXPECTED */
  async items({ tenantId }: Principal, request: FastifyRequest): Promise<readonly unknown[]> {
    await awaitJsonTurn(tenantId, request.body as Buffer, this.bounds.jsonDepth);
    return cloudEventsOf(request);
  }

  /** Any events that a decoder reads; what is wrong with one rejects that one, by its position in `items`. */
  async takeAll(principal: Principal, items: readonly unknown[], decoder: Decoder): Promise<IngestResult> {
    const decoded = decodeBatch(items, decoder, this.bounds.batchEvents);
    return answerForPayload(decoded, await this.ingest.ingest(principal, decoded.events));
  }
}

function cloudEventsOf({ headers, body }: FastifyRequest): readonly unknown[] {
  const value = jsonOf(body as Buffer);
  if (BATCH.test(headers['content-type'] ?? '')) {
    if (Array.isArray(value)) return value;
    throw new CodedError(
      'ARRAY_EXPECTED',
      'A body of application/cloudevents-batch+json is a JSON array; one event is application/cloudevents+json.',
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return [value];
  throw new CodedError(
    'OBJECT_EXPECTED',
    'A body of application/cloudevents+json is one event; several are application/cloudevents-batch+json.',
  );
}

/** A request in binary mode as an event in JSON form. */
function cloudEventOf({ raw, headers, body }: FastifyRequest): Record<string, unknown> {
  return cloudEventOfHeaders(raw.rawHeaders, headers['content-type'], body ?? undefined);
}

function keyOfHeaders(request: FastifyRequest, decoder: Decoder): string | null {
  try {
    return decoder.keyOf(cloudEventOf(request));
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    if (isUtf8(body)) return JSON.parse(body.toString('utf8').replace(BYTE_ORDER_MARK, '')) as unknown;
  } catch {
    // Told as bytes that are no text are.
  }
  throw new CodedError('MALFORMED_JSON', 'The body is not JSON in UTF-8.');
}

/** `?data=properties`: the data was made for something else, and meters read it. */
function dataForm(query: unknown): CloudEventDataForm {
  const { data } = query as Record<string, unknown>;
  if (data === undefined || data === 'event') return 'EVENT';
  if (data === 'properties') return 'PROPERTIES';
  throw new CodedError('INVALID_PARAMETER', 'Data is an "event" (fields of a usage event) or "properties" (anything).', 'data');
}
