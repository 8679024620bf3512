import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export type Value = string | number | bigint | boolean;

/** A span as a test writes it down; both encodings are made from it. */
export interface TestSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly isError?: boolean;
}
export interface TestRequest {
  readonly resource: Readonly<Record<string, Value>>;
  readonly scope: string;
  readonly spans: readonly TestSpan[];
}

let ids = 0;
/** A call of a model by a customer, with ids of its own. */
export function call(attributes: Readonly<Record<string, Value>> = {}, more: Partial<TestSpan> = {}): TestSpan {
  ids += 1;
  return {
    traceId: ids.toString(16).padStart(32, '5'),
    spanId: ids.toString(16).padStart(16, '6'),
    start: 1_774_000_800_000_000_000n,
    end: 1_774_000_801_500_000_999n,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.response.model': 'gpt-4o',
      'gen_ai.usage.input_tokens': 100n,
      'gen_ai.usage.output_tokens': 50n,
      'tare.customer': 'acme',
      ...attributes,
    },
    ...more,
  };
}

export const requestOf = (spans: readonly TestSpan[], resource: TestRequest['resource'] = {}, scope = 'test'): TestRequest => ({
  resource,
  scope,
  spans,
});

/** As OTLP's JSON has it. */
export function toJson({ resource, scope, spans }: TestRequest): object {
  return {
    resourceSpans: [
      { resource: { attributes: attributesJson(resource) }, scopeSpans: [{ scope: { name: scope }, spans: spans.map(spanJson) }] },
    ],
  };
}

function spanJson(span: TestSpan): object {
  return {
    traceId: span.traceId.toUpperCase(),
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name ?? 'chat gpt-4o',
    kind: 3,
    startTimeUnixNano: span.start.toString(),
    endTimeUnixNano: span.end.toString(),
    attributes: attributesJson(span.attributes),
    status: span.isError === true ? { code: 2, message: 'it broke' } : {},
  };
}

function attributesJson(attributes: Readonly<Record<string, Value>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueJson(value) }));
}

function valueJson(value: Value): object {
  if (typeof value === 'bigint') return { intValue: value.toString() };
  if (typeof value === 'number') return { doubleValue: Number.isFinite(value) ? value : String(value) };
  return typeof value === 'string' ? { stringValue: value } : { boolValue: value };
}

/** The same in protobuf, with fields that nobody knows yet in between. */
export function toProtobuf({ resource, scope, spans }: TestRequest): Buffer {
  const writer = new BinaryWriter();
  message(writer, 1, () => {
    message(writer, 2, () => {
      message(writer, 1, () => writer.tag(1, WireType.LengthDelimited).string(scope));
      for (const span of spans) message(writer, 2, () => writeSpan(writer, span));
    });
    message(writer, 1, () => writeAttributes(writer, 1, resource));
    writer.tag(900, WireType.Varint).uint64(7);
  });
  return Buffer.from(writer.finish());
}

function writeSpan(writer: BinaryWriter, span: TestSpan): void {
  writer.tag(1, WireType.LengthDelimited).bytes(Buffer.from(span.traceId, 'hex'));
  writer.tag(2, WireType.LengthDelimited).bytes(Buffer.from(span.spanId, 'hex'));
  if (span.parentSpanId !== undefined) writer.tag(4, WireType.LengthDelimited).bytes(Buffer.from(span.parentSpanId, 'hex'));
  writer.tag(5, WireType.LengthDelimited).string(span.name ?? 'chat gpt-4o');
  writer.tag(6, WireType.Varint).int32(3);
  writer.tag(7, WireType.Bit64).fixed64(span.start);
  writer.tag(8, WireType.Bit64).fixed64(span.end);
  writeAttributes(writer, 9, span.attributes);
  message(writer, 11, () => writer.tag(2, WireType.LengthDelimited).string('gen_ai.content.prompt'));
  if (span.isError === true) message(writer, 15, () => writer.tag(3, WireType.Varint).int32(2));
  writer.tag(16, WireType.Bit32).fixed32(257);
}

function writeAttributes(writer: BinaryWriter, field: number, attributes: Readonly<Record<string, Value>>): void {
  for (const [key, value] of Object.entries(attributes)) {
    message(writer, field, () => {
      writer.tag(1, WireType.LengthDelimited).string(key);
      message(writer, 2, () => writeValue(writer, value));
    });
  }
}

function writeValue(writer: BinaryWriter, value: Value): void {
  if (typeof value === 'string') writer.tag(1, WireType.LengthDelimited).string(value);
  else if (typeof value === 'boolean') writer.tag(2, WireType.Varint).bool(value);
  else if (typeof value === 'bigint') writer.tag(3, WireType.Varint).int64(value);
  else writer.tag(4, WireType.Bit64).double(value);
}

function message(writer: BinaryWriter, field: number, write: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write();
  writer.join();
}
