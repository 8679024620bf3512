import { Decimal, cumulativeShare } from '../money/index.ts';
import type { CostPlusPrice, FlatPrice, PackagePrice, PercentagePrice, Price, Tier, TieredPrice } from './price.ts';
import type { PeriodShare, PriceCharge, PriceUsage, WalkStep } from './price-charge.ts';

/** How a price is applied; both are for the period, not for the price. */
export interface RateOptions {
  /**
   * Of a shortened period: minimum, maximum, first-tier flat fee and a FLAT amount are prorated by it, tier bounds are not; the allowance where the price
   * says so (SEMANTICS 6.2).
   */
  readonly share?: PeriodShare;
  /** False while the period runs: the minimum is not due yet. True by default. */
  readonly closing?: boolean;
}

/**
 * What a price charges for some usage: exact, in the plan's currency, before rounding (SEMANTICS 4.1 - 4.6). A prorated part is taken at 12 decimals
 * (1.6), nothing else is rounded. The walk adds up to the amount.
 */
export function ratePrice(price: Price, usage: PriceUsage, options: RateOptions = {}): PriceCharge {
  const steps = stepsOf(price, usage, options.share).filter((step) => !(step.quantity.isZero() && step.amount.isZero()));
  const walk = bounded(price, steps, options);
  return { amount: amountOf(walk), walk };
}

/**
 * What usage adds to a charge: `rate(after) - rate(before)`, so that a bill in parts is the bill of the whole (SEMANTICS 4.7). Both usages are
 * cumulative: tiers never restart.
 */
export function rateDelta(price: Price, before: PriceUsage, after: PriceUsage, options: RateOptions = {}): PriceCharge {
  const charged = ratePrice(price, before, options);
  const due = ratePrice(price, after, options);
  const taken = charged.walk.map((step) => ({
    ...step,
    description: `already charged: ${step.description}`,
    amount: step.amount.negated(),
  }));
  return { amount: due.amount.minus(charged.amount), walk: [...due.walk, ...taken] };
}

/**
 * `amount x share`, as the difference of what has accumulated at its end and at its start, each at 12 decimals: the parts of a period add up to the amount
 * (SEMANTICS 1.6). The amount itself where there is no share.
 */
export function prorated(amount: Decimal, share: PeriodShare | undefined): Decimal {
  if (share === undefined) return amount;
  const { from = 0n, numerator, denominator } = share;
  const until = cumulativeShare(amount, from + numerator, denominator);
  return from === 0n ? until : until.minus(cumulativeShare(amount, from, denominator));
}

function stepsOf(price: Price, usage: PriceUsage, share: PeriodShare | undefined): WalkStep[] {
  switch (price.model) {
    case 'FLAT':
      return flatSteps(price, usage, share);
    case 'PER_UNIT':
      return [...includedSteps(price, usage, share), unitStep('units', billableQuantity(price, usage, share), price.unitPrice)];
    case 'PACKAGE':
      return [...includedSteps(price, usage, share), packageStep(price, billableQuantity(price, usage, share))];
    case 'GRADUATED':
      return [...includedSteps(price, usage, share), ...graduatedSteps(price, billableQuantity(price, usage, share), share)];
    case 'VOLUME':
      return [...includedSteps(price, usage, share), ...volumeSteps(price, billableQuantity(price, usage, share), share)];
    case 'PERCENTAGE':
      return percentageSteps(price, usage, share);
    case 'COST_PLUS':
      return costPlusSteps(price, usage);
    default:
      return price satisfies never;
  }
}

function flatSteps(price: FlatPrice, usage: PriceUsage, share: PeriodShare | undefined): WalkStep[] {
  const quantity = price.perSeat ? seatsOf(usage) : Decimal.ONE;
  const whole = price.amount.times(quantity);
  const description = `${price.perSeat ? 'seats' : 'fixed fee'}${share === undefined ? '' : ', for a part of the period'}`;
  return [{ description, quantity, unitPrice: price.amount, amount: prorated(whole, share) }];
}

function packageStep(price: PackagePrice, billable: Decimal): WalkStep {
  return unitStep(`packages of ${price.packageSize.toString()}`, billable.ceilDividedBy(price.packageSize), price.packagePrice);
}

function graduatedSteps(price: TieredPrice, billable: Decimal, share: PeriodShare | undefined): WalkStep[] {
  let from = Decimal.ZERO;
  const steps: WalkStep[] = [];
  for (const [index, tier] of price.tiers.entries()) {
    if (index > 0 && billable.compare(from) <= 0) break;
    const upTo = tier.upTo === null ? billable : Decimal.min(billable, tier.upTo);
    steps.push(...tierSteps(tier, index, from, upTo.minus(from), share));
    from = tier.upTo ?? billable;
  }
  return steps;
}

function volumeSteps(price: TieredPrice, billable: Decimal, share: PeriodShare | undefined): WalkStep[] {
  const index = price.tiers.findIndex((tier) => tier.upTo === null || billable.compare(tier.upTo) <= 0);
  const tier = price.tiers[index];
  if (tier === undefined) return [];
  return tierSteps(tier, index, price.tiers[index - 1]?.upTo ?? Decimal.ZERO, billable, share);
}

/** The flat fee of the first tier belongs to the period, those of the others to the usage that enters them: only the first is prorated. */
function tierSteps(tier: Tier, index: number, from: Decimal, quantity: Decimal, share: PeriodShare | undefined): WalkStep[] {
  const bounds = tier.upTo === null ? `over ${from.toString()}` : `over ${from.toString()} up to ${tier.upTo.toString()}`;
  const name = `tier ${index + 1} (${bounds})`;
  const flatFee = index === 0 ? prorated(tier.flatFee, share) : tier.flatFee;
  const steps = [unitStep(name, quantity, tier.unitPrice)];
  if (!flatFee.isZero()) steps.push(fixedStep(`${name}: flat fee`, flatFee));
  return steps;
}

function percentageSteps(price: PercentagePrice, usage: PriceUsage, share: PeriodShare | undefined): WalkStep[] {
  const events = usage.events ?? Decimal.ZERO;
  const steps = [...includedSteps(price, usage, share), unitStep('share of the sum', billableQuantity(price, usage, share), price.rate)];
  return price.fixedFee.isZero() ? steps : [...steps, unitStep('fee per event', events, price.fixedFee)];
}

function costPlusSteps(price: CostPlusPrice, usage: PriceUsage): WalkStep[] {
  const cost = usage.cost ?? Decimal.ZERO;
  const marked = cost.times(Decimal.ONE.plus(price.markup));
  const least = price.unitFloor === null ? marked : Decimal.max(marked, price.unitFloor.times(usage.quantity));
  const amount = price.unitCeiling === null ? least : Decimal.min(least, price.unitCeiling.times(usage.quantity));
  const steps = [unitStep('cost', cost, Decimal.ONE), unitStep('markup', cost, price.markup)];
  if (amount.compare(marked) > 0) steps.push(fixedStep('raised to the floor per unit', amount.minus(marked)));
  if (amount.compare(marked) < 0) steps.push(fixedStep('lowered to the ceiling per unit', amount.minus(marked)));
  return steps;
}

function bounded(price: Price, steps: readonly WalkStep[], { share, closing = true }: RateOptions): readonly WalkStep[] {
  const amount = amountOf(steps);
  const minimum = price.minimumAmount === null || !closing ? null : prorated(price.minimumAmount, share);
  const maximum = price.maximumAmount === null ? null : prorated(price.maximumAmount, share);
  if (minimum !== null && amount.compare(minimum) < 0) return [...steps, fixedStep('up to the minimum amount', minimum.minus(amount))];
  if (maximum !== null && amount.compare(maximum) > 0) return [...steps, fixedStep('down to the maximum amount', maximum.minus(amount))];
  return steps;
}

/**
 * The allowance of a price for a period, without what was carried into it: of one per seat, for all seats (SEMANTICS 4.6); of one that is prorated, the part
 * of a shortened period (6.2).
 */
export function includedQuantity(price: Price, seats: Decimal, share?: PeriodShare): Decimal {
  const whole = price.perSeat ? price.includedQuantity.times(seats) : price.includedQuantity;
  return price.prorateIncluded ? prorated(whole, share) : whole;
}

function billableQuantity(price: Price, usage: PriceUsage, share: PeriodShare | undefined): Decimal {
  const free = includedQuantity(price, seatsOf(usage), share).plus(usage.carried ?? Decimal.ZERO);
  return Decimal.max(Decimal.ZERO, usage.quantity.minus(free));
}

/** Carried quantity is used before the period's own. */
function includedSteps(price: Price, usage: PriceUsage, share: PeriodShare | undefined): WalkStep[] {
  const carried = Decimal.min(usage.quantity, usage.carried ?? Decimal.ZERO);
  const own = Decimal.min(usage.quantity.minus(carried), includedQuantity(price, seatsOf(usage), share));
  const steps: WalkStep[] = [];
  if (carried.isPositive()) steps.push(unitStep('carried from earlier periods', carried, Decimal.ZERO));
  if (own.isPositive()) steps.push(unitStep('included', own, Decimal.ZERO));
  return steps;
}

function seatsOf(usage: PriceUsage): Decimal {
  return usage.seats ?? Decimal.ONE;
}

function unitStep(description: string, quantity: Decimal, unitPrice: Decimal): WalkStep {
  return { description, quantity, unitPrice, amount: quantity.times(unitPrice) };
}

function fixedStep(description: string, amount: Decimal): WalkStep {
  return { description, quantity: Decimal.ONE, unitPrice: null, amount };
}

function amountOf(walk: readonly WalkStep[]): Decimal {
  return Decimal.sumOf(walk, (step) => step.amount);
}
