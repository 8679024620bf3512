import { Decimal } from '../money/index.ts';
import { aggregate, filterMatches, isEventProperty, meterMatches } from '../usage/index.ts';
import type { Meter, MeterFilter, UsageRecord } from '../usage/index.ts';
import { filtersOf, priceParts } from '../pricing/index.ts';
import type { PlanTerms, PlanWarning, UsagePrice } from '../pricing/index.ts';
import { convertAmount } from './exchange-rate.ts';
import type { ExchangeRate } from './exchange-rate.ts';

/** Usage of some time with its cost in the plan's currency. */
interface CostedUsage {
  readonly record: UsageRecord;
  readonly cost: Decimal;
}

/** A price, group or burn rate of the plan, at its cheapest. */
interface Charge {
  readonly kind: 'PRICE' | 'BURN_RATE';
  readonly path: string;
  readonly meter: Meter;
  readonly keeps: (record: UsageRecord) => boolean;
  /** The least that the plan gets for usage of this quantity and cost; null: it is not known. */
  readonly leastFor: (quantity: Decimal, usage: readonly CostedUsage[]) => Decimal | null;
}

/** Digits of amounts per unit in a message. */
const SHOWN_DECIMALS = 12;

/**
 * Charges of a plan that would have earned less than the usage under them cost. `records`: sums of some recent time, such as the last month, of all
 * customers. Usage that several charges of the plan are for (input and output of one call) is held against all of them together, at their cheapest tier.
 * Only usage of known cost, and only meters that sums can tell, are looked at.
 */
export function reviewAgainstCost(
  terms: PlanTerms,
  records: readonly UsageRecord[],
  meters: ReadonlyMap<string, Meter>,
  exchangeRates: readonly ExchangeRate[],
): PlanWarning[] {
  const usage = costedUsage(records, terms.currency, exchangeRates);
  const charges = chargesOf(terms, meters);
  return charges.flatMap((charge) => warningOf(charge, charges, usage, terms.currency));
}

function warningOf(charge: Charge, charges: readonly Charge[], usage: readonly CostedUsage[], currency: string): PlanWarning[] {
  const own = usage.filter(({ record }) => covers(charge, record));
  const quantity = quantityOf(charge.meter, own);
  const cost = Decimal.sum(own.map((one) => one.cost));
  const worth = charge.leastFor(quantity, own);
  if (!quantity.isPositive() || worth === null || worth.isZero()) return [];
  const earned = Decimal.sum(charges.map((other) => valueOf(other, own)));
  if (earned.compare(cost) >= 0) return [];
  const perUnit = (amount: Decimal): string => `${amount.dividedBy(quantity, SHOWN_DECIMALS).toString()} ${currency}`;
  const what = charge.kind === 'PRICE' ? 'charges' : 'takes credits worth';
  const message = `A unit of "${charge.meter.key}" cost ${perUnit(cost)} on average in the last month; at its cheapest this plan ${what} ${perUnit(earned)} for it.`;
  return [{ code: charge.kind === 'PRICE' ? 'PRICE_BELOW_COST' : 'BURN_RATE_BELOW_COST', path: charge.path, message }];
}

/** What the charge gets for some usage; nothing where it is for none of it, or where that is not known. */
function valueOf(charge: Charge, usage: readonly CostedUsage[]): Decimal {
  const own = usage.filter(({ record }) => covers(charge, record));
  return own.length === 0 ? Decimal.ZERO : (charge.leastFor(quantityOf(charge.meter, own), own) ?? Decimal.ZERO);
}

function covers({ meter, keeps }: Charge, record: UsageRecord): boolean {
  return meterMatches(meter, record) && keeps(record);
}

function quantityOf(meter: Meter, usage: readonly CostedUsage[]): Decimal {
  return aggregate(
    meter,
    [],
    usage.map(({ record }) => record),
  );
}

function chargesOf({ prices, burnRates, creditPrice, overagePricePerCredit }: PlanTerms, meters: ReadonlyMap<string, Meter>): Charge[] {
  const pricePerCredit = creditPrice ?? overagePricePerCredit;
  return [
    ...prices.flatMap((price, index) => (price.model === 'FLAT' ? [] : chargesOfPrice(price, `prices[${index}]`, meters))),
    ...burnRates.flatMap(({ meter: key, match, creditsPerUnit }, index): Charge[] => {
      const meter = summedMeter(meters.get(key));
      if (meter === null || readsEvents(match)) return [];
      const worth = pricePerCredit === null ? null : creditsPerUnit.times(pricePerCredit);
      const path = `burnRates[${index}].creditsPerUnit`;
      const keeps = (record: UsageRecord): boolean => filterMatches(match, record);
      return [{ kind: 'BURN_RATE', path, meter, keeps, leastFor: (quantity) => worth && quantity.times(worth) }];
    }),
  ];
}

function chargesOfPrice(price: UsagePrice, path: string, meters: ReadonlyMap<string, Meter>): Charge[] {
  const meter = summedMeter(meters.get(price.meter));
  if (meter === null || readsEvents(filtersOf(price))) return [];
  return priceParts(price).map(({ group, price: part, keeps }, index) => {
    const { field, leastFor } = cheapest(part);
    return { kind: 'PRICE', path: `${group === null ? path : `${path}.groups[${index}]`}.${field}`, meter, keeps, leastFor };
  });
}

/** The price where it charges least, and the field that says so. */
function cheapest(price: UsagePrice): Pick<Charge, 'leastFor'> & { readonly field: string } {
  switch (price.model) {
    case 'PER_UNIT':
      return { field: 'unitPrice', leastFor: (quantity) => quantity.times(price.unitPrice) };
    case 'PACKAGE':
      return {
        field: 'packagePrice',
        leastFor: (quantity) => quantity.times(price.packagePrice).dividedBy(price.packageSize, SHOWN_DECIMALS),
      };
    case 'GRADUATED':
    case 'VOLUME': {
      // A first tier at a price of 0 is an allowance: what comes behind it is meant to earn.
      const priced = price.tiers
        .map((tier, index) => ({ unitPrice: tier.unitPrice, index }))
        .filter(({ unitPrice, index }) => index > 0 || !unitPrice.isZero());
      const least = priced.reduce(
        (a, b) => (b.unitPrice.compare(a.unitPrice) < 0 ? b : a),
        priced[0] ?? { unitPrice: Decimal.ZERO, index: 0 },
      );
      return { field: `tiers[${least.index}].unitPrice`, leastFor: (quantity) => quantity.times(least.unitPrice) };
    }
    case 'PERCENTAGE':
      // The sum of another property than the meter's is not known here.
      return {
        field: 'rate',
        leastFor: (quantity, usage) =>
          price.valueProperty === null
            ? quantity.times(price.rate).plus(price.fixedFee.times(Decimal.sum(usage.map(({ record }) => record.events))))
            : null,
      };
    case 'COST_PLUS':
      return {
        field: price.unitCeiling === null ? 'markup' : 'unitCeiling',
        leastFor: (quantity, usage) => {
          const marked = Decimal.sum(usage.map(({ cost }) => cost)).times(Decimal.ONE.plus(price.markup));
          return price.unitCeiling === null ? marked : Decimal.min(marked, price.unitCeiling.times(quantity));
        },
      };
    default:
      return price satisfies never;
  }
}

function readsEvents(filters: readonly MeterFilter[]): boolean {
  return filters.some(({ property }) => isEventProperty(property));
}

/** A meter that sums of usage can tell; null for others. */
function summedMeter(meter: Meter | undefined): Meter | null {
  if (meter === undefined || (meter.aggregation !== 'SUM' && meter.aggregation !== 'COUNT')) return null;
  const reads = [
    ...meter.filters.map(({ property }) => property),
    ...(meter.aggregation === 'SUM' ? [meter.valueProperty ?? 'requests'] : []),
  ];
  return reads.some(isEventProperty) ? null : meter;
}

function costedUsage(records: readonly UsageRecord[], currency: string, rates: readonly ExchangeRate[]): CostedUsage[] {
  return records.flatMap((record) => {
    if (record.costState !== 'PRICED' && record.costState !== 'REPORTED') return [];
    const cost = convertAmount(record.cost, record.costCurrency ?? currency, currency, record.from, rates);
    return cost === null ? [] : [{ record, cost }];
  });
}
