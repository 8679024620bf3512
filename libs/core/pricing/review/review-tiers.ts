import { Decimal } from '../../money/index.ts';
import type { Tier, UsagePrice } from '../price.ts';
import { priceParts } from '../price-parts.ts';
import { ratePrice } from '../rate-price.ts';
import type { PlanWarning, PlanWarningCode } from './plan-warning.ts';

/** Warnings of the bounds and tiers of a price and of its groups. `path`: of the price. */
export function reviewBounds(price: UsagePrice, path: string): PlanWarning[] {
  return priceParts(price).flatMap(({ group, price: part }, index) => {
    const at = group === null ? path : `${path}.groups[${index}]`;
    const warn = (code: PlanWarningCode, field: string, message: string): PlanWarning => ({ code, path: `${at}.${field}`, message });
    if (part.model === 'COST_PLUS') return unitBounds(part, warn);
    if (part.model === 'PERCENTAGE') return rates(part.rate, warn);
    if (part.model !== 'GRADUATED' && part.model !== 'VOLUME') return [];
    const cliffs = part.model === 'VOLUME' ? part.tiers.flatMap((_, tier) => cliffAfter(part, part.tiers, tier, warn)) : [];
    return [
      ...cliffs,
      ...unreachableTiers(part, part.tiers, warn),
      ...flatFees(part, part.tiers, warn),
      ...included(part, part.tiers, warn),
    ];
  });
}

type Warn = (code: PlanWarningCode, field: string, message: string) => PlanWarning;

/** Where one unit more costs less than nothing, or more than its price: both sides of the bound, with the amounts. */
function cliffAfter(price: UsagePrice, tiers: readonly Tier[], index: number, warn: Warn): PlanWarning[] {
  const upTo = tiers[index]?.upTo ?? null;
  const next = tiers[index + 1];
  if (upTo === null || next === undefined) return [];
  const quantity = price.includedQuantity.plus(upTo);
  const below = amountAt(price, quantity);
  const above = amountAt(price, quantity.plus(Decimal.ONE));
  const step = above.minus(below);
  if (!step.isNegative() && step.compare(next.unitPrice) <= 0) return [];
  const amounts = `${quantity.toString()} units cost ${below.toString()}, ${quantity.plus(Decimal.ONE).toString()} cost ${above.toString()}`;
  const why = step.isNegative()
    ? 'whoever uses a little less pays more. GRADUATED tiers have no such step.'
    : 'one unit more costs far more than its price. GRADUATED tiers have no such step.';
  return [warn('VOLUME_CLIFF', `tiers[${index}].upTo`, `${amounts}: ${why}`)];
}

/** Tiers in which the price charges its maximum whatever is used. */
function unreachableTiers(price: UsagePrice, tiers: readonly Tier[], warn: Warn): PlanWarning[] {
  const { maximumAmount } = price;
  if (maximumAmount === null) return [];
  return tiers.flatMap((_, index) => {
    const from = tiers[index - 1]?.upTo ?? null;
    if (from === null) return [];
    const entered = amountAtEntry(price, tiers, index, from);
    const isCapped = entered.compare(maximumAmount) >= 0;
    const message = `At ${price.includedQuantity.plus(from).toString()} units the price would charge ${entered.toString()}, its maximum is ${maximumAmount.toString()}: the tier changes no bill. Raise the maximum or leave the tier out.`;
    return isCapped ? [warn('TIER_NOT_REACHABLE', `tiers[${index}]`, message)] : [];
  });
}

/** The least that is charged in a tier, bounds aside: with its fee, at its lower bound. */
function amountAtEntry(price: UsagePrice, tiers: readonly Tier[], index: number, from: Decimal): Decimal {
  const tier = tiers[index];
  if (price.model === 'VOLUME' && tier !== undefined) return from.times(tier.unitPrice).plus(tier.flatFee);
  const unbounded = { ...price, minimumAmount: null, maximumAmount: null };
  return ratePrice(unbounded, { quantity: price.includedQuantity.plus(from) }).amount.plus(tier?.flatFee ?? Decimal.ZERO);
}

function flatFees({ minimumAmount, maximumAmount }: UsagePrice, tiers: readonly Tier[], warn: Warn): PlanWarning[] {
  const fee = tiers[0]?.flatFee ?? Decimal.ZERO;
  const warnings: PlanWarning[] = [];
  if (maximumAmount !== null && fee.compare(maximumAmount) > 0) {
    const message = `The first tier's flat fee is ${fee.toString()}, and never more than ${maximumAmount.toString()} is charged. Raise the maximum or lower the fee.`;
    warnings.push(warn('MAXIMUM_BELOW_FEE', 'maximumAmount', message));
  }
  if (minimumAmount?.isPositive() === true && fee.compare(minimumAmount) >= 0) {
    const message = `The first tier's flat fee of ${fee.toString()} is charged anyway: the minimum of ${minimumAmount.toString()} has no effect.`;
    warnings.push(warn('MINIMUM_WITHOUT_EFFECT', 'minimumAmount', message));
  }
  return warnings;
}

function included({ includedQuantity }: UsagePrice, tiers: readonly Tier[], warn: Warn): PlanWarning[] {
  const last = tiers.at(-2)?.upTo ?? null;
  if (last === null || includedQuantity.compare(last) <= 0) return [];
  const message = `${includedQuantity.toString()} units are included and taken off before the tiers, which therefore begin at ${includedQuantity.toString()} and end at ${includedQuantity.plus(last).toString()}. If the tiers were meant to count the included units, use a first tier at a price of 0 instead.`;
  return [warn('INCLUDED_BEYOND_TIERS', 'includedQuantity', message)];
}

function unitBounds({ unitFloor, unitCeiling, markup }: UsagePrice & { model: 'COST_PLUS' }, warn: Warn): PlanWarning[] {
  const warnings =
    markup.compare(Decimal.of(10)) > 0
      ? [
          warn(
            'MARKUP_ABOVE_TEN',
            'markup',
            `"${markup.toString()}" charges the cost ${markup.plus(Decimal.ONE).toString()} times; 30 % is "0.30".`,
          ),
        ]
      : [];
  if (unitFloor === null || unitCeiling?.equals(unitFloor) !== true) return warnings;
  return [
    ...warnings,
    warn(
      'UNIT_BOUNDS_EQUAL',
      'unitCeiling',
      `Each unit is charged at ${unitFloor.toString()}, whatever it cost: a PER_UNIT price says that plainly.`,
    ),
  ];
}

function rates(rate: Decimal, warn: Warn): PlanWarning[] {
  if (rate.compare(Decimal.ONE) <= 0) return [];
  return [
    warn('RATE_ABOVE_ONE', 'rate', `"${rate.toString()}" is ${rate.times(Decimal.of(100)).toString()} % of the sum; 2.9 % is "0.029".`),
  ];
}

/** What one seat is charged for the quantity in a whole period. */
function amountAt(price: UsagePrice, quantity: Decimal): Decimal {
  return ratePrice(price, { quantity }).amount;
}
