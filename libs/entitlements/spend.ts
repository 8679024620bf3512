import { Decimal, filterMatches, periodContains } from '@tare/core';
import type { EndedPart, Instant, MeterFilter, Period, Segment } from '@tare/core';
import type { CustomerFacts } from './customer-facts.ts';
import { ratedParts, ratedSpan, ratedUpTo } from './rated-parts.ts';

/** What spend is asked of. */
export interface SpendQuery {
  readonly window: Period;
  readonly currency: string;
  /** Only prices on this meter; null: all. */
  readonly meter: string | null;
  /** Only usage with these values: what it is charged by itself, as if there were no other. */
  readonly match: readonly MeterFilter[];
}

/**
 * What usage in a window is charged, by the code that makes bills: of each billing period what its usage up to the window's end costs, less what that before the
 * window does, so that tiers, packages and caps of prices stand where they stand (SEMANTICS 4.7). Fees, minimums, discounts and tax are not in it; the known
 * part of COST_PLUS is. Credits above the balance are, where their plan bills them (OVERAGE); they are of no meter and of no part. Exact, before rounding.
 */
export function spendOf(all: CustomerFacts, query: SpendQuery): Decimal {
  const { window, currency, match } = query;
  const facts = match.length === 0 ? all : { ...all, records: all.records.filter((record) => filterMatches(match, record)) };
  const segments = facts.segments.filter(({ terms }) => terms.currency === currency);
  const parts = ratedParts(facts, ratedSpan(segments, window)).filter(
    ({ segment, period }) => segment.terms.currency === currency && !period.trial && period.end > window.start,
  );
  const charges = parts.map((part) => chargeUpTo(facts, query, part, window.end).minus(chargeUpTo(facts, query, part, window.start)));
  return Decimal.sum(query.meter === null && match.length === 0 ? [...charges, ...overage(facts, segments, window)] : charges);
}

/** Whether a plan bills credits that nothing covers. */
export function billsOverage({ terms }: Segment): boolean {
  return terms.creditExhaustion === 'OVERAGE' && terms.overagePricePerCredit !== null;
}

function overage({ uncovered }: CustomerFacts, segments: readonly Segment[], window: Period): Decimal[] {
  return uncovered.flatMap(({ segmentId, at, credits }) => {
    const segment = segments.find(({ id }) => id === segmentId);
    if (segment === undefined || !billsOverage(segment) || !periodContains(window, at)) return [];
    return [credits.times(segment.terms.overagePricePerCredit ?? Decimal.ZERO)];
  });
}

function chargeUpTo(facts: CustomerFacts, { meter, match }: SpendQuery, part: EndedPart, end: Instant): Decimal {
  if (end <= part.period.start) return Decimal.ZERO;
  const rated = ratedUpTo(facts, part, end).filter(({ price }) => meter === null || price.meter === meter);
  // The first tier's fee without any usage is no part's.
  const counted = match.length === 0 ? rated : rated.filter(({ quantity }) => !quantity.isZero());
  return Decimal.sum(counted.map(({ charge }) => charge.amount));
}
