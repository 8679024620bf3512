import { Decimal } from '../money/index.ts';
import { periodOfIndex } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import { calendarOf } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import type { RatedPrice } from './rated-price.ts';

/** A rest of an allowance that may be used later. */
export interface AllowanceLot {
  /** In the meter's unit; above zero. */
  readonly quantity: Decimal;
  /** From here on it is gone; null: it lives until it is used. */
  readonly expiresAt: Instant | null;
}

/** What is carried of one price, or of one group of it. */
export interface CarriedAllowance {
  readonly priceKey: string;
  readonly group: string | null;
  /** Carried quantity is of this meter and of no other. */
  readonly meter: string;
  /** Oldest first: in this order they are used. */
  readonly lots: readonly AllowanceLot[];
}

/** Finds what was carried for a price of the plan that is rated now. A price that does not roll over has nothing, nor has one on another meter. */
export function carriedFor(
  carried: readonly CarriedAllowance[],
  { priceKey, group, price }: Pick<RatedPrice, 'priceKey' | 'group' | 'price'>,
  start: Instant,
): readonly AllowanceLot[] {
  if (!price.rollover) return [];
  const own = carried.find((other) => other.priceKey === priceKey && other.group === group && other.meter === price.meter);
  return own?.lots.filter(({ expiresAt }) => expiresAt === null || expiresAt > start) ?? [];
}

export function quantityOfLots(lots: readonly AllowanceLot[]): Decimal {
  return Decimal.sum(lots.map(({ quantity }) => quantity));
}

/**
 * What a service period carries on of an allowance that rolls over. Usage takes carried quantity first, the oldest of it before the rest, then the period's
 * own allowance. What is left lives for the price's `rolloverPeriods` billing periods after its own; above `rolloverMaximum` the oldest goes first.
 * An own allowance that is not prorated goes on only from the end of its billing period: a plan changed within it grants the whole of its own (SEMANTICS 6.2).
 * @param opening what was carried into the period @param own the period's allowance
 */
export function carriedOn(rated: RatedPrice, segment: Segment, period: ServicePeriod, opening: readonly AllowanceLot[]): AllowanceLot[] {
  const { price, quantity, included: own } = rated;
  if (!price.rollover) return [];
  const keepsOwn = price.prorateIncluded || period.end === period.fullEnd;
  const lots = keepsOwn ? [...opening, { quantity: own, expiresAt: rolloverExpiry(price.rolloverPeriods, segment, period) }] : opening;
  const living = withoutOldest(lots, quantity).filter(({ expiresAt }) => expiresAt === null || expiresAt > period.end);
  const { rolloverMaximum: most, perSeat } = price;
  if (most === null) return living;
  const excess = quantityOfLots(living).minus(perSeat ? most.times(Decimal.of(segment.seats)) : most);
  return withoutOldest(living, excess);
}

/** The lots without so much of them, oldest first; all that is there where it is more. */
export function withoutOldest(lots: readonly AllowanceLot[], quantity: Decimal): AllowanceLot[] {
  let left = quantity;
  return lots.flatMap((lot) => {
    const taken = Decimal.max(Decimal.ZERO, Decimal.min(lot.quantity, left));
    left = left.minus(taken);
    const rest = lot.quantity.minus(taken);
    return rest.isPositive() ? [{ ...lot, quantity: rest }] : [];
  });
}

/** When what is left of a period is gone that lives for so many periods after it; null: it lives until it is used. */
export function rolloverExpiry(periods: number | null, segment: Segment, { index }: Pick<ServicePeriod, 'index'>): Instant | null {
  return periods === null ? null : periodOfIndex(calendarOf(segment), index + periods).end;
}
