import { CodedError } from '@tare/core';
import { decodeBatch, type DecodedBatch } from '../decoded-batch.ts';
import { wantedAttributes } from './otlp-attributes.ts';
import { otlpDecoder } from './otlp-event.ts';
import { readOtlpJson } from './otlp-json.ts';
import { isCandidate } from './otlp-operation.ts';
import type { OtlpOptions } from './otlp-options.ts';
import { readOtlpProtobuf } from './otlp-protobuf.ts';
import type { OtlpSpan } from './otlp-span.ts';

/** Spans with usage in one request. Exporters send 512 at a time, collectors 8,192. */
const MAX_SPANS = 50_000;

/** An ExportTraceServiceRequest: bytes of protobuf, or what JSON.parse made of OTLP's JSON. */
export type OtlpRequest = { readonly protobuf: Uint8Array } | { readonly json: unknown };

/**
 * The events of an export request, and the spans that were refused. Spans without usage, and those that stand for the calls inside them, are passed over: they
 * are neither.
 * @throws CodedError MALFORMED_PROTOBUF | MALFORMED_JSON | BATCH_TOO_LARGE (nothing is taken)
 */
export function decodeSpans(request: OtlpRequest, options: OtlpOptions): DecodedBatch {
  const spans: OtlpSpan[] = [];
  const visit = (span: OtlpSpan): void => {
    if (!isCandidate(span, options)) return;
    if (spans.length === MAX_SPANS) throw new CodedError('BATCH_TOO_LARGE', `A request holds at most ${MAX_SPANS} spans with usage.`);
    spans.push(span);
  };
  const isWanted = wantedAttributes(options);
  if ('protobuf' in request) readOtlpProtobuf(request.protobuf, isWanted, visit);
  else readOtlpJson(request.json, isWanted, visit);
  return decodeBatch(spans, otlpDecoder(options), MAX_SPANS);
}
