import { Decimal, currencyOf, roundToBilling } from '../money/index.ts';
import type { AssembledInvoice, AssembledLine } from './assembled-invoice.ts';
import { checkInvoice } from './check-invoice.ts';
import { deltaLines } from './delta-lines.ts';
import { discountUses } from './discount-lines.ts';
import { discountOf, lineDiscountOf } from './draft-line.ts';
import type { DraftLine } from './draft-line.ts';
import { grantsOf } from './granted-credits.ts';
import type { BilledLine, DiscountShare, InvoiceFacts } from './invoice-facts.ts';
import { scopeLines } from './scope-lines.ts';

/**
 * The one way from facts to an invoice: drafts, previews, recomputation and simulation call it and have nothing else to compute (SEMANTICS 8, 11.1).
 * Order: lines -> line discounts -> true-up -> invoice discounts -> prepaid money -> tax -> total (8.1); corrections of closed periods stand beside,
 * exempt from discounts and commitments of this one (8.3).
 * @throws CodedError INVARIANT_BROKEN | CURRENCY_MISMATCH | UNKNOWN_METER | UNKNOWN_CURRENCY
 */
export function assembleInvoice(facts: InvoiceFacts): AssembledInvoice {
  const scope = scopeLines(facts);
  const late = facts.late.map(deltaLines);
  const lines = [...scope.lines.filter(isShown).map(assembledLine), ...late.flatMap((delta) => delta.lines)];
  return checkInvoice({
    currency: facts.currency,
    lines,
    ...totals(lines, facts),
    grants: grantsOf(scope.lines, facts.currency),
    discountUses: [...discountUses(scope.lines, facts.discounts), ...late.flatMap((delta) => delta.discountUses)],
    awaitingCost: [...scope.awaitingCost, ...late.flatMap((delta) => delta.awaitingCost)],
    leakage: scope.leakage,
  });
}

type Totals = Pick<
  AssembledInvoice,
  'subtotal' | 'discounts' | 'creditsApplied' | 'taxBase' | 'tax' | 'total' | 'balanceApplied' | 'balanceCarried'
>;

/** The tax base is what is left after discounts and before prepaid money; what would be below zero is kept for the next invoice (SEMANTICS 8.1, 8.6). */
function totals(lines: readonly AssembledLine[], { currency, taxRate, prepaidAmount, customerBalance }: InvoiceFacts): Totals {
  const subtotal = Decimal.sum(lines.map((line) => line.amount));
  const discounts = Decimal.sum(lines.map((line) => line.discount));
  const taxBase = subtotal.minus(discounts);
  const creditsApplied = Decimal.max(Decimal.ZERO, Decimal.min(prepaidAmount, taxBase));
  const tax = taxRate === null ? Decimal.ZERO : roundToBilling(taxBase.times(taxRate), currency);
  const due = taxBase.minus(creditsApplied).plus(tax);
  const balanceApplied = Decimal.max(Decimal.ZERO, Decimal.min(customerBalance, due));
  const balanceCarried = Decimal.max(Decimal.ZERO, due.negated());
  const total = due.minus(balanceApplied).plus(balanceCarried);
  return { subtotal, discounts, creditsApplied, taxBase, tax, total, balanceApplied, balanceCarried };
}

/** Nothing used and nothing charged is no line. */
function isShown(line: DraftLine): boolean {
  return !line.quantity.isZero() || !line.amount.isZero() || !leftOf(line.amount, line.billed).isZero();
}

function assembledLine(line: DraftLine): AssembledLine {
  const { scopeKey, kind, priceKey, description, quantity, exactAmount, period, segment, walk, credits } = line;
  const amount = leftOf(line.amount, line.billed);
  const discounts = sharesLeft(line);
  return {
    scopeKey,
    kind,
    priceKey,
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
function leftOf(amount: Decimal, billed: readonly BilledLine[]): Decimal {
  return amount.minus(Decimal.sum(billed.map((line) => line.amount)));
}

function sharesLeft({ shares, billed }: DraftLine): DiscountShare[] {
  const taken = billed.flatMap((line) => line.discounts).map((share) => ({ ...share, amount: share.amount.negated() }));
  const left = new Map<string, DiscountShare>();
  for (const share of [...shares, ...taken]) {
    const known = left.get(share.key);
    left.set(share.key, known === undefined ? share : { ...known, amount: known.amount.plus(share.amount) });
  }
  return [...left.values()].filter(({ amount }) => !amount.isZero());
}
