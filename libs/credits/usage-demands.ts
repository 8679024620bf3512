import { burnDemand, Decimal, servicePeriods } from '@tare/core';
import type { Instant, Meter, Period, Segment, ServicePeriod, UsageRecord } from '@tare/core';
import { periodKey, type PeriodKey, type RecordedCredits } from './credit.store.ts';
import type { RatedUsage } from './rated-usage.ts';
import type { Demand } from './settlement.ts';

/** A service period whose usage burns credits. */
export interface BurningPart {
  readonly segment: Segment;
  readonly period: ServicePeriod;
}

/** What usage asks of the wallet, or gives back (below zero), in one place of a period. */
export interface PartDemand extends Demand {
  readonly part: BurningPart;
}

interface DemandContext {
  readonly usage: RatedUsage;
  readonly meters: ReadonlyMap<string, Meter>;
  /** Begins and ends of grants: no demand reaches across one (SEMANTICS 7.3). */
  readonly cuts: readonly Instant[];
}

export const keyOfPart = ({ segment, period }: BurningPart): PeriodKey => ({ segmentId: segment.id, periodStart: period.start });

/** Segments with burn rates. */
export function burningSegments(segments: readonly Segment[]): Segment[] {
  return segments.filter(({ terms }) => terms.burnRates.length > 0);
}

/** Service periods of burning segments that share time with the span, in order of time; trials burn nothing. */
export function burningParts(segments: readonly Segment[], span: Period): BurningPart[] {
  return burningSegments(segments).flatMap((segment) =>
    servicePeriods(segment, span.start, span.end)
      .filter(({ trial }) => !trial)
      .map((period) => ({ segment, period })),
  );
}

/** The demands of the usage that was read: all there is of a period, or what commits since a cursor brought. */
export function demandsOf(parts: readonly BurningPart[], { usage, meters, cuts }: DemandContext): PartDemand[] {
  return parts.flatMap((part) => {
    const records: readonly UsageRecord[] = usage.get(part.segment.id) ?? [];
    return burnDemand(part.segment, part.period, records, meters, { cuts }).map(({ at, key, credits }) => ({ part, at, key, credits }));
  });
}

/**
 * What is missing between all demands of periods and what was recorded of them, by period and dimensions: places that lack something come first, in order of
 * time. What was decided stays: credits that only moved in time inside a period ask for nothing (SEMANTICS 7.3).
 */
export function missingDemands(
  parts: readonly BurningPart[],
  demands: readonly PartDemand[],
  recorded: readonly RecordedCredits[],
): PartDemand[] {
  const groups = new Map<string, { part: BurningPart; key: string; wanted: PartDemand[]; recorded: RecordedCredits[] }>();
  const groupOf = (part: BurningPart, key: string) => {
    const name = `${periodKey(keyOfPart(part))} ${key}`;
    const known = groups.get(name) ?? { part, key, wanted: [], recorded: [] };
    groups.set(name, known);
    return known;
  };
  for (const demand of demands) groupOf(demand.part, demand.key).wanted.push(demand);
  const partOf = new Map(parts.map((part) => [periodKey(keyOfPart(part)), part]));
  for (const row of recorded) {
    const part = partOf.get(periodKey(row));
    if (part !== undefined) groupOf(part, row.dimensionKey).recorded.push(row);
  }
  return [...groups.values()].flatMap((group) => missingOf(group));
}

function missingOf({
  part,
  key,
  wanted,
  recorded,
}: {
  part: BurningPart;
  key: string;
  wanted: readonly PartDemand[];
  recorded: readonly RecordedCredits[];
}): PartDemand[] {
  const change = sumOf(wanted).minus(sumOf(recorded));
  if (change.isZero()) return [];
  if (change.isNegative()) return [{ part, at: part.period.start, key, credits: change }];
  const known = new Map<Instant, Decimal>();
  for (const { at, credits } of recorded) known.set(at, (known.get(at) ?? Decimal.ZERO).plus(credits));
  const missing: PartDemand[] = [];
  let left = change;
  // First where less is recorded than was used, then anywhere that something was used.
  for (const roomOf of [lackOf(known), (demand: PartDemand) => demand.credits]) {
    for (const demand of wanted) {
      const credits = Decimal.min(left, roomOf(demand));
      if (!credits.isPositive()) continue;
      missing.push({ ...demand, credits });
      left = left.minus(credits);
    }
  }
  return missing;
}

function lackOf(recorded: ReadonlyMap<Instant, Decimal>): (demand: PartDemand) => Decimal {
  return ({ at, credits }) => credits.minus(recorded.get(at) ?? Decimal.ZERO);
}

function sumOf(rows: readonly { readonly credits: Decimal }[]): Decimal {
  return Decimal.sum(rows.map(({ credits }) => credits));
}
