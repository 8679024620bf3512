import { CodedError } from '../coded-error.ts';
import { CUMULATIVE_DECIMALS, Decimal, cumulativeShare, splitByLargestRemainder } from '../money/index.ts';
import { dayStarts, formatInstant, localDay } from '../time/index.ts';
import type { Instant, Period } from '../time/index.ts';
import { sumRecords } from '../usage/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import type { PricePart } from '../pricing/index.ts';
import { isValidAt } from '../subscriptions/index.ts';
import { convertAmount, isCountedBy, meterOf, ratePeriodUsage } from '../rating/index.ts';
import type { AttributedUsage } from './attribute-usage.ts';
import { usagePartOf } from './billed-quantity.ts';
import type { MarginQuery } from './margin-facts.ts';
import type { RevenueItem, RevenueSpread } from './revenue-item.ts';

/** The finest part that revenue is split into. */
export const SMALLEST_PART = Decimal.fromUnits(1n, CUMULATIVE_DECIMALS);

type ByUsage = Extract<RevenueSpread, { kind: 'BY_USAGE' }>;
type RevenueFacts = Pick<MarginQuery, 'currency' | 'meters' | 'exchangeRates'>;

/**
 * What is earned of an item in each of the windows `[cuts[i], cuts[i + 1])`, in the report's currency (SEMANTICS 10.1, 10.5). Differences of cumulative
 * amounts: windows that cover the item's whole time add up to it exactly (1.6). `cuts` ascend. `usage`: the customer's, from the start of the item's
 * service period on.
 * @throws CodedError NO_EXCHANGE_RATE where revenue cannot be stated in the report's currency
 */
export function recogniseRevenue(
  item: RevenueItem,
  cuts: readonly Instant[],
  usage: readonly AttributedUsage[],
  zone: string,
  facts: RevenueFacts,
): Decimal[] {
  if (item.currency === facts.currency) return earnedBetween(item, cuts, usage, facts);
  const span = { start: cuts[0] ?? 0, end: cuts.at(-1) ?? 0 };
  const days = [...new Set([...dayStarts(span, zone), ...cuts])].sort((a, b) => a - b);
  const amounts = earnedBetween(item, days, usage, facts).map((amount, index) =>
    convertedAt(amount, item.currency, days[index] ?? 0, zone, facts),
  );
  return windowsOf(cuts).map(({ start, end }) =>
    Decimal.sum(amounts.filter((_, index) => (days[index] ?? 0) >= start && (days[index] ?? 0) < end)),
  );
}

/** The minimum of a price is no usage: what it adds at the period's end becomes an item of its own, and the two add up to the line (SEMANTICS 10.1, 10.4). */
export function withoutMinimum(item: RevenueItem, usage: readonly AttributedUsage[], facts: RevenueFacts): RevenueItem[] {
  const { spread } = item;
  if (spread.kind !== 'BY_USAGE' || partOf(spread)?.price.minimumAmount == null) return [item];
  const used = chargeOf(spread, recordsOf(spread, usage, facts), facts, false);
  const due = chargeOf(spread, recordsOf(spread, usage, facts), facts, true);
  if (due.compare(used) <= 0) return [item];
  const [own = Decimal.ZERO, minimum = Decimal.ZERO] = splitByLargestRemainder(item.amount, [used, due.minus(used)], SMALLEST_PART);
  const at = lastInstantOf(spread.period);
  return [
    { ...item, amount: own },
    { ...item, kind: 'MINIMUM', amount: minimum, discount: Decimal.ZERO, spread: { kind: 'AT', at } },
  ];
}

/** What falls due at a period's end still belongs to the period (SEMANTICS 10.1). */
export function lastInstantOf({ end }: Period): Instant {
  return end - 1;
}

export function windowsOf(cuts: readonly Instant[]): Period[] {
  return cuts.slice(1).map((end, index) => ({ start: cuts[index] ?? end, end }));
}

function earnedBetween(item: RevenueItem, cuts: readonly Instant[], usage: readonly AttributedUsage[], facts: RevenueFacts): Decimal[] {
  const { spread, amount } = item;
  switch (spread.kind) {
    case 'STRAIGHT_LINE':
      return differences(cuts.map((cut) => earnedOfTime(amount, spread.period, cut)));
    case 'BY_USAGE':
      return differences(earnedOfUsage(amount, spread, cuts, usage, facts));
    case 'AT':
    case 'BURN':
      return windowsOf(cuts).map(({ start, end }) => (start <= spread.at && spread.at < end ? amount : Decimal.ZERO));
    default:
      return spread satisfies never;
  }
}

function earnedOfTime(amount: Decimal, { start, end }: Period, at: Instant): Decimal {
  if (at <= start) return Decimal.ZERO;
  return at >= end ? amount : cumulativeShare(amount, BigInt(at - start), BigInt(end - start));
}

/** At each cut the part of the line that usage up to it had charged; all of it at the period's end, also where no usage explains it. */
function earnedOfUsage(
  amount: Decimal,
  spread: ByUsage,
  cuts: readonly Instant[],
  usage: readonly AttributedUsage[],
  facts: RevenueFacts,
): Decimal[] {
  const { period } = spread;
  if (amount.isZero() || !cuts.some((cut) => cut > period.start)) return cuts.map(() => Decimal.ZERO);
  const records = recordsOf(spread, usage, facts);
  const inner = cuts.filter((cut) => period.start < cut && cut < period.end);
  const charges = chargesUpTo([...inner, period.end], spread, records, facts);
  const total = charges.at(-1) ?? Decimal.ZERO;
  const earned = new Map(
    inner.map((cut, index) => [cut, total.isZero() ? Decimal.ZERO : cumulativeShare(amount, charges[index] ?? total, total)]),
  );
  return cuts.map((cut) => earned.get(cut) ?? (cut >= period.end ? amount : Decimal.ZERO));
}

/** The cumulative charge at each of some ascending instants: tiers and allowances stand where they stood (SEMANTICS 4.7). */
function chargesUpTo(ends: readonly Instant[], spread: ByUsage, records: readonly UsageRecord[], facts: RevenueFacts): Decimal[] {
  const canAdd = canBeAdded(spread, facts);
  let before: UsageRecord[] = [];
  let from = canAdd ? spread.period.start : -Infinity;
  return ends.map((end) => {
    const next = [...before, ...records.filter((record) => record.from >= from && record.from < end)];
    before = canAdd ? sumRecords(next) : next;
    from = end;
    return chargeOf(spread, before, facts, false);
  });
}

function chargeOf(spread: ByUsage, records: readonly UsageRecord[], facts: RevenueFacts, closing: boolean): Decimal {
  const { segment, period, priceKey, group } = spread;
  const price = segment.terms.prices.find(({ key }) => key === priceKey);
  if (price === undefined) return Decimal.ZERO;
  const alone = { ...segment, terms: { ...segment.terms, prices: [price] } };
  const inside = records.filter(({ from }) => from >= period.start);
  const chargedBefore = records.filter(({ from }) => from < period.start);
  const options = { closing, chargedBefore: () => chargedBefore, exchangeRates: facts.exchangeRates };
  const parts = ratePeriodUsage(alone, period, inside, facts.meters, options);
  return parts.find((part) => part.group === group)?.charge.amount ?? Decimal.ZERO;
}

/** Sums of sums are enough unless the meter reads single events or a cost is converted at the rate of its day. */
function canBeAdded(spread: ByUsage, { meters }: RevenueFacts): boolean {
  const price = partOf(spread)?.price;
  if (price === undefined || price.model === 'COST_PLUS' || price.model === 'PERCENTAGE') return false;
  const { aggregation, valueProperty } = meterOf(price.meter, meters);
  return (aggregation === 'SUM' && valueProperty?.startsWith('properties.') !== true) || aggregation === 'COUNT';
}

/** The records that the price may count, also those that earlier parts of the same billing period counted, whose unique members were charged there. */
function recordsOf(spread: ByUsage, usage: readonly AttributedUsage[], { meters }: RevenueFacts): UsageRecord[] {
  const { segment, period } = spread;
  const part = partOf(spread);
  if (part === null) return [];
  const meter = meterOf(part.price.meter, meters);
  return usage.flatMap(({ record, rater }) => {
    if (rater?.subscriptionId !== segment.subscriptionId || record.from < period.fullStart || record.from >= period.end) return [];
    // Sums reach over time: what lies outside of the price's validity may not get into one.
    const isCounted = record.from < period.start ? isCountedBy(rater.terms, meter, record) : isValidAt(part.price, record.from);
    return isCounted && record.from >= (segment.trialEnd ?? -Infinity) ? [record] : [];
  });
}

function partOf({ segment, priceKey, group }: ByUsage): PricePart | null {
  return usagePartOf(segment, priceKey, group);
}

function differences(values: readonly Decimal[]): Decimal[] {
  return values.slice(1).map((value, index) => value.minus(values[index] ?? Decimal.ZERO));
}

function convertedAt(amount: Decimal, from: string, at: Instant, zone: string, { currency, exchangeRates }: RevenueFacts): Decimal {
  const converted = convertAmount(amount, from, currency, at, exchangeRates);
  if (converted !== null) return converted.roundedTo(CUMULATIVE_DECIMALS);
  throw new CodedError(
    'NO_EXCHANGE_RATE',
    `Revenue in ${from} of ${localDay(at, zone)} (${formatInstant(at)}) cannot be stated in ${currency}: set an exchange rate that is valid then, or ask for the report in ${from}.`,
    'currency',
  );
}
