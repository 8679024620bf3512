import { CodedError, type WireObject } from '@tare/core';
import { EXACT_BELOW, type IsWanted, type OtlpAttributes, type OtlpSpan, type OtlpValue, type VisitSpan } from './otlp-span.ts';

const STATUS_ERROR = 2;
const INTEGER = /^-?\d{1,20}$/;
const NANOS = /^\d{1,20}$/;
/** Doubles that JSON cannot write as numbers. Some exporters write null instead. */
const NOT_FINITE: ReadonlySet<unknown> = new Set(['NaN', 'Infinity', '-Infinity']);
const MAX_DIGITS = 64;

/**
 * The spans of an ExportTraceServiceRequest in OTLP's JSON: names in lowerCamelCase, ids in hexadecimal digits of either case, 64-bit integers as text or number,
 * null as good as absent. Fields that are not known are passed over.
 * @throws CodedError MALFORMED_JSON (also after some spans have been visited), and what `visit` throws
 */
export function readOtlpJson(request: unknown, isWanted: IsWanted, visit: VisitSpan): void {
  for (const resourceSpans of listAt(objectOf(request, 'body'), 'resourceSpans')) {
    const resource = attributesAt(objectAt(resourceSpans, 'resource'), isWanted);
    for (const scopeSpans of listAt(resourceSpans, 'scopeSpans')) {
      const scope = textAt(objectAt(scopeSpans, 'scope'), 'name');
      for (const span of listAt(scopeSpans, 'spans')) visit(readSpan(span, isWanted, resource, scope));
    }
  }
}

function readSpan(span: WireObject, isWanted: IsWanted, resource: OtlpAttributes, scope: string): OtlpSpan {
  return {
    traceId: textAt(span, 'traceId').slice(0, MAX_DIGITS).toLowerCase(),
    spanId: textAt(span, 'spanId').slice(0, MAX_DIGITS).toLowerCase(),
    startNanos: nanosAt(span, 'startTimeUnixNano'),
    endNanos: nanosAt(span, 'endTimeUnixNano'),
    isError: isErrorStatus(objectAt(span, 'status')),
    attributes: attributesAt(span, isWanted),
    resource,
    scope,
  };
}

/** Numbers, as OTLP wants them; names of before version 1 too. */
function isErrorStatus({ code }: WireObject): boolean {
  return code === STATUS_ERROR || code === 'STATUS_CODE_ERROR';
}

function attributesAt(holder: WireObject, isWanted: IsWanted): OtlpAttributes {
  const attributes = new Map<string, OtlpValue>();
  for (const attribute of listAt(holder, 'attributes')) {
    const key = textAt(attribute, 'key');
    if (!isWanted(key)) continue;
    const value = valueOf(objectAt(attribute, 'value'));
    if (value !== null) attributes.set(key, value);
  }
  return attributes;
}

/** Of an AnyValue: one of its fields is there. Null for lists, maps, bytes and for none. */
function valueOf(value: WireObject): OtlpValue | null {
  if (isThere(value.stringValue)) return textAt(value, 'stringValue');
  if (isThere(value.intValue)) return integerOf(value.intValue);
  if (isThere(value.doubleValue)) return doubleOf(value.doubleValue);
  if (!isThere(value.boolValue)) return null;
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  throw malformed('boolValue', 'true or false is expected');
}

/** An integer that was written as a number and may have been another is left a number: whoever counts it refuses its span alone. */
function integerOf(value: unknown): bigint | number {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) >= EXACT_BELOW) return value;
  const isInteger = typeof value === 'number' ? Number.isInteger(value) : typeof value === 'string' && INTEGER.test(value);
  const integer = isInteger ? BigInt(value as string | number) : null;
  if (integer === null || BigInt.asIntN(64, integer) !== integer) throw malformed('intValue', 'a 64-bit integer is expected');
  return integer;
}

/** Null for what is no finite number: it says nothing. */
function doubleOf(value: unknown): number | null {
  if (NOT_FINITE.has(value)) return null;
  const isText = typeof value === 'string' && value.length <= MAX_DIGITS && value.trim() !== '';
  const double = isText ? Number(value) : value;
  if (typeof double === 'number' && Number.isFinite(double)) return double;
  throw malformed('doubleValue', 'a number is expected');
}

/** Absent is 0, as in protobuf. */
function nanosAt(span: WireObject, name: string): bigint {
  const value = own(span, name);
  if (!isThere(value)) return 0n;
  const isNanos = typeof value === 'number' ? Number.isInteger(value) && value >= 0 : typeof value === 'string' && NANOS.test(value);
  const nanos = isNanos ? BigInt(value as string | number) : null;
  if (nanos === null || BigInt.asUintN(64, nanos) !== nanos) throw malformed(name, 'nanoseconds since 1970 are expected');
  return nanos;
}

function textAt(holder: WireObject, name: string): string {
  const value = own(holder, name) ?? '';
  if (typeof value !== 'string') throw malformed(name, 'a string is expected');
  return value;
}

function objectAt(holder: WireObject, name: string): WireObject {
  return objectOf(own(holder, name) ?? {}, name);
}

function listAt(holder: WireObject, name: string): WireObject[] {
  const list = own(holder, name) ?? [];
  if (!Array.isArray(list)) throw malformed(name, 'a list is expected');
  return list.map((item) => objectOf(item, name));
}

function objectOf(value: unknown, name: string): WireObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as WireObject;
  throw malformed(name, 'an object is expected');
}

const own = (holder: WireObject, name: string): unknown => (Object.hasOwn(holder, name) ? holder[name] : undefined);
const isThere = (value: unknown): boolean => value !== undefined && value !== null;

const malformed = (name: string, expected: string): CodedError =>
  new CodedError('MALFORMED_JSON', `The body is no ExportTraceServiceRequest in OTLP's JSON: ${name}: ${expected}.`);
