import { Decimal } from '../money/index.ts';
import type { Instant, Period } from '../time/index.ts';

/**
 * What of an amount billed for a period is unused at an instant, by real time, rounded to the increment; the rest of it was used, so that the two add up to the amount
 * (SEMANTICS 1.4, 6.1). All of it before the period, nothing after it.
 */
export function unusedShare(amountBilled: Decimal, period: Period, at: Instant, increment: Decimal): Decimal {
  const from = Math.min(Math.max(at, period.start), period.end);
  if (period.start === period.end) return Decimal.ZERO;
  return roundedShare(amountBilled, Decimal.of(period.end - from), Decimal.of(period.end - period.start), increment);
}

/** `amount x part / whole`, rounded once to a multiple of the increment: never by way of an already rounded quotient. */
export function roundedShare(amount: Decimal, part: Decimal, whole: Decimal, increment: Decimal): Decimal {
  return amount.times(part).dividedBy(whole.times(increment), 0).times(increment);
}
