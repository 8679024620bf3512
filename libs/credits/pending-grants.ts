import { Decimal, plannedGrant, segmentEnd, servicePeriodAt, servicePeriods } from '@tare/core';
import type { Instant, Period, Segment } from '@tare/core';

/** Credits that a plan grants for a period, and that the invoice of the period has not brought yet (SEMANTICS 7.6, docs/decisions/0024). */
export interface PendingGrant {
  /** The grant will have it. */
  readonly key: string;
  readonly subscriptionId: string;
  readonly segmentId: string;
  readonly credits: Decimal;
  /** The period that they are for. */
  readonly period: Period;
  /** They come only when the invoice is paid: nobody can rely on them. */
  readonly whenPaid: boolean;
}

/** How far billing has come with a subscription. */
export interface GrantProgress {
  /** Its periods before are closed. */
  readonly settledUntil?: Instant | undefined;
  /** The invoices of periods that begin until then are final. */
  readonly grantedUntil?: Instant | null | undefined;
}

/** Everything that decides which grants are still to come. */
export interface GrantsSoFar {
  /** Of one customer, each subscription's in order of time. */
  readonly segments: readonly Segment[];
  readonly progress: ReadonlyMap<string, GrantProgress>;
  /** Whether a grant with the key is there. */
  readonly has: (key: string) => boolean;
}

/** The grants that are still to come for the periods which `at` lies in. */
export function pendingAt(soFar: GrantsSoFar, at: Instant): PendingGrant[] {
  return [...bySubscription(soFar.segments)].flatMap(([id, own]) => pendingOf(own, at, soFar, soFar.progress.get(id) ?? {}) ?? []);
}

/** Those of all periods that are not closed and begin by `until`, in order of time. */
export function pendingUntil(soFar: GrantsSoFar, until: Instant): PendingGrant[] {
  const pending = [...bySubscription(soFar.segments)].flatMap(([id, own]) => {
    if (!own.some(grantsCredits)) return [];
    const progress = soFar.progress.get(id) ?? {};
    const from = progress.settledUntil ?? Math.min(...own.map(({ start }) => start));
    const periods = own.filter(grantsCredits).flatMap((segment) => servicePeriods(segment, from, until + 1));
    return periods.flatMap(({ start }) => pendingOf(own, start, soFar, progress) ?? []);
  });
  return pending.sort((a, b) => a.period.start - b.period.start);
}

/** The keys that `pendingAt` will ask for. */
export function pendingKeysAt(segments: readonly Segment[], at: Instant): string[] {
  const none: GrantsSoFar = { segments, progress: new Map(), has: () => false };
  return pendingAt(none, at).map(({ key }) => key);
}

/** What grants to come leave, once the usage that waits for them has had its part. Below zero: it will take of other grants too. */
export function aheadOf(pending: readonly PendingGrant[], waiting: ReadonlyMap<string, Decimal>): Decimal {
  const counted = pending.filter(({ whenPaid }) => !whenPaid);
  return Decimal.sum(counted.map(({ key, credits }) => credits.minus(waiting.get(key) ?? Decimal.ZERO)));
}

function pendingOf(
  own: readonly Segment[],
  at: Instant,
  { has }: GrantsSoFar,
  { settledUntil = -Infinity, grantedUntil }: GrantProgress,
): PendingGrant | null {
  const segment = own.find((one) => one.start <= at && at < (segmentEnd(one) ?? Infinity));
  if (segment === undefined || !grantsCredits(segment)) return null;
  const period = servicePeriodAt(segment, at);
  if (period === null || period.start < settledUntil) return null;
  const grant = plannedGrant(own, at);
  if (grant === null || has(grant.key)) return null;
  const whenPaid = grant.grantedWhen === 'PAID';
  if (!whenPaid && grantedUntil != null && period.start <= grantedUntil) return null;
  const { key, subscriptionId, segmentId, credits } = grant;
  return { key, subscriptionId, segmentId, credits, period: { start: period.start, end: period.end }, whenPaid };
}

function grantsCredits({ terms, paused }: Segment): boolean {
  return terms.creditsPerInterval !== null && !paused;
}

function bySubscription(segments: readonly Segment[]): Map<string, Segment[]> {
  const subscriptions = new Map<string, Segment[]>();
  for (const segment of segments) {
    const own = subscriptions.get(segment.subscriptionId);
    if (own === undefined) subscriptions.set(segment.subscriptionId, [segment]);
    else own.push(segment);
  }
  return subscriptions;
}
