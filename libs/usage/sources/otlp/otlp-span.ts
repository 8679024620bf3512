/** A value of an attribute that can say something about usage; lists, maps and bytes are passed over. 64-bit integers are exact. */
export type OtlpValue = string | number | bigint | boolean;

/** A JSON number from here on has more than 15 digits, and may have lost some on the way (SEMANTICS 1.1). */
export const EXACT_BELOW = 1e15;

export type OtlpAttributes = ReadonlyMap<string, OtlpValue>;

/** What is read of a span of OTLP's ExportTraceServiceRequest: the same from protobuf and from JSON. */
export interface OtlpSpan {
  /** Hexadecimal digits in lower case, as they came: 32 and 16 of them where the span is valid. */
  readonly traceId: string;
  readonly spanId: string;
  /** Nanoseconds since 1970; 0 where there is none. */
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  /** Whether the status of the span is ERROR. */
  readonly isError: boolean;
  /** Those that were asked for. */
  readonly attributes: OtlpAttributes;
  /** Of the resource that made the span: its service. */
  readonly resource: OtlpAttributes;
  /** Name of the instrumentation that made the span; an empty text where it has none. */
  readonly scope: string;
}

/** Which attributes are read: the others (prompts and answers above all) are never even decoded. */
export type IsWanted = (attribute: string) => boolean;

/** Gets each span of a request, in their order. Spans are handed over one by one, so that those that say nothing of usage need not be kept. */
export type VisitSpan = (span: OtlpSpan) => void;
