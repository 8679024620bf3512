import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { RejectedEvent } from '../../ingest/parse-batch.ts';

/** How a request came is how it is answered. */
export type OtlpEncoding = 'JSON' | 'PROTOBUF';

const MAX_REASONS = 5;
const MAX_MESSAGE = 300;

/** An ExportTraceServiceResponse: empty when nothing was refused, else with the partial success and its reasons. */
export function traceResponse(rejected: readonly RejectedEvent[], encoding: OtlpEncoding): Buffer {
  const message = rejected.length === 0 ? '' : reasonsOf(rejected);
  if (encoding === 'JSON') {
    const partialSuccess = { rejectedSpans: String(rejected.length), errorMessage: message };
    return Buffer.from(JSON.stringify(rejected.length === 0 ? {} : { partialSuccess }));
  }
  const writer = new BinaryWriter();
  if (rejected.length > 0) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.Varint).int64(rejected.length);
    writer.tag(2, WireType.LengthDelimited).string(message).join();
  }
  return Buffer.from(writer.finish());
}

/** A google.rpc.Status, which OTLP wants for every refusal. @param code of gRPC */
export function rpcStatus(code: number, message: string, encoding: OtlpEncoding): Buffer {
  if (encoding === 'JSON') return Buffer.from(JSON.stringify({ code, message }));
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int32(code);
  writer.tag(2, WireType.LengthDelimited).string(message);
  return Buffer.from(writer.finish());
}

/** For people who read the log of an exporter: each reason once, with how many spans it met and the first of them. */
function reasonsOf(rejected: readonly RejectedEvent[]): string {
  const byCode = new Map<string, RejectedEvent[]>();
  for (const one of rejected) {
    const same = byCode.get(one.code);
    if (same === undefined) byCode.set(one.code, [one]);
    else same.push(one);
  }
  const reasons = [...byCode].slice(0, MAX_REASONS).map(([code, [first, ...more]]) => {
    const span = first?.key == null ? '' : ` (span ${first.key}${more.length === 0 ? '' : ' and others'})`;
    return `${code} x ${more.length + 1}: ${(first?.message ?? '').slice(0, MAX_MESSAGE)}${span}`;
  });
  const left = byCode.size > MAX_REASONS ? ' And others.' : '';
  return `${rejected.length} spans were refused. ${reasons.join(' ')}${left}`;
}
