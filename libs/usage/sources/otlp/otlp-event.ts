import { CodedError, MAX_TEXT_LENGTH, formatInstant, type Instant } from '@tare/core';
import type { Decoder, NativeEvent } from '../decoded-batch.ts';
import { isKeepable } from '../litellm/litellm-fields.ts';
import {
  ERROR_TYPE,
  FEATURE,
  MODEL,
  PROPERTIES,
  PROPERTY_PREFIX,
  PROVIDER,
  REGION,
  REQUEST_MODEL,
  SERVICE_TIER,
  SUBSCRIPTION,
  USER,
  firstText,
} from './otlp-attributes.ts';
import { operationOf, typeOfSpan } from './otlp-operation.ts';
import type { OtlpOptions } from './otlp-options.ts';
import { providerOfSpan } from './otlp-provider.ts';
import { EXACT_BELOW, type OtlpAttributes, type OtlpSpan, type OtlpValue } from './otlp-span.ts';
import { tokensOfSpan } from './otlp-tokens.ts';

const TRACE_ID = /^(?!0+$)[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0+$)[0-9a-f]{16}$/;
const NANOS_PER_MICRO = 1_000n;
const NANOS_PER_MILLI = 1_000_000n;
/** The end of the year 2254: later instants are none. */
const LAST_MICROS = 8_993_721_599_999_999n;
const LONGEST_MS = 2n ** 31n - 1n;
const SERVICE_TIERS: ReadonlyMap<string, string> = new Map([
  ['default', 'standard'],
  ['standard', 'standard'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['batch', 'batch'],
]);

/** Turns spans that are candidates (see otlp-operation.ts) into native events. */
export function otlpDecoder(options: OtlpOptions): Decoder {
  return {
    decode: (item) => eventOfSpan(item as OtlpSpan, options),
    keyOf: (item) => (isIdentified(item as OtlpSpan) ? keyOf(item as OtlpSpan) : null),
  };
}

/**
 * The same span is the same event, however often and in whatever company it is exported: nothing but its own contents goes in.
 * @throws CodedError INVALID_SPAN_ID, FIELD_MISSING (customer), FIELD_TOO_LONG, INVALID_TIME, OPERATION_UNKNOWN, OPERATION_MISSING, TOKENS_NOT_SPLIT,
 * TOKEN_PARTS_EXCEED_TOTAL, those of a count
 */
function eventOfSpan(span: OtlpSpan, options: OtlpOptions): NativeEvent {
  const { attributes, resource } = span;
  requireIdentity(span);
  const type = typeOfSpan(attributes, options.operations);
  const customer = customerOf(span, options.customerAttributes);
  const model = firstText(attributes, MODEL);
  return {
    key: keyOf(span),
    customer,
    type,
    at: formatInstant(instantOfNanos(span.endNanos)),
    provider: providerOfSpan(firstText(attributes, PROVIDER), model),
    model,
    serviceTier: SERVICE_TIERS.get((firstText(attributes, SERVICE_TIER) ?? '').toLowerCase()) ?? null,
    region: firstText(attributes, REGION) ?? firstText(resource, REGION),
    tokens: tokensOfSpan(attributes, type, options.isCacheBeside),
    subscription: firstText(attributes, SUBSCRIPTION) ?? firstText(resource, SUBSCRIPTION),
    user: userOf(attributes, customer),
    outcome: span.isError || firstText(attributes, ERROR_TYPE) !== null ? 'FAILED' : 'SUCCEEDED',
    durationMs: durationMs(span),
    feature: firstText(attributes, FEATURE) ?? firstText(resource, FEATURE),
    traceId: span.traceId,
    properties: propertiesOf(span, model),
  };
}

const keyOf = ({ traceId, spanId }: OtlpSpan): string => `${traceId}-${spanId}`;
const isIdentified = ({ traceId, spanId }: OtlpSpan): boolean => TRACE_ID.test(traceId) && SPAN_ID.test(spanId);

function requireIdentity(span: OtlpSpan): void {
  if (isIdentified(span)) return;
  throw new CodedError('INVALID_SPAN_ID', 'A trace id of 16 bytes and a span id of 8 bytes are expected, and neither all zero.');
}

function customerOf({ attributes, resource }: OtlpSpan, names: readonly string[]): string {
  const customer = firstName(attributes, names) ?? firstName(resource, names);
  if (customer !== null) return customer;
  throw new CodedError(
    'FIELD_MISSING',
    `Who used it? Neither the span nor its resource has one of these attributes: ${names.join(', ').slice(0, MAX_TEXT_LENGTH)}.`,
    'customer',
  );
}

/** Ids are texts, or whole numbers. @throws CodedError NUMBER_NOT_EXACT: it may be somebody else's id */
function firstName(attributes: OtlpAttributes, names: readonly string[]): string | null {
  for (const name of names) {
    const value = attributes.get(name);
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) >= EXACT_BELOW) return nameOfLarge(value, name);
  }
  return null;
}

/** Of an integer that was written as a JSON number of many digits. */
function nameOfLarge(value: number, name: string): string {
  if (Number.isSafeInteger(value)) return String(value);
  throw new CodedError('NUMBER_NOT_EXACT', `${name}: This JSON number may have lost digits on the way: send it as a string.`, name);
}

/** The end user inside the customer, where the span names somebody else beside it. */
function userOf(attributes: OtlpAttributes, customer: string): string | null {
  const user = firstName(attributes, USER);
  return user === customer ? null : user;
}

/** Digits past the microsecond are cut (SEMANTICS 2.4). @throws CodedError INVALID_TIME */
function instantOfNanos(nanos: bigint): Instant {
  const micros = nanos / NANOS_PER_MICRO;
  if (nanos > 0n && micros <= LAST_MICROS) return Number(micros);
  throw new CodedError('INVALID_TIME', 'Nanoseconds since 1970 are expected: usage counts at the end of the span.', 'endTimeUnixNano');
}

/** Whole milliseconds; null where the span has no start, or one after its end. */
function durationMs({ startNanos, endNanos }: OtlpSpan): number | null {
  const millis = (endNanos - startNanos) / NANOS_PER_MILLI;
  return startNanos > 0n && endNanos >= startNanos && millis <= LONGEST_MS ? Number(millis) : null;
}

/** What meters filter and reports group by. Prompts and answers never are among them. */
function propertiesOf({ attributes, resource, scope, isError }: OtlpSpan, model: string | null): NativeEvent {
  const requested = firstText(attributes, REQUEST_MODEL);
  const texts: Record<string, string | null> = {
    operation: operationOf(attributes),
    scope,
    requestModel: requested === model ? null : requested,
    errorType: firstText(attributes, ERROR_TYPE) ?? (isError ? '_OTHER' : null),
  };
  for (const [name, attribute] of Object.entries(PROPERTIES))
    texts[name] = firstText(attributes, [attribute]) ?? firstText(resource, [attribute]);
  const known = Object.entries(texts).filter(([, text]) => isKeepable(text));
  return { source: 'otlp', ...Object.fromEntries(known), ...ownProperties(resource), ...ownProperties(attributes) };
}

/** `tare.properties.seats` is the property `seats`; those of the span go before those of its resource. */
function ownProperties(attributes: OtlpAttributes): NativeEvent {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of attributes) {
    const property = name.startsWith(PROPERTY_PREFIX) ? name.slice(PROPERTY_PREFIX.length) : '';
    if (property !== '' && property !== '__proto__') properties[property] = propertyOf(value);
  }
  return properties;
}

/** An integer that no double holds becomes text rather than another number. */
function propertyOf(value: OtlpValue): string | number | boolean {
  if (typeof value !== 'bigint') return value;
  return BigInt(Number(value)) === value ? Number(value) : value.toString();
}
