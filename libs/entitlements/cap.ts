import { checkedPercents } from '@tare/alerts';
import { CodedError, currencyOf, QUANTITY_PRECISION, requireKey, requirePrecision, validateFilters } from '@tare/core';
import type { Decimal, Meter, MeterFilter } from '@tare/core';

export type CapKind = 'USAGE' | 'SPEND';
export type CapPeriod = 'BILLING' | 'DAY' | 'WEEK' | 'MONTH';
export type CapEnforcement = 'HARD' | 'SOFT';

/** The most that a customer may use or spend in a period. */
export interface Cap {
  /** The tenant's own, unique for the customer. */
  readonly key: string;
  readonly kind: CapKind;
  /** Key of the meter that is capped; null: all usage (SPEND only). */
  readonly meter: string | null;
  /** Only usage with these values. */
  readonly match: readonly MeterFilter[];
  /** Of USAGE in the meter's unit, of SPEND in `currency`. */
  readonly limit: Decimal;
  /** ISO 4217; null for USAGE. */
  readonly currency: string | null;
  /** In the customer's zone, weeks from Monday; BILLING: the billing period of the oldest subscription that runs. */
  readonly period: CapPeriod;
  /** HARD: the entitlement says no when it is reached. SOFT: alert events only. */
  readonly enforcement: CapEnforcement;
  /** Percents at which an alert event is recorded; null: the tenant's rule for caps. */
  readonly alertAt: readonly number[] | null;
}

/** What setCap takes; absent and null are the same. */
export interface CapInput {
  readonly key: string;
  readonly kind: CapKind;
  readonly meter?: string | null | undefined;
  readonly match?: readonly MeterFilter[] | null | undefined;
  readonly limit: Decimal;
  /** SPEND; none: the customer's. */
  readonly currency?: string | null | undefined;
  readonly period: CapPeriod;
  readonly enforcement?: CapEnforcement | null | undefined;
  readonly alertAt?: readonly number[] | null | undefined;
}

/**
 * Reads a cap. `currency`: what SPEND is in unless the input says; null: nobody knows.
 * @throws CodedError KEY_MISSING | KEY_TOO_LONG | METER_NEEDED | UNKNOWN_METER | FIELD_NOT_ALLOWED | CURRENCY_NEEDED | UNKNOWN_CURRENCY | NEGATIVE_LIMIT |
 *   TOO_PRECISE | INVALID_PERCENTS, and those of validateFilters
 */
export function parseCap(input: CapInput, meters: ReadonlyMap<string, Meter>, currency: string | null): Cap {
  const meter = input.meter ?? null;
  const match = validateFilters(input.match ?? [], 'match');
  requireKey(input.key, 'key');
  if (meter !== null && !meters.has(meter)) throw new CodedError('UNKNOWN_METER', `There is no meter "${meter}".`, 'meter');
  if (input.kind === 'USAGE') requireUsage(input, meter);
  if (input.limit.isNegative()) throw new CodedError('NEGATIVE_LIMIT', 'A limit is not below zero.', 'limit');
  return {
    key: input.key,
    kind: input.kind,
    meter,
    match,
    limit: requirePrecision(input.limit, QUANTITY_PRECISION, 'limit'),
    currency: input.kind === 'SPEND' ? currencyOfSpend(input.currency ?? currency) : null,
    period: input.period,
    enforcement: input.enforcement ?? 'HARD',
    alertAt: input.alertAt ? checkedPercents(input.alertAt, 'alertAt') : null,
  };
}

function requireUsage({ currency }: CapInput, meter: string | null): void {
  if (meter === null) throw new CodedError('METER_NEEDED', 'A cap on usage says of which meter.', 'meter');
  if ((currency ?? null) !== null) throw new CodedError('FIELD_NOT_ALLOWED', 'Only spend has a currency.', 'currency');
}

function currencyOfSpend(currency: string | null): string {
  if (currency !== null) return currencyOf(currency, 'currency').code;
  throw new CodedError(
    'CURRENCY_NEEDED',
    'The customer has neither a currency nor a subscription: say which currency the limit is in.',
    'currency',
  );
}
