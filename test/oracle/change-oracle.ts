import type { CaseDiscount, CasePeriod, CasePrice } from './bill-case.ts';
import { discountedBy, feeLines, incrementOf, isOfLines, type OracleLine } from './bill-oracle.ts';
import { feeOf } from './charge-oracle.ts';
import { Fraction } from './fraction.ts';

/** A change of plan or seats inside of a period whose fees were paid. One discount at most. */
export interface ChangeCase {
  readonly currency: string;
  readonly before: { readonly prices: readonly CasePrice[]; readonly seats: number };
  readonly after: { readonly prices: readonly CasePrice[]; readonly seats: number };
  readonly period: CasePeriod;
  /** Inside of the period. */
  readonly at: number;
  readonly discounts: readonly CaseDiscount[];
}

export interface ChangedFee {
  readonly name: string;
  readonly amount: Fraction;
  readonly discount: Fraction;
}

/** The fees of the whole period as they were billed at its start. */
export function billedFees({ currency, before, period, discounts }: ChangeCase): OracleLine[] {
  const step = incrementOf(currency);
  return withDiscounts(feeLines(before, 'IN_ADVANCE', period, step), discounts, step);
}

/**
 * Credits and charges of the change (SEMANTICS 6.1): of what was billed, amount and each discount, the part of the time that is left; of the new fees the
 * same part. A fee that is the same before and after is charged exactly what is credited. An amount off is for the period: the new fees have what the old ones
 * did not take of it, and what comes back of theirs.
 */
export function changedFees(change: ChangeCase): ChangedFee[] {
  const { currency, period, at, before, after, discounts } = change;
  const step = incrementOf(currency);
  const left = Fraction.of(period.end - at, period.end - period.start);
  const back = (amount: Fraction): Fraction => amount.times(left).rounded(step).negated();
  const credits = billedFees(change).map((line) => ({ ...line, amount: back(line.amount), discount: back(line.discount) }));
  const isSame = (price: string | null): boolean => {
    const [old, next] = [before, after].map(({ prices, seats }) => {
      const fee = prices.find(({ key, timing }) => key === price && timing === 'IN_ADVANCE');
      return fee === undefined ? null : feeOf(fee, Fraction.of(seats));
    });
    return old != null && next != null && old.compare(next) === 0;
  };
  const rest = { ...period, start: at };
  const charges = feeLines(after, 'IN_ADVANCE', rest, step);
  const kept = credits.filter(({ price }) => isSame(price) && charges.some((charge) => charge.price === price));
  const taken = Fraction.sum([...billedFees(change), ...credits.filter((line) => !kept.includes(line))].map(({ discount }) => discount));
  const computed = withDiscounts(
    charges.filter(({ price }) => !isSame(price)),
    discounts.map((discount) =>
      discount.amountOff === null ? discount : { ...discount, amountOff: Fraction.read(discount.amountOff).minus(taken).toString() },
    ),
    step,
  );
  const mirrored = charges.map((charge) => {
    const credit = credits.find(({ price }) => price === charge.price && isSame(price));
    if (credit !== undefined) return { ...charge, amount: credit.amount.negated(), discount: credit.discount.negated() };
    return computed.find(({ price }) => price === charge.price) ?? charge;
  });
  const named = (kind: string, lines: readonly OracleLine[]): ChangedFee[] =>
    lines.map(({ price, amount, discount }) => ({ name: `${kind} ${price ?? '-'}`, amount, discount }));
  return [...named('PRORATION_CREDIT', credits), ...named('PRORATION_CHARGE', mirrored)];
}

function withDiscounts(lines: readonly OracleLine[], discounts: readonly CaseDiscount[], step: Fraction): OracleLine[] {
  const ofLines = discountedBy(discounts.filter(isOfLines), lines, true, step);
  return discountedBy(
    discounts.filter((discount) => !isOfLines(discount)),
    ofLines,
    false,
    step,
  );
}
