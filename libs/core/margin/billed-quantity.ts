import { Decimal } from '../money/index.ts';
import { filterMatches, meterMatches, recordValue } from '../usage/index.ts';
import type { Meter, UsageRecord } from '../usage/index.ts';
import { pricePart } from '../pricing/index.ts';
import type { PricePart, UsagePrice } from '../pricing/index.ts';
import { isValidAt } from '../subscriptions/index.ts';
import type { Segment } from '../subscriptions/index.ts';
import { burnKey, meterOf } from '../rating/index.ts';
import type { AttributedUsage } from './attribute-usage.ts';
import type { RevenueItem } from './revenue-item.ts';

type Meters = ReadonlyMap<string, Meter>;

/** A part of the usage that an item is for, and its weight in it; weights are not below zero. */
export interface CoveredUsage<Usage extends AttributedUsage> {
  readonly usage: Usage;
  readonly weight: Decimal;
}

/**
 * The usage that an item's revenue is given to, by billed quantity; COST_PLUS by cost, credits by credits burnt (SEMANTICS 10.4). By events where all
 * of that is zero. Empty: no usage earned it.
 */
export function coveredUsage<Usage extends AttributedUsage>(
  item: RevenueItem,
  usage: readonly Usage[],
  meters: Meters,
): CoveredUsage<Usage>[] {
  const weigh = weightOf(item, meters);
  if (weigh === null) return [];
  const covered = candidatesOf(item, usage).flatMap((one) => {
    const weight = weigh(one);
    return weight === null ? [] : [{ usage: one, weight: Decimal.max(Decimal.ZERO, weight) }];
  });
  if (covered.some(({ weight }) => weight.isPositive())) return covered;
  const byEvents = covered.map(({ usage: one }) => ({ usage: one, weight: Decimal.max(Decimal.ZERO, one.record.events) }));
  return byEvents.some(({ weight }) => weight.isPositive()) ? byEvents : [];
}

interface UsageIndex {
  readonly bySubscription: ReadonlyMap<string, readonly AttributedUsage[]>;
  /** By subscription and burn key. */
  readonly byBurn: ReadonlyMap<string, readonly AttributedUsage[]>;
}

/** A wallet has an item for each day and set of dimensions: without an index each would look at all usage. Lists of usage do not change once made. */
const indexes = new WeakMap<readonly AttributedUsage[], UsageIndex>();

/** The usage that the item's subscription rated; of burnt credits only what has the burn's dimensions. */
function candidatesOf<Usage extends AttributedUsage>({ spread, subscriptionId }: RevenueItem, usage: readonly Usage[]): readonly Usage[] {
  const index = indexes.get(usage) ?? indexOf(usage);
  indexes.set(usage, index);
  const found =
    spread.kind === 'BURN' ? index.byBurn.get(`${subscriptionId}|${spread.dimensionKey}`) : index.bySubscription.get(subscriptionId ?? '');
  // The index holds what the list holds.
  return (found ?? []) as readonly Usage[];
}

function indexOf(usage: readonly AttributedUsage[]): UsageIndex {
  const bySubscription = new Map<string, AttributedUsage[]>();
  const byBurn = new Map<string, AttributedUsage[]>();
  const add = (index: Map<string, AttributedUsage[]>, key: string, one: AttributedUsage): void => {
    const list = index.get(key);
    if (list) list.push(one);
    else index.set(key, [one]);
  };
  for (const one of usage) {
    if (one.rater === null) continue;
    add(bySubscription, one.rater.subscriptionId, one);
    if (one.rater.terms.burnRates.length > 0) add(byBurn, `${one.rater.subscriptionId}|${burnKey(one.record)}`, one);
  }
  return { bySubscription, byBurn };
}

/** Null from the function: the item is not for this usage. Null instead of it: for no usage at all. */
function weightOf({ spread, segment }: RevenueItem, meters: Meters): ((usage: AttributedUsage) => Decimal | null) | null {
  switch (spread.kind) {
    case 'BY_USAGE': {
      const part = usagePartOf(spread.segment, spread.priceKey, spread.group);
      if (part === null) return null;
      const meter = meterOf(part.price.meter, meters);
      return (usage) => (isCounted(meter, part, usage.record) ? billedQuantity(meter, part.price, usage) : null);
    }
    case 'BURN':
      return segment === null ? null : ({ record }) => creditsOf(record, segment, meters);
    case 'STRAIGHT_LINE':
    case 'AT':
      return null;
    default:
      return spread satisfies never;
  }
}

/** The part of a plan's usage price that a line bills; null where the key names a fee or nothing. */
export function usagePartOf({ terms }: Segment, priceKey: string, group: string | null): PricePart | null {
  const price = terms.prices.find(({ key }) => key === priceKey);
  return price === undefined || price.model === 'FLAT' ? null : pricePart(price, group);
}

export function isCounted(meter: Meter, { price, keeps }: PricePart, record: UsageRecord): boolean {
  return meterMatches(meter, record) && isValidAt(price, record.from) && keeps(record);
}

function billedQuantity(meter: Meter, price: UsagePrice, { record, cost }: AttributedUsage): Decimal {
  if (price.model === 'COST_PLUS') return cost;
  if (price.model === 'PERCENTAGE' && price.valueProperty !== null) return recordValue(price.valueProperty, record);
  return meter.aggregation === 'SUM' ? recordValue(meter.valueProperty ?? 'requests', record) : record.events;
}

/** Credits that a record burns by the plan's burn rates. */
export function creditsOf(record: UsageRecord, { terms }: Segment, meters: Meters): Decimal {
  const parts = terms.burnRates.map((rate) => {
    const meter = meterOf(rate.meter, meters);
    if (!meterMatches(meter, record) || !filterMatches(rate.match, record)) return Decimal.ZERO;
    const quantity = meter.aggregation === 'SUM' ? recordValue(meter.valueProperty ?? 'requests', record) : record.events;
    return quantity.times(rate.creditsPerUnit);
  });
  return Decimal.sum(parts);
}
