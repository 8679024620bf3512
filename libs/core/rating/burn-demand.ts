import { Decimal } from '../money/index.ts';
import { dayStarts } from '../time/index.ts';
import type { Instant, Period } from '../time/index.ts';
import { addRecords, aggregate, filterMatches, meterMatches } from '../usage/index.ts';
import type { Meter, UsageRecord } from '../usage/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import { meterOf } from './rate-period-usage.ts';

/** Credits that usage wants to burn: one demand for each piece of time (a customer's day, cut where grants begin or end) and set of dimensions. */
export interface BurnDemand {
  /** Start of the piece of time: decides which grants are effective (SEMANTICS 7.3). */
  readonly at: Instant;
  /** The dimensions as one string; with `at` it identifies the demand and orders it. */
  readonly key: string;
  readonly credits: Decimal;
  /** The credits by burn rate; they add up to `credits`. */
  readonly parts: readonly BurnPart[];
  /** The usage that asks for them, summed; its cost fields mean nothing. */
  readonly record: UsageRecord;
}

export interface BurnPart {
  readonly burnRateIndex: number;
  readonly meter: string;
  readonly credits: Decimal;
}

export interface BurnDemandOptions {
  /** Instants at which grants become effective or expire: no demand reaches across one. */
  readonly cuts?: readonly Instant[];
}

/**
 * What usage of a period burns by the segment's burn rates, in order of time, then dimensions: the order in which usage arrived cannot be seen in it
 * (SEMANTICS 7.3). `records`: usage that this subscription rates; what lies outside of the period is left out. Demands of zero are left out.
 * @throws CodedError UNKNOWN_METER
 */
export function burnDemand(
  segment: Segment,
  period: Period,
  records: readonly UsageRecord[],
  meters: ReadonlyMap<string, Meter>,
  { cuts = [] }: BurnDemandOptions = {},
): BurnDemand[] {
  const starts = pieceStarts(period, segment.timeZone, cuts);
  const inside = records.filter(({ from }) => period.start <= from && from < period.end);
  const groups = new Map<string, { at: Instant; key: string; records: UsageRecord[] }>();
  for (const record of inside) {
    const at = lastStart(starts, record.from);
    const key = burnKey(record);
    const group = groups.get(`${at}|${key}`) ?? { at, key, records: [] };
    group.records.push(record);
    groups.set(`${at}|${key}`, group);
  }
  return [...groups.values()]
    .map((group) => demandOf(segment, group, meters))
    .filter((demand) => !demand.credits.isZero())
    .sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** The dimensions that tell demands apart, as one string. What is known of cost is not among them: it may change, what was burnt may not. */
export function burnKey(record: UsageRecord): string {
  const { type, provider, model, serviceTier, region, pool, feature, outcome } = record;
  return JSON.stringify([type, provider, model, serviceTier, region, pool, feature, outcome]);
}

function demandOf(
  segment: Segment,
  group: { at: Instant; key: string; records: UsageRecord[] },
  meters: ReadonlyMap<string, Meter>,
): BurnDemand {
  const parts = segment.terms.burnRates.flatMap((rate, burnRateIndex) => {
    const meter = meterOf(rate.meter, meters);
    const matched = group.records.filter((record) => meterMatches(meter, record) && filterMatches(rate.match, record));
    const credits = matched.length === 0 ? Decimal.ZERO : aggregate(meter, [...rate.match], matched).times(rate.creditsPerUnit);
    return credits.isZero() ? [] : [{ burnRateIndex, meter: rate.meter, credits }];
  });
  return {
    at: group.at,
    key: group.key,
    credits: Decimal.sum(parts.map((part) => part.credits)),
    parts,
    record: summed(group.records, group.at),
  };
}

function summed(records: readonly UsageRecord[], at: Instant): UsageRecord {
  return { ...records.reduce((sum, record) => addRecords(sum, record)), from: at };
}

function pieceStarts(period: Period, zone: string, cuts: readonly Instant[]): Instant[] {
  const inside = cuts.filter((cut) => period.start < cut && cut < period.end);
  return [...new Set([...dayStarts(period, zone), ...inside])].sort((a, b) => a - b);
}

/** The last start that is not after the instant; starts are sorted and the first is not after it. */
function lastStart(starts: readonly Instant[], at: Instant): Instant {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return starts[low - 1] ?? at;
}
