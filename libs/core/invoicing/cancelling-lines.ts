import { Decimal } from '../money/index.ts';
import type { AssembledLine } from './assembled-invoice.ts';
import type { DiscountShare } from './invoice-facts.ts';

type CancellingLine = Pick<AssembledLine, 'kind' | 'priceKey' | 'period' | 'amount' | 'discounts' | 'credits'>;

/**
 * Whether lines are nothing but credits for unused time, each with a charge for the same time that takes it back, discounts and all: a change that left every
 * fee as it was (SEMANTICS 6.1). False without lines.
 */
export function cancelOut(lines: readonly CancellingLine[]): boolean {
  const credits = lines.filter(({ kind }) => kind === 'PRORATION_CREDIT');
  const charges = lines.filter(({ kind }) => kind !== 'PRORATION_CREDIT');
  for (const credit of credits) {
    const own = charges.findIndex((charge) => isChargeFor(charge, credit) && isNothing([...credit.discounts, ...charge.discounts]));
    if (own === -1) return false;
    charges.splice(own, 1);
  }
  return credits.length > 0 && charges.length === 0;
}

/** Whether a fee is charged for the time of a credit as it was credited, before discounts. Credits of a wallet are granted anew by every change. */
export function isChargeFor(charge: Omit<CancellingLine, 'discounts'>, credit: Omit<CancellingLine, 'discounts'>): boolean {
  const isSameTime = charge.period.start === credit.period.start && charge.period.end === credit.period.end;
  const isFee = charge.kind === 'PRORATION_CHARGE' || charge.kind === 'FEE';
  return isFee && isSameTime && charge.credits.isZero() && credit.credits.isZero() && charge.amount.plus(credit.amount).isZero();
}

function isNothing(shares: readonly DiscountShare[]): boolean {
  const sums = new Map<string, Decimal>();
  for (const { key, ofLine, amount } of shares) sums.set(`${ofLine} ${key}`, (sums.get(`${ofLine} ${key}`) ?? Decimal.ZERO).plus(amount));
  return [...sums.values()].every((sum) => sum.isZero());
}
