import { aggregate, carriedAfter, carriedFor, Decimal, periodContains, quantityOfLots } from '@tare/core';
import type { CarriedAllowance, EndedPart, Instant, Meter, MeterFilter, Period, PlanFeature, Segment, UsageRecord } from '@tare/core';
import type { AlertRuleKind } from '@tare/alerts';
import type { Cap } from './cap.ts';
import { rollsOver, runningAt, usageOfHolders, type CustomerFacts, type RunningSubscription } from './customer-facts.ts';
import { ratedParts, ratedSpan, ratedUpTo } from './rated-parts.ts';
import { spendOf } from './spend.ts';
import { calendarWindow } from './window.ts';

/** Usage that something is about: events of a type (`*`: all) that pass filters. */
export interface UsageScope {
  readonly eventType: string;
  readonly filters: readonly MeterFilter[];
}

/** The most of something in a window of time, and how much of it is used. */
export interface Limit {
  /** A plan's feature, what a price includes, a license's fair-use line, a customer's cap. */
  readonly kind: 'FEATURE' | 'INCLUDED' | 'FAIR_USE' | 'CAP';
  /** Of the feature, the price, the meter, the cap. */
  readonly key: string;
  /** Null for a cap, which is the customer's. */
  readonly subscriptionId: string | null;
  readonly unit: 'USAGE' | 'MONEY';
  /** The meter that is read; null: spend of all. */
  readonly meter: string | null;
  readonly scope: UsageScope;
  readonly limit: Decimal;
  readonly used: Decimal;
  readonly window: Period;
  /** Whether the entitlement says no once it is reached. */
  readonly stops: boolean;
  /** Which rule says at which percents it is told of. */
  readonly rule: AlertRuleKind;
  /** Its own percents; null: those of the rule. */
  readonly alertAt: readonly number[] | null;
}

export const EVERYTHING: UsageScope = { eventType: '*', filters: [] };

export function scopeOf(meter: Meter, match: readonly MeterFilter[]): UsageScope {
  return { eventType: meter.eventType, filters: [...meter.filters, ...match] };
}

/** What a limit leaves; never below zero. */
export function remainingOf({ limit, used }: Limit): Decimal {
  return Decimal.max(Decimal.ZERO, limit.minus(used));
}

/** Nothing is left. */
export function isReached({ limit, used }: Limit): boolean {
  return used.compare(limit) >= 0;
}

/** The most of a feature that a subscription may use in a billing period; null: unlimited. */
export function limitOfFeature({ limit, limitPerSeat }: PlanFeature, seats: number): Decimal | null {
  return limit === null ? null : limitPerSeat ? limit.times(Decimal.of(seats)) : limit;
}

/** Every limit of the customer at `at`, with what is used of it: of subscriptions that run and are not paused, and its caps. */
export function limitsOf(facts: CustomerFacts, at: Instant): Limit[] {
  const running = runningAt(facts.segments, at).filter(({ segment }) => !isPaused(segment));
  return [
    ...featureLimits(facts, running),
    ...includedLimits(facts, running, at),
    ...fairUseLimits(facts, running),
    ...facts.caps.map((cap) => capLimit(facts, cap, at)),
  ];
}

/** The time that a cap counts over; of a customer without a subscription that runs, a billing period is its month. */
export function windowOfCap({ segments, customer }: Pick<CustomerFacts, 'segments' | 'customer'>, { period }: Cap, at: Instant): Period {
  if (period !== 'BILLING') return calendarWindow(period, at, customer.timeZone);
  return runningAt(segments, at)[0]?.window ?? calendarWindow('MONTH', at, customer.timeZone);
}

function featureLimits(facts: CustomerFacts, running: readonly RunningSubscription[]): Limit[] {
  const keys = new Set(running.flatMap(({ segment }) => segment.terms.features.map(({ key }) => key)));
  return [...keys].flatMap((key) => {
    const holders = running.flatMap((subscription) => {
      const feature = subscription.segment.terms.features.find((one) => one.key === key && one.enabled);
      return feature === undefined ? [] : [{ subscription, feature }];
    });
    const usage = usageOfHolders(
      facts,
      facts.records,
      holders.map(({ subscription }) => subscription.id),
    );
    return holders.flatMap(({ subscription: { id, segment, window }, feature }): Limit[] => {
      const limit = limitOfFeature(feature, segment.seats);
      const meter = feature.meter === null ? undefined : facts.meters.get(feature.meter);
      if (limit === null || meter === undefined) return [];
      const used = quantityIn(window, meter, feature.match, usage.get(id) ?? []);
      const base = { kind: 'FEATURE', rule: 'ALLOWANCE', unit: 'USAGE', alertAt: null } as const;
      return [
        {
          ...base,
          key,
          subscriptionId: id,
          meter: meter.key,
          scope: scopeOf(meter, feature.match),
          limit,
          used,
          window,
          stops: feature.onLimit === 'BLOCK',
        },
      ];
    });
  });
}

/** What prices include in the billing period, and what was carried into it: it stops nothing, what is beyond is charged. */
function includedLimits(facts: CustomerFacts, running: readonly RunningSubscription[], at: Instant): Limit[] {
  const including = running.filter(({ segment }) => segment.terms.prices.some(({ includedQuantity }) => includedQuantity.isPositive()));
  if (including.length === 0) return [];
  const ids = new Set(including.map(({ id }) => id));
  const start = Math.min(at, ...including.filter(({ segments }) => segments.some(rollsOver)).map(({ window }) => window.start - 1));
  const parts = ratedParts(facts, ratedSpan(facts.segments, { start, end: at + 1 }));
  const open = parts.filter(({ segment, period }) => ids.has(segment.subscriptionId) && !period.trial && periodContains(period, at));
  return open.flatMap((part) => {
    const carried = carriedInto(facts, parts, part);
    return ratedUpTo(facts, part, Infinity).flatMap((rated): Limit[] => {
      const { priceKey, price, group, quantity, included } = rated;
      const limit = included.plus(quantityOfLots(carriedFor(carried, rated, part.period.start)));
      const meter = facts.meters.get(price.meter);
      if (meter === undefined || !limit.isPositive()) return [];
      const { segment, period } = part;
      const base = { kind: 'INCLUDED', rule: 'ALLOWANCE', unit: 'USAGE', alertAt: null, stops: false } as const;
      const window = { start: period.start, end: period.end };
      const scope = scopeOf(meter, price.match);
      return [
        {
          ...base,
          key: group === null ? priceKey : `${priceKey} ${group}`,
          subscriptionId: segment.subscriptionId,
          meter: meter.key,
          scope,
          limit,
          used: quantity,
          window,
        },
      ];
    });
  });
}

/** What closed periods carry on, as it was recorded; of one that is over and not closed yet, what its usage leaves by now. */
function carriedInto(facts: CustomerFacts, parts: readonly EndedPart[], part: EndedPart): readonly CarriedAllowance[] {
  const { subscriptionId } = part.segment;
  const recorded = facts.allowances.get(subscriptionId) ?? [];
  const closed = Math.max(-Infinity, ...recorded.map(({ periodStart }) => periodStart));
  const open = parts.filter(
    ({ segment, period }) => segment.subscriptionId === subscriptionId && period.start > closed && period.end <= part.period.start,
  );
  return carriedAfter(open, facts, recorded);
}

/** A license's fair-use lines: told of, never charged and never in the way (SEMANTICS 5). */
function fairUseLimits(facts: CustomerFacts, running: readonly RunningSubscription[]): Limit[] {
  const holders = running.filter(({ segment }) => segment.terms.fairUse.length > 0);
  const usage = usageOfHolders(
    facts,
    facts.records,
    holders.map(({ id }) => id),
  );
  return holders.flatMap(({ id, segment, window }) =>
    segment.terms.fairUse.flatMap(({ meter: key, quantity }): Limit[] => {
      const meter = facts.meters.get(key);
      if (meter === undefined) return [];
      const used = quantityIn(window, meter, [], usage.get(id) ?? []);
      const base = { kind: 'FAIR_USE', rule: 'FAIR_USE', unit: 'USAGE', alertAt: null, stops: false } as const;
      return [{ ...base, key, subscriptionId: id, meter: key, scope: scopeOf(meter, []), limit: quantity, used, window }];
    }),
  );
}

function capLimit(facts: CustomerFacts, cap: Cap, at: Instant): Limit {
  const window = windowOfCap(facts, cap, at);
  const meter = cap.meter === null ? undefined : facts.meters.get(cap.meter);
  const scope = meter === undefined ? { ...EVERYTHING, filters: cap.match } : scopeOf(meter, cap.match);
  const used = usedOfCap(facts, cap, window, meter);
  const { key, limit, alertAt } = cap;
  const unit = cap.kind === 'SPEND' ? 'MONEY' : 'USAGE';
  const stops = cap.enforcement === 'HARD';
  return { kind: 'CAP', rule: 'CAP', key, subscriptionId: null, unit, meter: cap.meter, scope, limit, used, window, stops, alertAt };
}

function usedOfCap(facts: CustomerFacts, { kind, currency, match, meter: key }: Cap, window: Period, meter: Meter | undefined): Decimal {
  if (kind === 'SPEND' && currency !== null) return spendOf(facts, { window, currency, meter: key, match });
  return meter === undefined ? Decimal.ZERO : quantityIn(window, meter, match, facts.records);
}

function quantityIn(window: Period, meter: Meter, match: readonly MeterFilter[], records: readonly UsageRecord[]): Decimal {
  return aggregate(
    meter,
    match,
    records.filter(({ from }) => periodContains(window, from)),
  );
}

/** Nothing may be done in a pause. */
export function isPaused({ paused }: Segment): boolean {
  return paused;
}
