import { namedSegment, subscriptionFor } from '@tare/core';
import type { AllowanceRecord, Decimal, ExchangeRate, Instant, Meter, Period, Segment, UsageRecord } from '@tare/core';
import { runningSegmentAt, type Customer } from '@tare/customers';
import type { Cap } from './cap.ts';
import { billingWindow } from './window.ts';

/** What a customer has in its wallet. */
export interface CreditStanding {
  /** Credits of grants that are effective, less what is reserved. */
  readonly available: Decimal;
  /** What plans grant for the running periods and their invoices have not brought yet, less the usage that waits for it: it counts (docs/decisions/0024). */
  readonly ahead: Decimal;
  /** Owed to the next grant (SEMANTICS 7.5), or promised to reservations. */
  readonly debt: Decimal;
  /** It was ever given any. */
  readonly hasGrants: boolean;
  /** When what is effective changes by itself: a grant begins or ends; null: never. */
  readonly changesAt: Instant | null;
}

/** Credits that nothing covered; below zero: some were given back. */
export interface UncoveredUse {
  readonly segmentId: string;
  readonly at: Instant;
  readonly credits: Decimal;
}

/** Everything that decides what a customer may do, as it stood at one moment. */
export interface CustomerFacts {
  readonly customer: Customer;
  /** Of all its subscriptions, the oldest subscription first, each one's in order of time. */
  readonly segments: readonly Segment[];
  readonly caps: readonly Cap[];
  /** By key. */
  readonly meters: ReadonlyMap<string, Meter>;
  readonly exchangeRates: readonly ExchangeRate[];
  /** Usage since the earliest window began; no record reaches across the edge of one. */
  readonly records: readonly UsageRecord[];
  /** What closed periods carry on of allowances that roll over: the last record of each, by subscription. */
  readonly allowances: ReadonlyMap<string, readonly AllowanceRecord[]>;
  /** What nothing covered since the earliest window of a cap on spend began; empty where no cap counts it. */
  readonly uncovered: readonly UncoveredUse[];
  /** Null: nothing that it does burns credits. */
  readonly credits: CreditStanding | null;
}

/** A subscription that runs. */
export interface RunningSubscription {
  readonly id: string;
  readonly segment: Segment;
  /** All of its segments, in order of time. */
  readonly segments: readonly Segment[];
  readonly window: Period;
}

/** Whether what is left of an allowance goes on into the next period. */
export function rollsOver({ terms }: Segment): boolean {
  return terms.prices.some((price) => price.model !== 'FLAT' && price.rollover);
}

/** Segments by subscription, the oldest first. */
export function bySubscription(segments: readonly Segment[]): Map<string, Segment[]> {
  const subscriptions = new Map<string, Segment[]>();
  for (const segment of segments) {
    const own = subscriptions.get(segment.subscriptionId);
    if (own === undefined) subscriptions.set(segment.subscriptionId, [segment]);
    else own.push(segment);
  }
  return subscriptions;
}

/** Those that run at `at`, the oldest first. */
export function runningAt(segments: readonly Segment[], at: Instant): RunningSubscription[] {
  return [...bySubscription(segments)].flatMap(([id, own]) => {
    const segment = runningSegmentAt(own, at);
    const window = billingWindow(own, at);
    return segment === null || window === null ? [] : [{ id, segment, segments: own, window }];
  });
}

/**
 * The usage that counts for each of the subscriptions that hold something (a feature, a fair-use line): what names one of them that is in force, and of what names
 * none the usage that it rates (SEMANTICS 3.6); what none of the holders rates counts for the oldest, so that nothing is outside of a limit. What names another
 * subscription in force is that one's; a name that means nothing is none (docs/decisions/0026).
 */
export function usageOfHolders(
  { segments, meters }: CustomerFacts,
  records: readonly UsageRecord[],
  holders: readonly string[],
): Map<string, UsageRecord[]> {
  const usage = new Map<string, UsageRecord[]>(holders.map((id) => [id, []]));
  for (const record of records) {
    const named = namedSegment(record, segments)?.subscriptionId;
    const holder = named ?? (holders.length === 1 ? holders[0] : raterAmong(record, segments, meters, holders));
    if (holder !== undefined) usage.get(holder)?.push(record);
  }
  return usage;
}

function raterAmong(
  record: UsageRecord,
  segments: readonly Segment[],
  meters: ReadonlyMap<string, Meter>,
  holders: readonly string[],
): string | undefined {
  const rater = subscriptionFor(record, segments, meters)?.subscriptionId;
  return rater !== undefined && holders.includes(rater) ? rater : holders[0];
}
