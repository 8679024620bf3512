import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import { aggregate, meterMatches, recordValue } from '../usage/index.ts';
import type { Meter, UsageRecord } from '../usage/index.ts';
import { includedQuantity, priceParts, ratePrice } from '../pricing/index.ts';
import type { PlanTerms, PricePart, UsagePrice } from '../pricing/index.ts';
import { dayStart } from '../time/index.ts';
import { isValidAt, pricePeriod, shareOf } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import { carriedFor, quantityOfLots } from './carried-allowance.ts';
import type { CarriedAllowance } from './carried-allowance.ts';
import { convertAmount } from './exchange-rate.ts';
import type { ExchangeRate } from './exchange-rate.ts';
import type { RatedPrice } from './rated-price.ts';

export interface RatePeriodOptions {
  /** Usage that earlier parts of the same billing period charged by a UNIQUE_COUNT meter: its members are not charged again (SEMANTICS 6.2). None: nothing. */
  readonly chargedBefore?: (meter: Meter) => readonly UsageRecord[];
  /** False while the period runs: minimums are not due yet. True by default. */
  readonly closing?: boolean;
  readonly exchangeRates?: readonly ExchangeRate[];
  /** What earlier periods left of allowances that roll over. None: nothing. */
  readonly carried?: readonly CarriedAllowance[];
}

/**
 * What each usage price of the segment charges for a service period. `records`: usage that this subscription rates; what lies outside of the period is
 * left out, for a price also what lies outside of its validity. The order of records does not matter. Every usage price that is valid in the period is in
 * the answer, also at zero; one with groups once for each, and once for usage in none.
 * @throws CodedError UNKNOWN_METER
 */
export function ratePeriodUsage(
  segment: Segment,
  period: ServicePeriod,
  records: readonly UsageRecord[],
  meters: ReadonlyMap<string, Meter>,
  options: RatePeriodOptions = {},
): RatedPrice[] {
  const inside = recordsWithin(records, period);
  return segment.terms.prices.flatMap((price) => {
    const valid = price.model === 'FLAT' ? null : pricePeriod(price, period);
    if (price.model === 'FLAT' || valid === null) return [];
    const counted = valid === period ? inside : recordsWithin(inside, valid);
    return priceParts(price).map((part) => ratedPart(part, segment, valid, counted, meters, options));
  });
}

/** Whether a price of the terms counts the usage by this meter at its time: what no price counted was charged to nobody (SEMANTICS 6.2). */
export function isCountedBy({ prices }: PlanTerms, meter: Meter, record: UsageRecord): boolean {
  return prices.some(
    (price) =>
      price.model !== 'FLAT' &&
      price.meter === meter.key &&
      isValidAt(price, record.from) &&
      meterMatches({ ...meter, filters: [...meter.filters, ...price.match] }, record),
  );
}

/** The meter of a price or burn rate. @throws CodedError UNKNOWN_METER */
export function meterOf(key: string, meters: ReadonlyMap<string, Meter>): Meter {
  const meter = meters.get(key);
  if (meter === undefined) throw new CodedError('UNKNOWN_METER', `There is no meter "${key}".`);
  return meter;
}

/** The records themselves where all of them are: that is almost always so. */
function recordsWithin(records: readonly UsageRecord[], { start, end }: ServicePeriod): readonly UsageRecord[] {
  if (records.every(({ from }) => start <= from && from < end)) return records;
  return records.filter(({ from }) => start <= from && from < end);
}

function ratedPart(
  { group, price, keeps }: PricePart,
  segment: Segment,
  period: ServicePeriod,
  records: readonly UsageRecord[],
  meters: ReadonlyMap<string, Meter>,
  options: RatePeriodOptions,
): RatedPrice {
  const meter = meterOf(price.meter, meters);
  const matched = records.filter((record) => meterMatches(meter, record) && keeps(record));
  const before = meter.aggregation === 'UNIQUE_COUNT' ? (options.chargedBefore?.(meter) ?? []).filter(keeps) : [];
  const quantity = quantityOf(price, meter, matched, before);
  const events = Decimal.sumOf(matched, (record) => record.events);
  const cost = price.model === 'COST_PLUS' ? costOf(matched, segment, options.exchangeRates ?? []) : null;
  const share = shareOf(period);
  const seats = Decimal.of(segment.seats);
  const carried = quantityOfLots(carriedFor(options.carried ?? [], { priceKey: price.key, group, price }, period.start));
  const usage = { quantity, events, cost: cost?.known ?? Decimal.ZERO, seats, carried };
  const { closing = true } = options;
  const charge = ratePrice(price, usage, share === undefined ? { closing } : { closing, share });
  return {
    priceKey: price.key,
    group,
    price,
    quantity,
    events,
    cost: cost?.known ?? null,
    awaitingCost: cost?.isAwaited ?? false,
    included: includedQuantity(price, seats, share),
    charge,
  };
}

function quantityOf(price: UsagePrice, meter: Meter, matched: readonly UsageRecord[], before: readonly UsageRecord[]): Decimal {
  if (price.model === 'PERCENTAGE' && price.valueProperty !== null) {
    const property = price.valueProperty;
    return Decimal.sum(matched.map((record) => recordValue(property, record)));
  }
  if (before.length === 0) return aggregate(meter, price.match, matched);
  const known = aggregate(meter, price.match, before);
  return aggregate(meter, price.match, [...before, ...matched]).minus(known);
}

/**
 * Frozen cost in the plan's currency, at the rate of the customer's day (SEMANTICS 10.5). It is awaited while any event's cost, or the rate to convert it, is
 * unknown (4.5). Records reach across no `rateChanges`.
 */
function costOf(
  records: readonly UsageRecord[],
  { terms: { currency }, timeZone }: Segment,
  rates: readonly ExchangeRate[],
): { known: Decimal; isAwaited: boolean } {
  const unpriced = records.filter(({ costState }) => costState === 'UNPRICED' || costState === 'PENDING');
  const converted = records.map(({ cost, costCurrency, from: at }) => {
    const from = costCurrency ?? currency;
    return from === currency || cost.isZero() ? cost : convertAmount(cost, from, currency, dayStart(at, timeZone), rates);
  });
  const isAwaited = !Decimal.sum(unpriced.map((record) => record.events)).isZero() || converted.some((amount) => amount === null);
  return { known: Decimal.sum(converted.map((amount) => amount ?? Decimal.ZERO)), isAwaited };
}
