import { Decimal, ratePeriodUsage, servicePeriods, subscriptionFor } from '@tare/core';
import type { Period, Segment, ServicePeriod, UsageRecord } from '@tare/core';
import type { CustomerFacts } from './customer-facts.ts';

/** What spend is asked of. */
export interface SpendQuery {
  readonly window: Period;
  readonly currency: string;
  /** Only prices on this meter; null: all. */
  readonly meter: string | null;
}

/**
 * What usage in a window is charged, by the code that makes bills: of each service period what its usage up to the window's end costs, less what that before the
 * window does, so that tiers, packages and caps of prices stand where they stand (SEMANTICS 4.7). Fees, minimums, discounts and tax are not in it; the known
 * part of COST_PLUS is. Exact, before rounding.
 */
export function spendOf(facts: CustomerFacts, query: SpendQuery): Decimal {
  const { window, currency } = query;
  const charged = facts.segments.filter(({ terms }) => terms.currency === currency);
  return Decimal.sum(
    charged.flatMap((segment) => {
      const parts = servicePeriods(segment, window.start, window.end).filter(({ trial }) => !trial);
      if (parts.length === 0) return [];
      const own = facts.records.filter((record) => subscriptionFor(record, facts.segments, facts.meters)?.id === segment.id);
      return parts.map((part) =>
        chargeUpTo(facts, query, segment, part, own, window.end).minus(chargeUpTo(facts, query, segment, part, own, window.start)),
      );
    }),
  );
}

function chargeUpTo(
  { meters, exchangeRates }: CustomerFacts,
  { meter }: SpendQuery,
  segment: Segment,
  part: ServicePeriod,
  records: readonly UsageRecord[],
  end: number,
): Decimal {
  if (end <= part.start) return Decimal.ZERO;
  const rated = ratePeriodUsage(
    segment,
    part,
    records.filter(({ from }) => from < end),
    meters,
    { closing: false, exchangeRates },
  );
  return Decimal.sum(rated.filter(({ price }) => meter === null || price.meter === meter).map(({ charge }) => charge.amount));
}
