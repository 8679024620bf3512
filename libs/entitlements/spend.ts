import { Decimal } from '@tare/core';
import type { EndedPart, Instant, Period } from '@tare/core';
import type { CustomerFacts } from './customer-facts.ts';
import { ratedParts, ratedSpan, ratedUpTo } from './rated-parts.ts';

/** What spend is asked of. */
export interface SpendQuery {
  readonly window: Period;
  readonly currency: string;
  /** Only prices on this meter; null: all. */
  readonly meter: string | null;
}

/**
 * What usage in a window is charged, by the code that makes bills: of each billing period what its usage up to the window's end costs, less what that before the
 * window does, so that tiers, packages and caps of prices stand where they stand (SEMANTICS 4.7). Fees, minimums, discounts and tax are not in it; the known
 * part of COST_PLUS is. Exact, before rounding.
 */
export function spendOf(facts: CustomerFacts, query: SpendQuery): Decimal {
  const { window, currency } = query;
  const segments = facts.segments.filter(({ terms }) => terms.currency === currency);
  const parts = ratedParts(facts, ratedSpan(segments, window)).filter(
    ({ segment, period }) => segment.terms.currency === currency && !period.trial && period.end > window.start,
  );
  return Decimal.sum(parts.map((part) => chargeUpTo(facts, query, part, window.end).minus(chargeUpTo(facts, query, part, window.start))));
}

function chargeUpTo(facts: CustomerFacts, { meter }: SpendQuery, part: EndedPart, end: Instant): Decimal {
  if (end <= part.period.start) return Decimal.ZERO;
  const rated = ratedUpTo(facts, part, end).filter(({ price }) => meter === null || price.meter === meter);
  return Decimal.sum(rated.map(({ charge }) => charge.amount));
}
