import { filterMatches } from '../usage/index.ts';
import type { Meter, MeterFilter, UsageRecord } from '../usage/index.ts';
import { mayMeet, shareTime as areValidTogether } from '../pricing/index.ts';
import type { PlanTerms, Price } from '../pricing/index.ts';
import { intersection } from '../time/index.ts';
import type { Instant } from '../time/index.ts';
import type { Segment } from './segment.ts';
import { isValidAt } from './price-period.ts';
import { segmentEnd } from './service-period.ts';

type Meters = ReadonlyMap<string, Meter>;

/** A piece of usage that a plan has a price, allowance or burn rate for. */
interface Coverage {
  readonly eventType: string;
  readonly filters: readonly MeterFilter[];
  /** A price may be for some time only; null: open on that side. */
  readonly validFrom: Instant | null;
  readonly validUntil: Instant | null;
  /** It names models or features, and so goes before what takes everything (SEMANTICS 3.6). */
  readonly isExplicit: boolean;
}

/**
 * The segment that a record's name stands for: of the subscription that it names, the one in force at the record's time. A paused one is in force, and so is one
 * on trial. Null: it names none, or one that is unknown, another customer's, or not in force then: such a name means nothing (docs/decisions/0026).
 * `segments`: all of the record's customer.
 */
export function namedSegment(record: Pick<UsageRecord, 'subscription' | 'from'>, segments: readonly Segment[]): Segment | null {
  if (record.subscription === null) return null;
  return segments.find((segment) => segment.subscriptionId === record.subscription && isActiveAt(segment, record.from)) ?? null;
}

/**
 * The segment that rates a record (SEMANTICS 3.6): that of the subscription which the event names, if it is in force then; else the one active at the record's
 * time with a price, allowance or burn rate that matches, explicit models or features first, then the oldest subscription. A paused one rates nothing, also when
 * it is named. Null: none rates it. `segments`: all of the record's customer.
 */
export function subscriptionFor(record: UsageRecord, segments: readonly Segment[], meters: Meters): Segment | null {
  const named = namedSegment(record, segments);
  if (named !== null) return named.paused ? null : named;
  let best: Segment | null = null;
  let bestRank = 0;
  // Asked for every record of every bill: nothing is made on the way.
  for (const segment of segments) {
    if (segment.paused || !isActiveAt(segment, record.from)) continue;
    const rank = rankOf(record, segment, meters);
    if (rank > bestRank || (rank > 0 && rank === bestRank && best !== null && byAge(segment, best) < 0)) {
      best = segment;
      bestRank = rank;
    }
  }
  return best;
}

/**
 * Whose cost the record is: the subscription that it names, also in its pause; else the one that rates it, else the customer's oldest active one, else null:
 * `(no plan)` (SEMANTICS 3.6).
 */
export function costBearerFor(record: UsageRecord, segments: readonly Segment[], meters: Meters): Segment | null {
  return (
    namedSegment(record, segments) ?? subscriptionFor(record, segments, meters) ?? activeAt(segments, record.from).sort(byAge)[0] ?? null
  );
}

/**
 * A segment of another subscription that could rate the same usage at the same time with the same right as the candidate; null when there is none or the
 * candidate says that it may overlap. Callers refuse the candidate with AMBIGUOUS_METER (SEMANTICS 3.6).
 */
export function findCompetingSubscription(existing: readonly Segment[], candidate: Segment, meters: Meters): Segment | null {
  if (candidate.overlap || candidate.paused) return null;
  const own = coverageOf(candidate.terms, meters);
  const rivals = existing.filter(
    (segment) => segment.subscriptionId !== candidate.subscriptionId && !segment.paused && shareTime(segment, candidate),
  );
  return rivals.find((segment) => coverageOf(segment.terms, meters).some((theirs) => own.some((ours) => compete(ours, theirs)))) ?? null;
}

function activeAt(segments: readonly Segment[], at: Instant): Segment[] {
  return segments.filter((segment) => isActiveAt(segment, at));
}

function isActiveAt(segment: Segment, at: Instant): boolean {
  return segment.start <= at && at < (segmentEnd(segment) ?? Infinity);
}

function shareTime(a: Segment, b: Segment): boolean {
  return intersection({ start: a.start, end: segmentEnd(a) ?? Infinity }, { start: b.start, end: segmentEnd(b) ?? Infinity }) !== null;
}

function byAge(a: Segment, b: Segment): number {
  return a.createdAt - b.createdAt || (a.subscriptionId < b.subscriptionId ? -1 : a.subscriptionId > b.subscriptionId ? 1 : 0);
}

function compete(a: Coverage, b: Coverage): boolean {
  return a.isExplicit === b.isExplicit && areValidTogether(a, b) && mayMeet(a, b);
}

/** 0: not covered, 1: covered like everything else, 2: by name. */
function rankOf(record: UsageRecord, segment: Segment, meters: Meters): 0 | 1 | 2 {
  let rank: 0 | 1 = 0;
  for (const coverage of coverageOf(segment.terms, meters)) {
    if ((rank === 1 && !coverage.isExplicit) || !covers(coverage, record)) continue;
    if (coverage.isExplicit) return 2;
    rank = 1;
  }
  return rank;
}

function covers(coverage: Coverage, record: UsageRecord): boolean {
  const isType = coverage.eventType === '*' || coverage.eventType === record.type;
  return isType && isValidAt(coverage, record.from) && filterMatches(coverage.filters, record);
}

const ALWAYS = { validFrom: null, validUntil: null };

/** A bill asks for the same terms with every record: worked out once for as long as both are in use. */
const coverages = new WeakMap<Meters, WeakMap<PlanTerms, readonly Coverage[]>>();

function coverageOf(terms: PlanTerms, meters: Meters): readonly Coverage[] {
  let ofMeters = coverages.get(meters);
  if (ofMeters === undefined) coverages.set(meters, (ofMeters = new WeakMap()));
  let covered = ofMeters.get(terms);
  if (covered === undefined) ofMeters.set(terms, (covered = readCoverage(terms, meters)));
  return covered;
}

/** A license without a fair-use line allows everything (SEMANTICS 5). */
function readCoverage(terms: PlanTerms, meters: Meters): Coverage[] {
  const priced = terms.prices.flatMap((price) => (price.meter === null ? [] : coverage(meters.get(price.meter), price.match, price)));
  const burnt = terms.burnRates.flatMap(({ meter, match }) => coverage(meters.get(meter), match, ALWAYS));
  const allowed = terms.fairUse.flatMap(({ meter }) => coverage(meters.get(meter), [], ALWAYS));
  const named = [...priced, ...burnt, ...allowed];
  const isUnlimited = terms.kind === 'SITE_LICENSE' && named.length === 0;
  return isUnlimited ? [{ eventType: '*', filters: [], isExplicit: false, ...ALWAYS }] : named;
}

function coverage(
  meter: Meter | undefined,
  match: readonly MeterFilter[],
  { validFrom, validUntil }: Pick<Price, 'validFrom' | 'validUntil'>,
): Coverage[] {
  if (meter === undefined) return [];
  const filters = [...meter.filters, ...match];
  const isExplicit = filters.some(({ property }) => property === 'model' || property === 'feature');
  return [{ eventType: meter.eventType, filters, isExplicit, validFrom, validUntil }];
}
