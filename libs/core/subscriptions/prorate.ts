import { Decimal } from '../money/index.ts';
import type { Instant, Period } from '../time/index.ts';

/**
 * Splits what was billed for a period at an instant, by real time: `unused` is rounded to the increment, `used` is the rest, so they add up to the
 * amount (SEMANTICS 1.4, 6.1). Outside of the period everything is on one side.
 */
export function prorate(amountBilled: Decimal, period: Period, at: Instant, increment: Decimal): { used: Decimal; unused: Decimal } {
  const from = Math.min(Math.max(at, period.start), period.end);
  const left = Decimal.of(period.end - from);
  const length = Decimal.of(period.end - period.start);
  if (length.isZero()) return { used: amountBilled, unused: Decimal.ZERO };
  const unused = roundedShare(amountBilled, left, length, increment);
  return { used: amountBilled.minus(unused), unused };
}

/** `amount x part / whole`, rounded once to a multiple of the increment: never by way of an already rounded quotient. */
export function roundedShare(amount: Decimal, part: Decimal, whole: Decimal, increment: Decimal): Decimal {
  return amount.times(part).dividedBy(whole.times(increment), 0).times(increment);
}
