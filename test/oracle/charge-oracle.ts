import type { CaseAmounts, CasePeriod, CasePrice } from './bill-case.ts';
import { Fraction, greatest, least } from './fraction.ts';

/** What is used under one set of amounts in a period. */
export interface Used {
  readonly quantity: Fraction;
  readonly events: Fraction;
  readonly cost: Fraction;
  readonly carried: Fraction;
}

const MOST_DECIMALS = Fraction.of(1n, 10n ** 12n);
const read = (text: string | undefined): Fraction => Fraction.read(text ?? '0');

/**
 * What usage costs before rounding, written down from SEMANTICS 4.1 to 4.6 and 6.2 in fractions. What is prorated is the difference of what has accumulated
 * at the end and at the start of the period, each at 12 decimals (1.6).
 */
export function exactCharge(price: CasePrice, amounts: CaseAmounts, used: Used, seats: number, period: CasePeriod): Fraction {
  const included = allowance(price, amounts, seats, period).plus(used.carried);
  const billable = greatest(Fraction.ZERO, used.quantity.minus(included));
  const amount = unbounded(price, amounts, { ...used, quantity: billable }, used.quantity, period);
  const minimum = amounts.minimumAmount === undefined ? null : partOf(read(amounts.minimumAmount), period);
  const maximum = amounts.maximumAmount === undefined ? null : partOf(read(amounts.maximumAmount), period);
  if (minimum !== null && amount.compare(minimum) < 0) return minimum;
  return maximum !== null && amount.compare(maximum) > 0 ? maximum : amount;
}

/** The allowance of a period, without what was carried into it. */
export function allowance(price: CasePrice, amounts: CaseAmounts, seats: number, period: CasePeriod): Fraction {
  const whole = read(amounts.includedQuantity).times(Fraction.of(price.perSeat ? seats : 1));
  return price.prorateIncluded ? partOf(whole, period) : whole;
}

/** The part of an amount that a shortened period has. */
export function partOf(whole: Fraction, { start, end, fullStart, fullEnd }: CasePeriod): Fraction {
  return accumulated(whole, end - fullStart, fullEnd - fullStart).minus(accumulated(whole, start - fullStart, fullEnd - fullStart));
}

function accumulated(whole: Fraction, part: number, length: number): Fraction {
  return part === length ? whole : whole.times(Fraction.of(part, length)).rounded(MOST_DECIMALS);
}

function unbounded(price: CasePrice, amounts: CaseAmounts, used: Used, whole: Fraction, period: CasePeriod): Fraction {
  switch (price.model) {
    case 'FLAT':
      return partOf(feeOf(price, used.events), period);
    case 'PER_UNIT':
      return used.quantity.times(read(amounts.unitPrice));
    case 'PACKAGE':
      return Fraction.of(used.quantity.over(read(amounts.packageSize)).ceiling()).times(read(amounts.packagePrice));
    case 'GRADUATED':
      return graduated(amounts, used.quantity, period);
    case 'VOLUME':
      return volume(amounts, used.quantity, period);
    case 'PERCENTAGE':
      return used.quantity.times(read(amounts.rate)).plus(used.events.times(read(amounts.fixedFee)));
    case 'COST_PLUS':
      return costPlus(amounts, used.cost, whole);
    default:
      return price.model satisfies never;
  }
}

/** A whole fixed fee; `seats`: how many it is for. */
export function feeOf(price: CasePrice, seats: Fraction): Fraction {
  return price.perSeat ? read(price.amount).times(seats) : read(price.amount);
}

function graduated({ tiers = [] }: CaseAmounts, quantity: Fraction, period: CasePeriod): Fraction {
  let from = Fraction.ZERO;
  return Fraction.sum(
    tiers.map(({ upTo, unitPrice, flatFee }, index) => {
      const until = upTo === undefined ? quantity : least(quantity, read(upTo));
      const inside = greatest(Fraction.ZERO, until.minus(from));
      from = upTo === undefined ? from : read(upTo);
      const isEntered = index === 0 || inside.isPositive;
      return inside.times(read(unitPrice)).plus(isEntered ? tierFee(flatFee, index, period) : Fraction.ZERO);
    }),
  );
}

function volume({ tiers = [] }: CaseAmounts, quantity: Fraction, period: CasePeriod): Fraction {
  const index = tiers.findIndex(({ upTo }) => upTo === undefined || quantity.compare(read(upTo)) <= 0);
  const tier = tiers[index];
  if (tier === undefined) throw new Error('the last tier has a bound');
  return quantity.times(read(tier.unitPrice)).plus(tierFee(tier.flatFee, index, period));
}

/** The fee of the first tier is for the period, those of the others are for the usage that enters them. */
function tierFee(fee: string, index: number, period: CasePeriod): Fraction {
  return index === 0 ? partOf(read(fee), period) : read(fee);
}

function costPlus({ markup, unitFloor, unitCeiling }: CaseAmounts, cost: Fraction, quantity: Fraction): Fraction {
  const marked = cost.times(Fraction.ONE.plus(read(markup)));
  const raised = unitFloor === undefined ? marked : greatest(marked, read(unitFloor).times(quantity));
  return unitCeiling === undefined ? raised : least(raised, read(unitCeiling).times(quantity));
}
