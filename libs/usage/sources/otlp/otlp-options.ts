import { CodedError } from '@tare/core';

/** How a tenant wants its spans read: in the query of the address, or in headers of the exporter. */
export interface OtlpOptions {
  /** Attributes; the first that names somebody names the customer, those of the span before those of its resource. */
  readonly customerAttributes: readonly string[];
  /** Further operations that count, such as `invoke_agent` where agents run elsewhere and have no spans of their own inside. */
  readonly operations: ReadonlySet<string>;
  /** Instrumentations whose spans count; null: all. For applications in which two of them see the same call. */
  readonly scopes: ReadonlySet<string> | null;
  /** Whether the senders' input tokens leave out those of the cache, against the convention. */
  readonly isCacheBeside: boolean;
}

/** Who used it, the nearest to a customer first. */
const CUSTOMER_ATTRIBUTES: readonly string[] = [
  'tare.customer',
  'customer.id',
  'enduser.id',
  'user.id',
  'traceloop.association.properties.customer_id',
  'traceloop.association.properties.user_id',
  'ai.telemetry.metadata.customerId',
  'ai.telemetry.metadata.userId',
];
const NAMES: ReadonlySet<string> = new Set(['customer', 'operation', 'scope', 'cache']);
const HEADER_PREFIX = 'tare-';
const MAX_NAMES = 16;
const NAME = /^[\x21-\x2b\x2d-\x7e]{1,128}$/;

/**
 * Reads `?customer=session.account,tenant.id&operation=invoke_agent&scope=openai&cache=excluded`, or the same as headers `tare-customer`, ... (exporters that are
 * given a base address lose its query). The query goes before headers.
 * @throws CodedError INVALID_PARAMETER
 */
export function otlpOptions(query: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, unknown>> = {}): OtlpOptions {
  for (const name in query) {
    if (!NAMES.has(name)) throw invalid(name, 'There are the parameters customer, operation, scope and cache.');
  }
  const given = (name: string): unknown => query[name] ?? headers[`${HEADER_PREFIX}${name}`];
  const scopes = namesOf(given('scope'), 'scope');
  return {
    customerAttributes: namesOf(given('customer'), 'customer') ?? CUSTOMER_ATTRIBUTES,
    operations: new Set((namesOf(given('operation'), 'operation') ?? []).map((name) => name.toLowerCase())),
    scopes: scopes === null ? null : new Set(scopes),
    isCacheBeside: isCacheBeside(given('cache')),
  };
}

function namesOf(value: unknown, parameter: string): readonly string[] | null {
  if (value === undefined) return null;
  const names = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : [];
  if (names.length === 0 || names.length > MAX_NAMES || !names.every((name) => NAME.test(name))) {
    throw invalid(parameter, `Up to ${MAX_NAMES} names are expected, with commas between them.`);
  }
  return names;
}

function isCacheBeside(value: unknown): boolean {
  if (value === undefined || value === 'included') return false;
  if (value === 'excluded') return true;
  throw invalid('cache', 'Tokens of the cache are "included" in input tokens (as the convention says) or "excluded" from them.');
}

const invalid = (name: string, message: string): CodedError => new CodedError('INVALID_PARAMETER', message, name.slice(0, 64));
