import type { BillCase, CaseAmounts, CaseDiscount, CasePeriod, CasePrice, CaseUsage } from './bill-case.ts';
import { exactCharge, feeOf, partOf, type Used } from './charge-oracle.ts';
import { Fraction, greatest, least } from './fraction.ts';
import { split } from './split-oracle.ts';

/** A line as the oracle bills it. `name`: kind, price and group. */
export interface OracleLine {
  readonly name: string;
  readonly price: string | null;
  readonly isFee: boolean;
  /** What it is for discounts of fees or of usage, where it has no price: credits of a plan, or usage above them. */
  readonly chargedAs?: 'FEES' | 'USAGE';
  /** The service period that it is for, and the billing period in which that lies. */
  readonly start: number;
  readonly billing: number;
  readonly exact: Fraction;
  /** Rounded once. */
  readonly amount: Fraction;
  readonly discount: Fraction;
  readonly lineDiscount: Fraction;
}

const HUNDRED = Fraction.of(100);
/** The billing increment (SEMANTICS 1.5). */
const INCREMENTS: Readonly<Record<string, Fraction>> = {
  USD: Fraction.of(1, 100),
  JPY: Fraction.ONE,
  KWD: Fraction.of(1, 100),
  IQD: Fraction.of(1, 1000),
};

export function incrementOf(currency: string): Fraction {
  const increment = INCREMENTS[currency];
  if (increment === undefined) throw new Error(`the oracle knows no ${currency}`);
  return increment;
}

/**
 * The lines of an invoice in their order: usage of the period and fees in arrears, its true-up, fees in advance of the next. Line discounts come before the
 * true-up and invoice discounts after it (SEMANTICS 8.1). Lines of zero are among them.
 */
export function bill(facts: BillCase): OracleLine[] {
  const step = incrementOf(facts.currency);
  const usage = [...usageLines(facts, step), ...feeLines(facts, 'IN_ARREARS', facts.period, step)];
  const fees = feeLines(facts, 'IN_ADVANCE', facts.next, step);
  const charged = discountedBy(facts.discounts.filter(isOfLines), [...usage, ...fees], true, step);
  const ofPeriod = charged.slice(0, usage.length);
  const all = [...ofPeriod, ...trueUp(facts, ofPeriod, step), ...charged.slice(usage.length)];
  return discountedBy(
    facts.discounts.filter((discount) => !isOfLines(discount)),
    all,
    false,
    step,
  );
}

export const isOfLines = ({ prices, appliesTo }: CaseDiscount): boolean => prices !== null || appliesTo !== 'ALL';

function usageLines(facts: BillCase, step: Fraction): OracleLine[] {
  return facts.prices
    .filter(({ model }) => model !== 'FLAT')
    .flatMap((price) => {
      const known = new Set(price.groups.flatMap((group) => group.in));
      const rest = lineOfUsage(facts, price, price, null, (usage) => !known.has(usage.region), step);
      const groups = price.groups.map((group) =>
        lineOfUsage(facts, price, group, group.in.join(', '), (usage) => group.in.includes(usage.region), step),
      );
      return [...groups, rest];
    });
}

function lineOfUsage(
  facts: BillCase,
  price: CasePrice,
  amounts: CaseAmounts,
  group: string | null,
  isOfGroup: (usage: CaseUsage) => boolean,
  step: Fraction,
): OracleLine {
  const own = facts.usage.filter((usage) => usage.price === price.key && isInside(usage.at, facts.period) && isOfGroup(usage));
  const carried = facts.carried.filter((lot) => lot.price === price.key && lot.group === group);
  const used: Used = {
    quantity: Fraction.sum(own.map(({ quantity }) => Fraction.read(quantity))),
    events: Fraction.sum(own.map(({ events }) => Fraction.of(events))),
    cost: Fraction.sum(own.map(({ cost }) => Fraction.read(cost))),
    carried: Fraction.sum(carried.map(({ quantity }) => Fraction.read(quantity))),
  };
  const exact = exactCharge(price, amounts, used, facts.seats, facts.period);
  return line(`USAGE ${price.key} ${group ?? '-'}`, price.key, false, facts.period, exact, exact.rounded(step));
}

/** Fees are rounded from the whole fee in one go. */
export function feeLines(
  { prices, seats }: Pick<BillCase, 'prices' | 'seats'>,
  timing: CasePrice['timing'],
  period: CasePeriod,
  step: Fraction,
): OracleLine[] {
  const fees = prices.filter((price) => price.model === 'FLAT' && price.timing === timing);
  return fees.map((price) => {
    const whole = feeOf(price, Fraction.of(seats));
    const amount = whole.times(Fraction.of(period.end - period.start, period.fullEnd - period.fullStart)).rounded(step);
    return line(`FEE ${price.key} -`, price.key, true, period, partOf(whole, period), amount);
  });
}

function trueUp({ minimumCommitment, period, feesNet }: BillCase, lines: readonly OracleLine[], step: Fraction): OracleLine[] {
  if (minimumCommitment === null) return [];
  const counted = Fraction.sum(lines.map(({ amount, lineDiscount }) => amount.minus(lineDiscount))).plus(Fraction.read(feesNet));
  const missing = greatest(Fraction.ZERO, partOf(Fraction.read(minimumCommitment), period).minus(counted));
  return [line('COMMITMENT - -', null, false, period, missing, missing.rounded(step))];
}

/** Percentages first, each on what is left, then amounts, at most what is left; lines of one billing period together. */
export function discountedBy(
  discounts: readonly CaseDiscount[],
  lines: readonly OracleLine[],
  ofLine: boolean,
  step: Fraction,
): OracleLine[] {
  const ordered = [
    ...discounts.filter(({ percentOff }) => percentOff !== null),
    ...discounts.filter(({ percentOff }) => percentOff === null),
  ];
  let current = [...lines];
  for (const discount of ordered) {
    for (const billing of new Set(current.map((line) => line.billing))) {
      const indexes = current.flatMap((line, index) => (line.billing === billing && isDiscounted(line, discount) ? [index] : []));
      const nets = indexes.map((index) => netOf(current[index] as OracleLine));
      const shares = sharesOf(discount, nets, step);
      current = current.map((line, index) => {
        const share = shares[indexes.indexOf(index)];
        if (!indexes.includes(index) || share === undefined) return line;
        return { ...line, discount: line.discount.plus(share), lineDiscount: ofLine ? line.lineDiscount.plus(share) : line.lineDiscount };
      });
    }
  }
  return current;
}

function sharesOf({ percentOff, amountOff, prices, appliesTo }: CaseDiscount, nets: readonly Fraction[], step: Fraction): Fraction[] {
  const total = Fraction.sum(nets);
  if (percentOff === null) {
    const billable = step.times(
      Fraction.of(
        Fraction.read(amountOff ?? '0')
          .over(step)
          .floor(),
      ),
    );
    return split(greatest(Fraction.ZERO, least(billable, total)), nets, step);
  }
  const rate = least(HUNDRED, Fraction.read(percentOff)).over(HUNDRED);
  const part = (net: Fraction): Fraction => net.times(rate).rounded(step);
  return prices === null && appliesTo === 'ALL' ? split(part(total), nets, step) : nets.map(part);
}

function isDiscounted(line: OracleLine, { prices, appliesTo, from, until }: CaseDiscount): boolean {
  const ofPrice = line.isFee ? 'FEES' : 'USAGE';
  if (line.start < from || (until !== null && line.start >= until)) return false;
  if (prices !== null && (line.price === null || !prices.includes(line.price))) return false;
  return appliesTo === 'ALL' || appliesTo === (line.price === null ? line.chargedAs : ofPrice);
}

const netOf = ({ amount, discount }: OracleLine): Fraction => amount.minus(discount);

const isInside = (at: number, { start, end }: CasePeriod): boolean => start <= at && at < end;

function line(name: string, price: string | null, isFee: boolean, period: CasePeriod, exact: Fraction, amount: Fraction): OracleLine {
  const { start, fullStart: billing } = period;
  return { name, price, isFee, start, billing, exact, amount, discount: Fraction.ZERO, lineDiscount: Fraction.ZERO };
}
