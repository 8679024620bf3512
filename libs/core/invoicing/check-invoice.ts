import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import type { AssembledInvoice, AssembledLine } from './assembled-invoice.ts';

/** Decimals to which a rounding is checked: prorated exact amounts are cut at 12 decimals. */
const TWICE_TOLERANCE = Decimal.parse('0.000000000002');
const TWO = Decimal.of(2);

/**
 * What must hold of every invoice, before it is saved and after it is loaded: lines add up to totals, walks to lines, discounts to lines, and no total is
 * below zero. @throws CodedError INVARIANT_BROKEN
 */
export function checkInvoice(invoice: AssembledInvoice): AssembledInvoice {
  for (const line of invoice.lines) checkLine(line);
  hold(areDifferent(invoice.lines), 'Two lines bill the same thing.');
  const { subtotal, discounts, taxes, tax, creditsApplied, balanceApplied, balanceCarried, total } = invoice;
  same(subtotal, sumOf(invoice.lines, 'amount'), 'The subtotal is not the sum of the lines.');
  same(discounts, sumOf(invoice.lines, 'discount'), 'The discounts are not the sum of those of the lines.');
  same(
    tax,
    Decimal.sumOf(taxes, ({ amount }) => amount),
    'The tax is not the sum of the taxes.',
  );
  const net = subtotal.minus(discounts);
  same(total, net.minus(creditsApplied).plus(tax).minus(balanceApplied).plus(balanceCarried), 'The total does not add up.');
  const isNegative = total.isNegative() || creditsApplied.isNegative() || balanceApplied.isNegative() || balanceCarried.isNegative();
  hold(!isNegative, 'A total, a balance or prepaid money is below zero.');
  hold(balanceApplied.isZero() || balanceCarried.isZero(), 'The balance is used and added to at once.');
  return invoice;
}

/** Every line of every bill is checked: a message is only written where it is thrown. */
function checkLine(line: AssembledLine): void {
  const { rounding, scopeKey, exactAmount } = line;
  const { rounded, increment } = rounding;
  const walked = Decimal.sumOf(line.walk, (step) => step.amount);
  if (!exactAmount.equals(walked)) throw broken(`The walk of ${scopeKey} does not add up to its amount`, exactAmount, walked);
  const charged = rounded.minus(rounding.alreadyBilled);
  if (!line.amount.equals(charged)) throw broken(`The rounding step of ${scopeKey} does not lead to its amount`, line.amount, charged);
  const discount = Decimal.sumOf(line.discounts, (share) => share.amount);
  if (!line.discount.equals(discount)) throw broken(`The discounts of ${scopeKey} do not add up`, line.discount, discount);
  if (!rounded.roundedToIncrement(increment).equals(rounded)) throw broken(`${scopeKey} is not rounded`, rounded, increment);
  if (line.kind === 'DELTA') return;
  const twiceDistance = rounded.minus(exactAmount).abs().times(TWO);
  const isRoundedOnce = twiceDistance.compare(increment) <= 0 || twiceDistance.compare(increment.plus(TWICE_TOLERANCE)) <= 0;
  if (!isRoundedOnce) throw broken(`${scopeKey} is rounded more than once`, rounded, exactAmount);
}

/** No two lines have kind, scope and corrected invoice in common. */
function areDifferent(lines: readonly AssembledLine[]): boolean {
  if (lines.length <= FEW_LINES && !lines.some((line, index) => hasAfter(lines, index, line.scopeKey))) return true;
  return new Set(lines.map(({ scopeKey, kind, adjusts }) => `${kind} ${adjusts ?? ''} ${scopeKey}`)).size === lines.length;
}

/** Lines up to which comparing each with each is less work than keeping a set. */
const FEW_LINES = 8;

function hasAfter(lines: readonly AssembledLine[], index: number, scopeKey: string): boolean {
  for (let other = index + 1; other < lines.length; other += 1) if (lines[other]?.scopeKey === scopeKey) return true;
  return false;
}

function sumOf(lines: readonly AssembledLine[], field: 'amount' | 'discount'): Decimal {
  return Decimal.sumOf(lines, (line) => line[field]);
}

function same(a: Decimal, b: Decimal, message: string): void {
  if (!a.equals(b)) throw broken(message, a, b);
}

function hold(condition: boolean, message: string): void {
  if (!condition) throw new CodedError('INVARIANT_BROKEN', message);
}

function broken(message: string, a: Decimal, b: Decimal): CodedError {
  return new CodedError('INVARIANT_BROKEN', `${message} (${a.toString()} and ${b.toString()})`);
}
