import { filterMatches, recordText } from '../usage/index.ts';
import type { Matchable, MeterFilter } from '../usage/index.ts';
import type { PriceGroup, UsagePrice } from './price.ts';

/** What of a price is rated by itself, with its own tiers and its own line: a group, or all usage in no group. */
export interface PricePart {
  /** `groupName` of the group; null for what is in none, which of a price without groups is everything. */
  readonly group: string | null;
  /** The price with the amounts of the part, and without groups. */
  readonly price: UsagePrice;
  /** Whether the part takes a record that the meter counts. */
  readonly keeps: (record: Matchable) => boolean;
}

/** Longer lists of values are named by their first ones: no value is in two groups of a price, so the first alone tells groups apart. */
const NAMED_VALUES = 5;

/** Terms never change, and every bill asks for their parts. */
const known = new WeakMap<UsagePrice, readonly PricePart[]>();

/** The parts of a usage price: its groups in order, then the rest. Together they take every record that the price matches, each in one part. */
export function priceParts(price: UsagePrice): readonly PricePart[] {
  const parts = known.get(price) ?? partsOf(price);
  known.set(price, parts);
  return parts;
}

/** The part of the name; null where the price has none. */
export function pricePart(price: UsagePrice, group: string | null): PricePart | null {
  return priceParts(price).find((part) => part.group === group) ?? null;
}

/** How a group is named on lines: its values, `gpt-5, gpt-5-mini`. Unique in its price. */
export function groupName(values: readonly string[]): string {
  const written = values.map((value) => value.replaceAll(/[\\,]/g, '\\$&'));
  if (written.length <= NAMED_VALUES) return written.join(', ');
  return `${written.slice(0, NAMED_VALUES - 1).join(', ')} and ${written.length - NAMED_VALUES + 1} more`;
}

/** Everything of a record that the price reads to know whether and in which part it is: what single events alone know decides how usage is read. */
export function filtersOf(price: Pick<UsagePrice, 'match' | 'groupBy' | 'groups'>): readonly MeterFilter[] {
  const { match, groupBy, groups } = price;
  return groupBy === null ? match : [...match, { property: groupBy, in: groups.flatMap((group) => group.in) }];
}

function partsOf(price: UsagePrice): PricePart[] {
  const { match, groupBy, groups } = price;
  if (groupBy === null) return [{ group: null, price, keeps: (record) => filterMatches(match, record) }];
  const grouped = new Set(groups.flatMap((group) => group.in));
  const isGrouped = (record: Matchable): boolean => grouped.has(recordText(groupBy, record) ?? '') && recordText(groupBy, record) !== null;
  const rest = withAmounts(price, {}, match);
  return [
    ...groups.map((group) => partOf(price, groupBy, group)),
    { group: null, price: rest, keeps: (record) => filterMatches(match, record) && !isGrouped(record) },
  ];
}

function partOf(price: UsagePrice, groupBy: string, group: PriceGroup): PricePart {
  const { in: values, ...amounts } = group;
  const match = [...price.match, { property: groupBy, in: values }];
  const own = withAmounts(price, amounts, match);
  return { group: groupName(values), price: own, keeps: (record) => filterMatches(match, record) };
}

/** The groups of a price have amounts of its model: parsing saw to it. */
function withAmounts(price: UsagePrice, amounts: object, match: readonly MeterFilter[]): UsagePrice {
  return { ...price, ...amounts, match, groupBy: null, groups: [] };
}
