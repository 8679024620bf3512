import { Decimal } from '../money/index.ts';
import { carriedOf, isSameRecord, latestRecords, withTaken } from './allowance-record.ts';
import type { AllowanceRecord } from './allowance-record.ts';
import type { AssembledInvoice, AssembledLine } from './assembled-invoice.ts';
import { assembledLine, leftOf } from './assembled-line.ts';
import { cancelOut } from './cancelling-lines.ts';
import { checkInvoice } from './check-invoice.ts';
import { deltaLines } from './delta-lines.ts';
import type { DeltaLines } from './delta-lines.ts';
import { discountUses } from './discount-lines.ts';
import type { DraftLine } from './draft-line.ts';
import { grantsOf } from './granted-credits.ts';
import type { Discount, InvoiceFacts, LateInvoice } from './invoice-facts.ts';
import { taxesOn } from './invoice-tax.ts';
import type { CreditsTaxed } from './invoice-tax.ts';
import { scopeLines } from './scope-lines.ts';

/**
 * The one way from facts to an invoice: drafts, previews, recomputation and simulation call it and have nothing else to compute (SEMANTICS 8, 11.1).
 * Order: lines -> line discounts -> true-up -> invoice discounts -> prepaid money -> tax -> total (8.1); corrections of closed periods stand beside,
 * exempt from discounts and commitments of this one (8.3).
 * @throws CodedError INVARIANT_BROKEN | CURRENCY_MISMATCH | UNKNOWN_METER | UNKNOWN_CURRENCY
 */
export function assembleInvoice(facts: InvoiceFacts): AssembledInvoice {
  const late = corrections(facts.late);
  const corrected = late.flatMap((delta) => delta.lines);
  const before = withTaken(
    facts.allowances ?? [],
    late.flatMap((delta) => delta.taken),
  );
  const discounts = withLateUses(facts.discounts, late);
  const isAsGiven = before.length === 0 && discounts === facts.discounts;
  const scope = scopeLines(isAsGiven ? facts : { ...facts, discounts, carried: carriedOf(before) }, corrected);
  const own = scope.lines.filter(isShown).map(assembledLine);
  const lines = corrected.length === 0 ? own : [...own, ...corrected];
  const totals = invoiceTotals(lines, facts);
  return checkInvoice({
    currency: facts.currency,
    lines,
    subtotal: totals.subtotal,
    discounts: totals.discounts,
    creditsApplied: totals.creditsApplied,
    taxBase: totals.taxBase,
    taxes: totals.taxes,
    creditsTaxed: totals.creditsTaxed,
    untaxedBurns: totals.untaxedBurns,
    tax: totals.tax,
    total: totals.total,
    balanceApplied: totals.balanceApplied,
    balanceCarried: totals.balanceCarried,
    grants: grantsOf(scope.lines, facts.currency),
    discountUses: [...discountUses(scope.lines, facts.discounts), ...late.flatMap((delta) => delta.discountUses)],
    allowances: changedAllowances(facts, before, late, scope.allowances),
    awaitingCost: [...scope.awaitingCost, ...late.flatMap((delta) => delta.awaitingCost)],
    leakage: scope.leakage,
  });
}

/** Corrections in order of time: a commitment over several periods counts those before the one that ends it. */
function corrections(late: readonly LateInvoice[]): DeltaLines[] {
  const deltas: DeltaLines[] = [];
  for (const invoice of late) {
    const corrected = deltas.flatMap((delta) => delta.lines);
    const discounts = withLateUses(invoice.facts.discounts, deltas);
    deltas.push(deltaLines({ ...invoice, facts: { ...invoice.facts, discounts } }, corrected));
  }
  return deltas;
}

/** What corrections on the same invoice took of an amount whose rest is carried on is gone for what comes after. */
function withLateUses(discounts: readonly Discount[], late: readonly DeltaLines[]): readonly Discount[] {
  const uses = late.flatMap((delta) => delta.discountUses);
  if (uses.length === 0) return discounts;
  return discounts.map((discount) =>
    discount.givenAt == null ? discount : { ...discount, used: [...discount.used, ...uses.filter(({ key }) => key === discount.key)] },
  );
}

/**
 * What is to be recorded: parts closed now, parts rated again, and the last part before, where corrections took of what it carries on. Of that part, when it
 * is itself rated again, what is left is new and what it carries on is what all corrections leave of it.
 */
function changedAllowances(
  { allowances = [] }: InvoiceFacts,
  before: readonly AllowanceRecord[],
  late: readonly DeltaLines[],
  closed: readonly AllowanceRecord[],
): AllowanceRecord[] {
  if (before.length === 0 && late.length === 0 && closed.length === 0) return [];
  const rated = late.flatMap((delta) => delta.allowances);
  const changed = before.filter((record) => !allowances.includes(record));
  const both = changed.map((record) => {
    const again = rated.find((other) => isSameRecord(other, record));
    return again === undefined ? record : { ...again, carried: record.carried };
  });
  return latestRecords([...rated, ...both, ...closed]);
}

type Totals = Pick<
  AssembledInvoice,
  | 'subtotal'
  | 'discounts'
  | 'creditsApplied'
  | 'taxBase'
  | 'taxes'
  | 'creditsTaxed'
  | 'untaxedBurns'
  | 'tax'
  | 'total'
  | 'balanceApplied'
  | 'balanceCarried'
>;

/**
 * What lines come to. The tax base is what is left after discounts and before prepaid money; what would be below zero is kept for the next invoice
 * (SEMANTICS 8.1, 8.6).
 */
export function invoiceTotals(
  lines: readonly AssembledLine[],
  {
    currency,
    tax,
    untaxedBurns,
    prepaidAmount,
    customerBalance,
  }: Pick<InvoiceFacts, 'currency' | 'tax' | 'untaxedBurns' | 'prepaidAmount' | 'customerBalance'>,
): Totals {
  const subtotal = Decimal.sumOf(lines, (line) => line.amount);
  const discounts = Decimal.sumOf(lines, (line) => line.discount);
  const net = subtotal.minus(discounts);
  const taxBase = taxBaseOf(net, lines, tax.creditsTaxed, untaxedBurns);
  const creditsApplied = Decimal.max(Decimal.ZERO, Decimal.min(prepaidAmount, net));
  const taxes = taxesOn(taxBase, tax, currency);
  const taxTotal = Decimal.sumOf(taxes, ({ amount }) => amount);
  const due = net.minus(creditsApplied).plus(taxTotal);
  const balanceApplied = Decimal.max(Decimal.ZERO, Decimal.min(customerBalance, due));
  const balanceCarried = Decimal.max(Decimal.ZERO, due.negated());
  const total = due.minus(balanceApplied).plus(balanceCarried);
  const { creditsTaxed } = tax;
  return {
    subtotal,
    discounts,
    creditsApplied,
    taxBase,
    taxes,
    creditsTaxed,
    untaxedBurns,
    tax: taxTotal,
    total,
    balanceApplied,
    balanceCarried,
  };
}

/**
 * Whether an invoice has nothing to say: without lines, or with a change on it that left every fee as it was and nothing else (`handedOverFees`), and
 * without a tax on credits that were burnt.
 */
export function isEmptyInvoice({ lines, tax }: Pick<AssembledInvoice, 'lines' | 'tax'>): boolean {
  return tax.isZero() && (lines.length === 0 || cancelOut(lines));
}

/** Credits are taxed when they are bought or when they are burnt: never in both, never in neither (SEMANTICS 8.6). */
export function taxBaseOf(
  net: Decimal,
  lines: readonly Pick<AssembledLine, 'amount' | 'discount' | 'credits'>[],
  creditsTaxed: CreditsTaxed,
  untaxedBurns: Decimal,
): Decimal {
  if (creditsTaxed === 'AT_PURCHASE') return net.plus(untaxedBurns);
  const sold = lines.filter(({ credits }) => !credits.isZero()).map(({ amount, discount }) => amount.minus(discount));
  return net.minus(Decimal.sum(sold)).plus(untaxedBurns);
}

/** Nothing used and nothing charged is no line. */
function isShown(line: DraftLine): boolean {
  return !line.quantity.isZero() || !line.amount.isZero() || !leftOf(line.amount, line.billed).isZero();
}
