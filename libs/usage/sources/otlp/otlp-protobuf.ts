import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { CodedError } from '@tare/core';
import type { IsWanted, OtlpAttributes, OtlpSpan, OtlpValue, VisitSpan } from './otlp-span.ts';

/** Reads the value of one field and says so; false: the field is not ours. */
type ReadField = (field: number, reader: BinaryReader, wireType: WireType) => boolean;

const STATUS_ERROR = 2;
/** More bytes than an id has: of an id that is too long, so much is shown. */
const MAX_ID_BYTES = 32;

/**
 * The spans of an ExportTraceServiceRequest in protobuf. Fields that are not known are passed over, as protobuf wants it.
 * @throws CodedError MALFORMED_PROTOBUF (also after some spans have been visited), and what `visit` throws
 */
export function readOtlpProtobuf(body: Uint8Array, isWanted: IsWanted, visit: VisitSpan): void {
  try {
    eachMessage(body, 1, (resourceSpans) => readResourceSpans(resourceSpans, isWanted, visit));
  } catch (error) {
    if (error instanceof CodedError) throw error;
    // What the reader throws is of many kinds (RangeError, TypeError, Error), and all of it is about the bytes.
    throw new CodedError('MALFORMED_PROTOBUF', `The body is no ExportTraceServiceRequest in protobuf: ${reasonOf(error)}`);
  }
}

/** Twice over the bytes, as the resource may stand after its spans. */
function readResourceSpans(bytes: Uint8Array, isWanted: IsWanted, visit: VisitSpan): void {
  const resource = new Map<string, OtlpValue>();
  eachMessage(bytes, 1, (message) => eachMessage(message, 1, (attribute) => readAttribute(attribute, isWanted, resource)));
  eachMessage(bytes, 2, (message) => readScopeSpans(message, isWanted, resource, visit));
}

function readScopeSpans(bytes: Uint8Array, isWanted: IsWanted, resource: OtlpAttributes, visit: VisitSpan): void {
  let scope = '';
  eachMessage(bytes, 1, (message) => {
    scope = readScopeName(message);
  });
  eachMessage(bytes, 2, (message) => visit(readSpan(message, isWanted, resource, scope)));
}

function readScopeName(bytes: Uint8Array): string {
  let name = '';
  readMessage(bytes, (field, reader, type) => {
    if (field !== 1 || type !== WireType.LengthDelimited) return false;
    name = reader.string(true);
    return true;
  });
  return name;
}

function readSpan(bytes: Uint8Array, isWanted: IsWanted, resource: OtlpAttributes, scope: string): OtlpSpan {
  const attributes = new Map<string, OtlpValue>();
  const span = { traceId: '', spanId: '', startNanos: 0n, endNanos: 0n, isError: false, attributes, resource, scope };
  readMessage(bytes, (field, reader, type) => {
    if (type === WireType.LengthDelimited) {
      if (field === 1) span.traceId = hex(reader.bytes());
      else if (field === 2) span.spanId = hex(reader.bytes());
      else if (field === 9) readAttribute(reader.bytes(), isWanted, attributes);
      else if (field === 15) span.isError = readIsError(reader.bytes());
      else return false;
      return true;
    }
    if (type !== WireType.Bit64) return false;
    if (field === 7) span.startNanos = BigInt(reader.fixed64());
    else if (field === 8) span.endNanos = BigInt(reader.fixed64());
    else return false;
    return true;
  });
  return span;
}

function readIsError(bytes: Uint8Array): boolean {
  let code = 0;
  readMessage(bytes, (field, reader, type) => {
    if (field !== 3 || type !== WireType.Varint) return false;
    code = reader.int32();
    return true;
  });
  return code === STATUS_ERROR;
}

function readAttribute(bytes: Uint8Array, isWanted: IsWanted, into: Map<string, OtlpValue>): void {
  let key = '';
  let value: Uint8Array | null = null;
  readMessage(bytes, (field, reader, type) => {
    if (type !== WireType.LengthDelimited) return false;
    if (field === 1) key = reader.string(true);
    else if (field === 2) value = reader.bytes();
    else return false;
    return true;
  });
  if (value === null || !isWanted(key)) return;
  const known = readValue(value);
  if (known !== null) into.set(key, known);
}

/** Of an AnyValue, whose fields exclude each other: the last one counts. */
function readValue(bytes: Uint8Array): OtlpValue | null {
  let value: OtlpValue | null = null;
  readMessage(bytes, (field, reader, type) => {
    if (field === 1 && type === WireType.LengthDelimited) value = reader.string(true);
    else if (field === 2 && type === WireType.Varint) value = reader.bool();
    else if (field === 3 && type === WireType.Varint) value = BigInt(reader.int64());
    else if (field === 4 && type === WireType.Bit64) value = finite(reader.double());
    else {
      value = null;
      return false;
    }
    return true;
  });
  return value;
}

/** What is no finite number says nothing. */
const finite = (double: number): number | null => (Number.isFinite(double) ? double : null);

/** The messages in a repeated (or single) field of a message. */
function eachMessage(bytes: Uint8Array, at: number, read: (message: Uint8Array) => void): void {
  readMessage(bytes, (field, reader, type) => {
    if (field !== at || type !== WireType.LengthDelimited) return false;
    read(reader.bytes());
    return true;
  });
}

/** Field by field. What is cut off in the middle, and what is longer than its message, is refused. */
function readMessage(bytes: Uint8Array, readField: ReadField): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (!readField(field, reader, type)) reader.skip(type, field);
    if (reader.pos > reader.len) throw new RangeError('a field ends outside of its message');
  }
}

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_ID_BYTES)).toString('hex');

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'it cannot be read');
