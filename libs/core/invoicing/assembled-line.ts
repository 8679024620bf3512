import { Decimal, currencyOf } from '../money/index.ts';
import type { AssembledLine } from './assembled-invoice.ts';
import { discountOf, lineDiscountOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import type { BilledLine, DiscountShare } from './invoice-facts.ts';

/** A line as its invoice has it: less what was billed of it already. */
export function assembledLine(line: DraftLine): AssembledLine {
  const { scopeKey, kind, priceKey, group, description, quantity, exactAmount, period, segment, walk, credits } = line;
  const amount = leftOf(line.amount, line.billed);
  const discounts = sharesLeft(line);
  return {
    scopeKey,
    kind,
    priceKey,
    group,
    description,
    quantity,
    exactAmount,
    amount,
    lineDiscount: lineDiscountOf(discounts),
    discount: discountOf(discounts),
    discounts,
    period,
    segmentId: segment.id,
    subscriptionId: segment.subscriptionId,
    planVersionId: segment.planVersionId,
    walk,
    rounding: {
      exactAmount,
      increment: currencyOf(segment.terms.currency).billingIncrement,
      rounded: line.amount,
      alreadyBilled: line.amount.minus(amount),
    },
    adjusts: null,
    adjustsKind: null,
    credits,
  };
}

/** A threshold invoice billed a part already: round(cumulative) - billed (SEMANTICS 8.3). */
export function leftOf(amount: Decimal, billed: readonly BilledLine[]): Decimal {
  return billed.length === 0 ? amount : amount.minus(Decimal.sumOf(billed, (line) => line.amount));
}

function sharesLeft({ shares, billed }: DraftLine): readonly DiscountShare[] {
  if (shares.length === 0 && billed.length === 0) return shares;
  const taken = billed.flatMap((line) => line.discounts).map((share) => ({ ...share, amount: share.amount.negated() }));
  const left = new Map<string, DiscountShare>();
  for (const share of [...shares, ...taken]) {
    const known = left.get(share.key);
    left.set(share.key, known === undefined ? share : { ...known, amount: known.amount.plus(share.amount) });
  }
  return [...left.values()].filter(({ amount }) => !amount.isZero());
}
