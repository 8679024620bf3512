import { needsEvents, segmentEnd, servicePeriods } from '@tare/core';
import type { Instant, Meter, MeterFilter, Period, Segment } from '@tare/core';
import { bySubscription, rollsOver, runningAt, type CustomerFacts } from './customer-facts.ts';
import { windowOfCap } from './limits.ts';
import { ratedSpan } from './rated-parts.ts';
import { billingWindow } from './window.ts';

/** What of a customer decides which of its usage is read. */
export type LimitedCustomer = Pick<CustomerFacts, 'customer' | 'segments' | 'caps'>;

type Meters = ReadonlyMap<string, Meter>;

/** Days that are cut ahead, so that time is not cut anew, and usage not counted anew, every midnight. */
const DAYS_AHEAD = 7;

/** The edges of everything that limits count over at `at`, ascending: no record may reach across one. Empty: nothing is counted. */
export function neededCuts(customer: LimitedCustomer, at: Instant): Instant[] {
  return cutsOf(customer, windowsAt(customer, at));
}

/** The same with the windows that come next: cut like this, sums last for longer than the windows of now. */
export function plannedCuts(customer: LimitedCustomer, at: Instant): Instant[] {
  const now = windowsAt(customer, at);
  return cutsOf(customer, [...now, ...windowsAhead(customer, at)]);
}

/** Whether sums of dimensions are not enough for a limit of the customer: then single events are read. */
export function readsEvents({ segments, caps }: LimitedCustomer, meters: Meters): boolean {
  const reads = (key: string | null, match: readonly MeterFilter[]): boolean => {
    const meter = key === null ? undefined : meters.get(key);
    return meter !== undefined && needsEvents(meter, match);
  };
  const spend = caps.filter(({ kind }) => kind === 'SPEND');
  const hasSpend = spend.length > 0;
  // A cap on the spend of a part reads it of every meter that is charged.
  const partsOf = (key: string | null): boolean => spend.some(({ meter, match }) => meter === null && reads(key, match));
  return (
    caps.some(({ meter, match }) => reads(meter, match)) ||
    segments.some(
      ({ terms }) =>
        terms.features.some(({ meter, match, limit }) => limit !== null && reads(meter, match)) ||
        terms.fairUse.some(({ meter }) => reads(meter, [])) ||
        terms.prices.some((price) => {
          const isRead = price.meter !== null && (hasSpend || price.includedQuantity.isPositive());
          const isProperty = price.model === 'PERCENTAGE' && price.valueProperty?.startsWith('properties.') === true;
          return isRead && (isProperty || reads(price.meter, price.match) || partsOf(price.meter));
        }),
    )
  );
}

function windowsAt({ customer, segments, caps }: LimitedCustomer, at: Instant): Period[] {
  const counted = runningAt(segments, at).filter(({ segment }) => countsUsage(segment));
  // What the period before leaves of its allowances goes on before it is closed too.
  const before = counted
    .filter(({ segments: own }) => own.some(rollsOver))
    .map(({ segments: own, window }) => billingWindow(own, window.start - 1));
  return [
    ...before.filter((window) => window !== null),
    ...counted.map(({ window }) => window),
    ...caps.map((cap) => windowOfCap({ customer, segments }, cap, at)),
  ];
}

function windowsAhead({ customer, segments, caps }: LimitedCustomer, at: Instant): Period[] {
  const billing = [...bySubscription(segments).values()].flatMap((own) => {
    const window = billingWindow(own, at);
    return following((later) => billingWindow(own, later), window, 1);
  });
  const ofCaps = caps.flatMap((cap) =>
    following(
      (later) => windowOfCap({ customer, segments }, cap, later),
      windowOfCap({ customer, segments }, cap, at),
      cap.period === 'DAY' ? DAYS_AHEAD : 1,
    ),
  );
  return [...billing, ...ofCaps];
}

function following(windowAt: (at: Instant) => Period | null, first: Period | null, count: number): Period[] {
  const windows: Period[] = [];
  for (let last = first; last !== null && windows.length < count;) {
    last = windowAt(last.end);
    if (last !== null) windows.push(last);
  }
  return windows;
}

/**
 * Where charges are told apart too, time is cut where they are. Of several subscriptions one may be named, which counts for as long as it is in force: time is cut
 * where each begins and ends.
 */
function cutsOf({ segments, caps }: LimitedCustomer, windows: readonly Period[]): Instant[] {
  if (windows.length === 0) return [];
  const asked = { start: Math.min(...windows.map(({ start }) => start)), end: Math.max(...windows.map(({ end }) => end)) };
  const isRated = caps.some(({ kind }) => kind === 'SPEND') || segments.some(includesUsage);
  const { start, end } = isRated ? ratedSpan(segments, asked) : asked;
  const parts = isRated ? segments.flatMap((segment) => servicePeriods(segment, start, end)) : [];
  const edges = [...windows, ...parts].flatMap((period) => [period.start, period.end]);
  const isNamed = new Set(segments.map(({ subscriptionId }) => subscriptionId)).size > 1;
  const bounds = isRated || isNamed ? segments.flatMap((segment) => [segment.start, segmentEnd(segment) ?? start]) : [];
  const least = Math.min(...edges);
  return [...new Set([...edges, ...bounds.filter((bound) => bound > least && bound < end)])].sort((a, b) => a - b);
}

function countsUsage(segment: Segment): boolean {
  const { fairUse, features } = segment.terms;
  return fairUse.length > 0 || features.some(({ meter, limit }) => meter !== null && limit !== null) || includesUsage(segment);
}

function includesUsage({ terms }: Segment): boolean {
  return terms.prices.some(({ includedQuantity }) => includedQuantity.isPositive());
}
