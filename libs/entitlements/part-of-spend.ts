import { CodedError, priceParts } from '@tare/core';
import type { Meter, MeterFilter, PricePart, Segment, UsagePrice } from '@tare/core';
import { billsOverage } from './spend.ts';

/** How what a price rates by itself lies to a part of usage: none of it is in the part, all of it is, or some. */
type Place = 'OUTSIDE' | 'INSIDE' | 'ACROSS';

/**
 * A cap on the spend of a part of usage (one model, one feature) needs prices by which the part has a price of its own: each has nothing of the part, nothing else (it, or its
 * group, is for that model), or charges every unit alike whatever else is used.
 * Credits above the balance, where their plan bills them, are of no part.
 * @throws CodedError NOT_SEPARABLE naming the first price that does not
 */
export function requireSeparable(
  { meter: key, match }: { readonly meter: string | null; readonly match: readonly MeterFilter[] },
  segments: readonly Segment[],
  meters: ReadonlyMap<string, Meter>,
): void {
  if (match.length === 0) return;
  for (const segment of segments) {
    const { terms } = segment;
    if (billsOverage(segment) && terms.burnRates.some(({ meter }) => key === null || key === meter)) {
      throw new CodedError(
        'NOT_SEPARABLE',
        'The plan bills credits above the balance, and which usage they are of depends on what was used before it: cap all spend, or the use of the part (kind USAGE).',
        'match',
      );
    }
    for (const price of terms.prices) {
      const meter = price.model === 'FLAT' ? undefined : meters.get(price.meter);
      if (price.model === 'FLAT' || meter === undefined || (key !== null && key !== price.meter)) continue;
      const why = priceParts(price)
        .map((part) => whyInseparable(part, price, meter, match))
        .find((reason) => reason !== null);
      if (why != null) {
        throw new CodedError(
          'NOT_SEPARABLE',
          `Of what the price "${price.key}" counts, a part has no price of its own: ${why}. Cap the spend of the meter, the use of the part (kind USAGE), or give the price ` +
            'groups or a match, so that the part is charged by itself.',
          'match',
        );
      }
    }
  }
}

/** Null: the part of usage has a price of its own here. */
function whyInseparable(part: PricePart, whole: UsagePrice, meter: Meter, match: readonly MeterFilter[]): string | null {
  if (placeOf(part, whole, meter, match) !== 'ACROSS') return null;
  const { price } = part;
  if (price.includedQuantity.isPositive()) return 'what it includes is for all of it';
  if (price.maximumAmount !== null) return 'its maximum is for all of it';
  switch (price.model) {
    case 'GRADUATED':
    case 'VOLUME':
      return 'its tiers are for all of it';
    case 'PACKAGE':
      return 'its packages are of all of it';
    case 'COST_PLUS':
      return price.unitFloor === null && price.unitCeiling === null ? null : 'its floor and ceiling are for all of it';
    case 'PERCENTAGE':
    case 'PER_UNIT':
      return isSum(meter) ? null : `its meter reads the ${meter.aggregation} of all of it`;
    default:
      return price satisfies never;
  }
}

function placeOf(part: PricePart, whole: UsagePrice, meter: Meter, match: readonly MeterFilter[]): Place {
  const own = [...meter.filters, ...part.price.match];
  const places = match.map(({ property, in: wanted }): Place => {
    const named = own.filter((filter) => filter.property === property);
    if (named.some((filter) => !filter.in.some((value) => wanted.includes(value)))) return 'OUTSIDE';
    // Usage in no group of the price has none of their values.
    const grouped = part.group === null && whole.groupBy === property ? whole.groups.flatMap((group) => group.in) : [];
    if (wanted.every((value) => grouped.includes(value))) return 'OUTSIDE';
    return named.some((filter) => filter.in.every((value) => wanted.includes(value))) ? 'INSIDE' : 'ACROSS';
  });
  if (places.includes('OUTSIDE')) return 'OUTSIDE';
  return places.includes('ACROSS') ? 'ACROSS' : 'INSIDE';
}

/** What is counted of a part and of the rest adds up to what is counted of all. */
function isSum({ aggregation }: Meter): boolean {
  return aggregation === 'SUM' || aggregation === 'COUNT';
}
