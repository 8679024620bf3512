import { CodedError } from '../coded-error.ts';
import { Decimal, PRICE_PRECISION, currencyOf } from '../money/index.ts';
import { MICROS_PER_MINUTE, formatInstant, parseInstant } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import { parseProperties } from './event-properties.ts';
import { parseTokens } from './parse-tokens.ts';
import { tokensOfProviderUsage } from './provider-usage/tokens-of-provider-usage.ts';
import { NO_TOKENS } from './token-pools.ts';
import type { ReportedCost, UsageEvent } from './usage-event.ts';
import type { EventOutcome, TokenPools } from './usage-record.ts';
import { optionalAmount, optionalText, refuseUnknownFields, requireObject, requiredText } from './wire-fields.ts';
import type { WireObject } from './wire-fields.ts';

export interface ParseContext {
  /** The server's clock. */
  readonly now: Instant;
  /** The oldest `at` that is accepted; null: any (SEMANTICS 2.4). */
  readonly backdatingLimit: Instant | null;
}

/** How far an event may be ahead of the server (SEMANTICS 2.4). */
export const CLOCK_TOLERANCE = 5 * MICROS_PER_MINUTE;
const LARGEST_INT = 2 ** 31 - 1;

const FIELDS: ReadonlySet<string> = new Set([
  'key',
  'customer',
  'type',
  'at',
  'provider',
  'model',
  'serviceTier',
  'region',
  'tokens',
  'usage',
  'quantity',
  'gpuSeconds',
  'pool',
  'reportedCost',
  'subscription',
  'user',
  'outcome',
  'durationMs',
  'feature',
  'traceId',
  'properties',
]);
const COST_FIELDS: ReadonlySet<string> = new Set(['amount', 'currency']);

/**
 * Reads one event in the contract's wire form (UsageEventInput), from JSON or from GraphQL: strict, so that nothing that was sent is lost silently.
 * Absent and null are the same, an empty optional text too. The message of an error begins with the path of the field.
 * @throws CodedError KEY_MISSING, KEY_TOO_LONG, FIELD_MISSING, FIELD_TOO_LONG, INVALID_FIELD, INVALID_CHARACTER, UNKNOWN_FIELD, INVALID_TIME, AT_IN_FUTURE,
 * AT_TOO_OLD, INVALID_DECIMAL, NUMBER_NOT_EXACT, TOO_PRECISE, NEGATIVE_NUMBER, TOKEN_TOTAL_MISSING, TOKEN_PARTS_EXCEED_TOTAL, USAGE_AND_TOKENS,
 * USAGE_NOT_RECOGNISED, UNKNOWN_CURRENCY, PROPERTIES_TOO_LARGE, PROPERTIES_TOO_DEEP, INVALID_EVENT (SEMANTICS 1.1, 1.2, 2.4, 3.4)
 */
export function parseUsageEvent(raw: unknown, context: ParseContext): UsageEvent {
  try {
    return readEvent(raw, context);
  } catch (error) {
    throw error instanceof CodedError && error.path !== undefined ? withPathInMessage(error, error.path) : error;
  }
}

function readEvent(raw: unknown, context: ParseContext): UsageEvent {
  const event = requireObject(raw, 'event', 'INVALID_EVENT');
  const key = requiredText(event.key, 'key', 'KEY_MISSING', 'KEY_TOO_LONG');
  refuseUnknownFields(event, FIELDS, '');
  const provider = optionalText(event.provider, 'provider');
  const tokens = readTokens(event, provider);
  return {
    key,
    customer: requiredText(event.customer, 'customer'),
    type: requiredText(event.type, 'type'),
    at: readTime(event.at, context),
    provider,
    model: optionalText(event.model, 'model'),
    serviceTier: optionalText(event.serviceTier, 'serviceTier'),
    region: optionalText(event.region, 'region'),
    pool: optionalText(event.pool, 'pool'),
    feature: optionalText(event.feature, 'feature'),
    outcome: readOutcome(event.outcome),
    subscription: optionalText(event.subscription, 'subscription'),
    tokens: tokens ?? NO_TOKENS,
    hasTokens: tokens !== null,
    quantity: optionalAmount(event.quantity, 'quantity') ?? Decimal.ZERO,
    gpuSeconds: optionalAmount(event.gpuSeconds, 'gpuSeconds') ?? Decimal.ZERO,
    reportedCost: readReportedCost(event.reportedCost),
    user: optionalText(event.user, 'user'),
    durationMs: readDuration(event.durationMs),
    traceId: optionalText(event.traceId, 'traceId'),
    properties: parseProperties(event.properties),
  };
}

/** Counts in the contract's form, or the provider's own `usage` body: the same usage is the same content either way. */
function readTokens(event: WireObject, provider: string | null): TokenPools | null {
  if (event.usage === undefined || event.usage === null) return parseTokens(event.tokens);
  if (event.tokens === undefined || event.tokens === null) return parseTokens(tokensOfProviderUsage(provider, event.usage), 'usage');
  throw new CodedError('USAGE_AND_TOKENS', 'Send either the usage of the provider or tokens, not both: they would count twice.', 'usage');
}

function readTime(value: unknown, { now, backdatingLimit }: ParseContext): Instant {
  if (value === undefined || value === null) throw new CodedError('FIELD_MISSING', 'This field has to be there.', 'at');
  if (typeof value !== 'string') throw new CodedError('INVALID_TIME', 'A time is a string such as "2026-03-01T10:17:33Z".', 'at');
  const at = parseInstant(value, 'at');
  if (at > now + CLOCK_TOLERANCE) throw new CodedError('AT_IN_FUTURE', 'The time is more than 5 minutes ahead of the server.', 'at');
  if (backdatingLimit !== null && at < backdatingLimit) {
    const since = `Events are taken from ${formatInstant(backdatingLimit)} on.`;
    throw new CodedError(
      'AT_TOO_OLD',
      `${since} A longer backdatingDays or a backfill takes older ones, as far as retention keeps them.`,
      'at',
    );
  }
  return at;
}

function readOutcome(value: unknown): EventOutcome {
  if (value === undefined || value === null) return 'SUCCEEDED';
  if (value === 'SUCCEEDED' || value === 'FAILED') return value;
  throw new CodedError('INVALID_FIELD', 'The outcome is SUCCEEDED or FAILED.', 'outcome');
}

function readDuration(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value > LARGEST_INT) {
    throw new CodedError('INVALID_FIELD', `A whole number of milliseconds up to ${LARGEST_INT} is expected.`, 'durationMs');
  }
  if (value < 0) throw new CodedError('NEGATIVE_NUMBER', 'The number cannot be negative.', 'durationMs');
  return value === 0 ? 0 : value;
}

function readReportedCost(value: unknown): ReportedCost | null {
  if (value === undefined || value === null) return null;
  const cost = requireObject(value, 'reportedCost');
  refuseUnknownFields(cost, COST_FIELDS, 'reportedCost.');
  const amount = optionalAmount(cost.amount, 'reportedCost.amount', PRICE_PRECISION);
  if (amount === null) throw new CodedError('FIELD_MISSING', 'This field has to be there.', 'reportedCost.amount');
  const currency = requiredText(cost.currency, 'reportedCost.currency');
  return { amount, currency: currencyOf(currency, 'reportedCost.currency').code };
}

function withPathInMessage(error: CodedError, path: string): CodedError {
  return new CodedError(error.code, `${path}: ${error.message}`, path);
}
