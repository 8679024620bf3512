import { Decimal, mayMeet, segmentEnd, servicePeriodAt } from '@tare/core';
import type { Instant, Meter, PlanFeature, PlanTerms, Segment } from '@tare/core';
import { runningSegmentAt } from '@tare/customers';
import { bySubscription, runningAt, type CreditStanding, type CustomerFacts, type RunningSubscription } from './customer-facts.ts';
import type { CapStanding, Entitlement, EntitlementReason, EntitlementUnit } from './entitlement.ts';
import { EVERYTHING, isPaused, isReached, remainingOf, scopeOf, type Limit, type UsageScope } from './limits.ts';

/** What one subscription, or the wallet, says. */
interface Verdict {
  readonly reason: EntitlementReason | null;
  readonly unit: EntitlementUnit | null;
  /** Null: unlimited. */
  readonly remaining: Decimal | null;
  readonly resetsAt: Instant | null;
  readonly limit: Decimal | null;
  readonly used: Decimal | null;
}

const UNLIMITED: Verdict = { reason: null, unit: null, remaining: null, resetsAt: null, limit: null, used: null };
const no = (reason: EntitlementReason): Verdict => ({ ...UNLIMITED, reason });

export const NOBODY: Entitlement = { ...answerOf(no('UNKNOWN_CUSTOMER')), caps: [] };

/**
 * Whether the customer may use a feature at `at` (libs/entitlements/README.md has the rules). `limits`: all of the customer's (`limitsOf`). Pure: the same facts
 * give the same answer until one of them changes or a window ends.
 */
export function decideEntitlement(facts: CustomerFacts, limits: readonly Limit[], feature: string, at: Instant): Entitlement {
  const running = runningAt(facts.segments, at);
  const active = running.filter(({ segment }) => !isPaused(segment));
  if (active.length === 0) return { ...answerOf(withoutSubscription(facts, running.length > 0, at)), caps: [] };
  const isListed = active.some(({ segment }) => segment.terms.features.length > 0);
  const scopes = isListed ? scopesOfFeature(facts, active, feature) : [scopeOfName(facts, feature)];
  const verdict = isListed ? ofListed(facts, limits, active, feature, at) : ofUnlisted(facts, limits, active, feature, at);
  const caps = limits.filter((limit) => limit.kind === 'CAP' && scopes.some((scope) => mayMeet(limit.scope, scope)));
  return { ...answerOf(withCaps(verdict, caps)), caps: caps.map(standingOf) };
}

/** Without a plan, prepaid credits may still be used. */
function withoutSubscription({ segments, credits }: CustomerFacts, isInPause: boolean, at: Instant): Verdict {
  if (isInPause) return no('SUBSCRIPTION_PAUSED');
  if (credits !== null && credits.hasGrants) return ofCredits(credits, 'BLOCK', null, null);
  return no(endedInTrial(segments, at) ? 'TRIAL_ENDED' : 'NO_SUBSCRIPTION');
}

function endedInTrial(segments: readonly Segment[], at: Instant): boolean {
  const ends = [...bySubscription(segments).values()].flatMap((own) => {
    const last = own.findLast(({ start, end }) => start <= at && (end === null || end > start));
    const end = last === undefined ? null : segmentEnd(last);
    return last === undefined || end === null ? [] : [{ end, inTrial: last.trialEnd !== null && end <= last.trialEnd }];
  });
  return ends.sort((a, b) => b.end - a.end)[0]?.inTrial ?? false;
}

/** Plans that list features allow those that they list. Of several subscriptions with it, what they leave adds up. */
function ofListed(
  facts: CustomerFacts,
  limits: readonly Limit[],
  active: readonly RunningSubscription[],
  feature: string,
  at: Instant,
): Verdict {
  const verdicts = active.flatMap((subscription) => {
    const listed = subscription.segment.terms.features.find(({ key, enabled }) => key === feature && enabled);
    return listed === undefined ? [] : [ofFeature(facts, limits, subscription, listed, at)];
  });
  if (verdicts.length === 0) return no('FEATURE_NOT_INCLUDED');
  return combined(verdicts);
}

/** A feature without a meter is a switch: neither credits nor caps have to do with it. */
function ofFeature(
  facts: CustomerFacts,
  limits: readonly Limit[],
  subscription: RunningSubscription,
  feature: PlanFeature,
  at: Instant,
): Verdict {
  const meter = feature.meter === null ? undefined : facts.meters.get(feature.meter);
  if (meter === undefined) return UNLIMITED;
  const limit = limits.find(
    ({ kind, key, subscriptionId }) => kind === 'FEATURE' && key === feature.key && subscriptionId === subscription.id,
  );
  const own = limit === undefined ? UNLIMITED : ofLimit(limit, resetOf(subscription, limit.window.end));
  if (own.reason !== null) return own;
  const prepaid = ofBurning(facts, subscription, scopeOf(meter, feature.match), at);
  return prepaid === null || (prepaid.reason === null && limit !== undefined) ? own : prepaid;
}

/**
 * Plans that list no features restrict none. The name of a meter stands for what it counts, any other for usage with that name as its feature; what a
 * subscription has a price, fair-use line or burn rate for is decided by it, the rest is free.
 */
function ofUnlisted(
  facts: CustomerFacts,
  limits: readonly Limit[],
  active: readonly RunningSubscription[],
  name: string,
  at: Instant,
): Verdict {
  const scope = scopeOfName(facts, name);
  const verdicts = active
    .filter(({ segment }) => covers(segment.terms, scope, facts.meters))
    .map((subscription) => {
      const prepaid = ofBurning(facts, subscription, scope, at);
      if (prepaid !== null) return prepaid;
      const included = limits.filter(
        (limit) => limit.kind === 'INCLUDED' && limit.subscriptionId === subscription.id && limit.meter === name,
      );
      return included.length === 0 ? UNLIMITED : ofIncluded(included, subscription);
    });
  return verdicts.length === 0 ? UNLIMITED : combined(verdicts);
}

function ofLimit(limit: Limit, resetsAt: Instant | null): Verdict {
  const reason = limit.stops && isReached(limit) ? 'LIMIT_REACHED' : null;
  return { reason, unit: 'USAGE', remaining: remainingOf(limit), resetsAt, limit: limit.limit, used: limit.used };
}

/** What is beyond is charged: it stops nothing. */
function ofIncluded(included: readonly Limit[], subscription: RunningSubscription): Verdict {
  const end = Math.min(...included.map(({ window }) => window.end));
  return {
    reason: null,
    unit: 'USAGE',
    remaining: Decimal.sum(included.map(remainingOf)),
    resetsAt: resetOf(subscription, end),
    limit: Decimal.sum(included.map(({ limit }) => limit)),
    used: Decimal.sum(included.map(({ used }) => used)),
  };
}

/** What credits say of usage that burns them; null: it burns none, or is free for now (SEMANTICS 6.4). */
function ofBurning({ meters, credits }: CustomerFacts, subscription: RunningSubscription, scope: UsageScope, at: Instant): Verdict | null {
  const { terms, trialEnd } = subscription.segment;
  const burns = terms.burnRates.some(({ meter: key, match }) => {
    const meter = meters.get(key);
    return meter !== undefined && mayMeet(scopeOf(meter, match), scope);
  });
  if (!burns || credits === null || (trialEnd !== null && at < trialEnd)) return null;
  const grants = terms.creditsPerInterval?.isPositive() === true ? resetOf(subscription, subscription.window.end) : null;
  return ofCredits(credits, terms.creditExhaustion, terms.overdraftLimit, grants);
}

function ofCredits(
  { available, ahead, debt }: CreditStanding,
  exhaustion: PlanTerms['creditExhaustion'],
  overdraft: Decimal | null,
  resetsAt: Instant | null,
): Verdict {
  const limit = exhaustion === 'OVERDRAFT' ? (overdraft ?? Decimal.ZERO) : Decimal.ZERO;
  const mayOwe = Decimal.max(Decimal.ZERO, ahead).plus(limit).minus(debt);
  const room = exhaustion === 'OVERDRAFT' ? mayOwe : Decimal.max(Decimal.ZERO, mayOwe);
  const remaining = Decimal.max(Decimal.ZERO, available.plus(room).plus(Decimal.min(Decimal.ZERO, ahead)));
  const reason = exhaustion === 'OVERAGE' || remaining.isPositive() ? null : 'CREDITS_EXHAUSTED';
  return { reason, unit: 'CREDITS', remaining, resetsAt, limit: null, used: null };
}

/** Any that says yes is enough. What they leave adds up where all of it is the same thing. */
function combined(verdicts: readonly Verdict[]): Verdict {
  const [first = UNLIMITED] = verdicts;
  const yes = verdicts.filter(({ reason }) => reason === null);
  if (yes.length === 0 || verdicts.length === 1) return first;
  const unlimited = yes.find(({ remaining }) => remaining === null);
  if (unlimited !== undefined) return unlimited;
  const [counted = UNLIMITED] = yes;
  const alike = verdicts.filter(({ unit }) => unit === counted.unit);
  if (counted.unit !== 'USAGE') return counted;
  const resets = alike.flatMap(({ resetsAt }) => (resetsAt === null ? [] : [resetsAt]));
  const sum = (read: (verdict: Verdict) => Decimal | null): Decimal => Decimal.sum(alike.map((verdict) => read(verdict) ?? Decimal.ZERO));
  return {
    ...counted,
    remaining: sum(({ remaining }) => remaining),
    limit: sum(({ limit }) => limit),
    used: sum(({ used }) => used),
    resetsAt: resets.length === 0 ? null : Math.min(...resets),
  };
}

/** A hard cap that is reached stops everything that counts against it; one that leaves less of the same thing, or of what nothing else bounds, bounds it. */
function withCaps(verdict: Verdict, caps: readonly Limit[]): Verdict {
  const hard = caps.filter(({ stops }) => stops);
  const reached = hard.filter(isReached).sort((a, b) => b.window.end - a.window.end)[0];
  if (verdict.reason !== null) return verdict;
  if (reached !== undefined)
    return { ...ofLimit(reached, reached.window.end), unit: reached.unit, reason: 'CAP_REACHED', limit: verdict.limit, used: verdict.used };
  return hard.reduce((tightest, cap) => tighter(tightest, cap), verdict);
}

function tighter(verdict: Verdict, cap: Limit): Verdict {
  const left = remainingOf(cap);
  const isLess = verdict.remaining === null || (verdict.unit === cap.unit && left.compare(verdict.remaining) < 0);
  return isLess ? { ...verdict, unit: cap.unit, remaining: left, resetsAt: cap.window.end } : verdict;
}

function scopesOfFeature({ meters }: CustomerFacts, active: readonly RunningSubscription[], feature: string): UsageScope[] {
  return active.flatMap(({ segment }) =>
    segment.terms.features.flatMap(({ key, enabled, meter: name, match }) => {
      const meter = key === feature && enabled && name !== null ? meters.get(name) : undefined;
      return meter === undefined ? [] : [scopeOf(meter, match)];
    }),
  );
}

function scopeOfName({ meters }: CustomerFacts, name: string): UsageScope {
  const meter = meters.get(name);
  return meter === undefined ? { ...EVERYTHING, filters: [{ property: 'feature', in: [name] }] } : scopeOf(meter, []);
}

function covers({ prices, burnRates, fairUse }: PlanTerms, scope: UsageScope, meters: ReadonlyMap<string, Meter>): boolean {
  const uses = [
    ...prices.flatMap(({ meter, match }) => (meter === null ? [] : [{ meter, match }])),
    ...burnRates,
    ...fairUse.map(({ meter }) => ({ meter, match: [] })),
  ];
  return uses.some(({ meter: key, match }) => {
    const meter = meters.get(key);
    return meter !== undefined && mayMeet(scopeOf(meter, match), scope);
  });
}

/** When a window of the subscription begins anew; null where the subscription ends with it. */
function resetOf({ segments }: RunningSubscription, end: Instant): Instant | null {
  const next = runningSegmentAt(segments, end);
  return next === null || servicePeriodAt(next, end) === null ? null : end;
}

function standingOf(limit: Limit): CapStanding {
  const { key, unit, used, window, stops } = limit;
  return { key, unit, limit: limit.limit, used, remaining: remainingOf(limit), hard: stops, period: window };
}

function answerOf({ reason, unit, remaining, resetsAt, limit, used }: Verdict): Omit<Entitlement, 'caps'> {
  return { allowed: reason === null, reason, remaining, unit, resetsAt, limit, used };
}
