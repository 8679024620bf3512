import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import type { AssembledInvoice, AssembledLine } from './assembled-invoice.ts';

/** Decimals to which a rounding is checked: prorated exact amounts are cut at 12 decimals. */
const TOLERANCE = Decimal.parse('0.000000000001');
const TWO = Decimal.of(2);

/**
 * What must hold of every invoice, before it is saved and after it is loaded: lines add up to totals, walks to lines, discounts to lines, and no total is
 * below zero. @throws CodedError INVARIANT_BROKEN
 */
export function checkInvoice(invoice: AssembledInvoice): AssembledInvoice {
  for (const line of invoice.lines) checkLine(line);
  const keys = invoice.lines.map(({ scopeKey, kind, adjusts }) => `${kind} ${adjusts ?? ''} ${scopeKey}`);
  hold(new Set(keys).size === keys.length, 'Two lines bill the same thing.');
  const { subtotal, discounts, taxes, tax, creditsApplied, balanceApplied, balanceCarried, total } = invoice;
  same(subtotal, sumOf(invoice.lines, 'amount'), 'The subtotal is not the sum of the lines.');
  same(discounts, sumOf(invoice.lines, 'discount'), 'The discounts are not the sum of those of the lines.');
  same(tax, Decimal.sum(taxes.map(({ amount }) => amount)), 'The tax is not the sum of the taxes.');
  const net = subtotal.minus(discounts);
  same(total, net.minus(creditsApplied).plus(tax).minus(balanceApplied).plus(balanceCarried), 'The total does not add up.');
  const parts = [total, creditsApplied, balanceApplied, balanceCarried];
  hold(!parts.some((amount) => amount.isNegative()), 'A total, a balance or prepaid money is below zero.');
  hold(balanceApplied.isZero() || balanceCarried.isZero(), 'The balance is used and added to at once.');
  return invoice;
}

function checkLine(line: AssembledLine): void {
  const { rounding, scopeKey } = line;
  same(line.exactAmount, Decimal.sum(line.walk.map((step) => step.amount)), `The walk of ${scopeKey} does not add up to its amount.`);
  same(line.amount, rounding.rounded.minus(rounding.alreadyBilled), `The rounding step of ${scopeKey} does not lead to its amount.`);
  same(line.discount, Decimal.sum(line.discounts.map((share) => share.amount)), `The discounts of ${scopeKey} do not add up.`);
  hold(line.rounding.rounded.roundedToIncrement(rounding.increment).equals(rounding.rounded), `${scopeKey} is not rounded.`);
  const distance = line.kind === 'DELTA' ? Decimal.ZERO : rounding.rounded.minus(line.exactAmount).abs();
  hold(distance.compare(rounding.increment.dividedBy(TWO, 12).plus(TOLERANCE)) <= 0, `${scopeKey} is rounded more than once.`);
}

function sumOf(lines: readonly AssembledLine[], field: 'amount' | 'discount'): Decimal {
  return Decimal.sum(lines.map((line) => line[field]));
}

function same(a: Decimal, b: Decimal, message: string): void {
  hold(a.equals(b), `${message} (${a.toString()} and ${b.toString()})`);
}

function hold(condition: boolean, message: string): void {
  if (!condition) throw new CodedError('INVARIANT_BROKEN', message);
}
