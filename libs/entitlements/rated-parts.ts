import { Decimal, joinedParts, ratePeriodUsage, servicePeriods, subscriptionFor } from '@tare/core';
import type { EndedPart, Instant, Period, RatedPrice, Segment, UsageRecord } from '@tare/core';
import type { CustomerFacts } from './customer-facts.ts';

/** The window, from the beginning of the first billing period that lies in it: tiers stand where the whole period puts them. */
export function ratedSpan(segments: readonly Segment[], window: Period): Period {
  const parts = segments.flatMap((segment) => servicePeriods(segment, window.start, window.end));
  return { start: Math.min(window.start, ...parts.map(({ fullStart }) => fullStart)), end: window.end };
}

/** Billing periods of all subscriptions in a span, each with the usage that it rates, joined as bills join them: a change of seats or fees does not split usage. */
export function ratedParts({ segments, records, meters }: CustomerFacts, span: Period): readonly EndedPart[] {
  const rated = new Map<string, UsageRecord[]>();
  for (const record of records) {
    const id = subscriptionFor(record, segments, meters)?.id;
    if (id === undefined) continue;
    const own = rated.get(id);
    if (own === undefined) rated.set(id, [record]);
    else own.push(record);
  }
  const parts = segments.flatMap((segment) =>
    servicePeriods(segment, span.start, span.end).map((period): EndedPart => {
      const inside = (rated.get(segment.id) ?? []).filter(({ from }) => period.start <= from && from < period.end);
      return { ...NOTHING_BILLED, segment, period, records: inside };
    }),
  );
  return joinedParts(parts.sort((a, b) => a.period.start - b.period.start));
}

const NOTHING_BILLED = {
  feesNet: Decimal.ZERO,
  uncoveredCredits: Decimal.ZERO,
  billed: [],
  closing: false,
} as const;

/** What usage before `end` is charged: no minimums, which are due when a period closes. */
export function ratedUpTo({ meters, exchangeRates }: CustomerFacts, { segment, period, records }: EndedPart, end: Instant): RatedPrice[] {
  const before = records.filter(({ from }) => from < end);
  return ratePeriodUsage(segment, period, before, meters, { closing: false, exchangeRates });
}
