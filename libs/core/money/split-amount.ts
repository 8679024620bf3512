import { CodedError } from '../coded-error.ts';
import { Decimal } from './decimal.ts';

/** Decimals at which a cumulative amount is taken (SEMANTICS 1.6). */
export const CUMULATIVE_DECIMALS = 12;

/**
 * Splits an amount in proportion to weights, in multiples of `increment`, so that the parts add up to it (SEMANTICS 1.4). What is left over goes
 * one increment each to the largest remainders, earlier parts first. All weights zero: everything goes to the first part. A rest of the total that
 * is finer than the increment goes with the first of them, so the sum holds for any total.
 * @throws CodedError INVALID_WEIGHT for a negative weight, or for no weights at all under a total that is not zero
 */
export function splitByLargestRemainder(total: Decimal, weights: readonly Decimal[], increment: Decimal): Decimal[] {
  requireWeights(total, weights);
  if (total.isNegative()) return splitByLargestRemainder(total.negated(), weights, increment).map((part) => part.negated());
  const scale = Math.max(0, ...weights.map((weight) => weight.decimals));
  const scaled = weights.map((weight) => weight.unitsAt(scale));
  const whole = scaled.reduce((sum, weight) => sum + weight, 0n);
  if (whole === 0n) return weights.map((_, index) => (index === 0 ? total : Decimal.ZERO));
  const steps = wholeSteps(total, increment);
  const shares = shareOut(steps, scaled, whole);
  const rest = total.minus(increment.times(Decimal.of(steps)));
  return shares.units.map((units, index) => {
    const part = increment.times(Decimal.of(units));
    return index === shares.first ? part.plus(rest) : part;
  });
}

function requireWeights(total: Decimal, weights: readonly Decimal[]): void {
  if (weights.some((weight) => weight.isNegative())) throw new CodedError('INVALID_WEIGHT', 'A share cannot have a negative weight.');
  if (weights.length === 0 && !total.isZero()) throw new CodedError('INVALID_WEIGHT', 'An amount cannot be split into no parts.');
}

function wholeSteps(total: Decimal, increment: Decimal): bigint {
  const scale = Math.max(total.decimals, increment.decimals);
  return total.unitsAt(scale) / increment.unitsAt(scale);
}

/** Whole steps per weight, and the weighted part that comes first in the order of remainders. */
function shareOut(steps: bigint, weights: readonly bigint[], whole: bigint): { units: bigint[]; first: number } {
  const units = weights.map((weight) => (steps * weight) / whole);
  const remainders = weights.map((weight, index) => steps * weight - (units[index] ?? 0n) * whole);
  const order = weights.map((_, index) => index).sort((a, b) => compareUnits(remainders[b] ?? 0n, remainders[a] ?? 0n) || a - b);
  const left = Number(steps - units.reduce((sum, share) => sum + share, 0n));
  for (const index of order.slice(0, left)) units[index] = (units[index] ?? 0n) + 1n;
  return { units, first: order.find((index) => (weights[index] ?? 0n) > 0n) ?? 0 };
}

function compareUnits(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * The amount that has accumulated at `part` of `whole`: `total x part / whole`, half away from zero at 12 decimals (SEMANTICS 1.6). What lies
 * between two points is the difference of two such amounts, so pieces add up to the total whatever they are cut into: at `part = whole` the total
 * itself is given back, unrounded.
 * @throws CodedError DIVISION_BY_ZERO
 */
export function cumulativeShare(total: Decimal, part: bigint | Decimal, whole: bigint | Decimal, decimals = CUMULATIVE_DECIMALS): Decimal {
  const partial = typeof part === 'bigint' ? Decimal.of(part) : part;
  const full = typeof whole === 'bigint' ? Decimal.of(whole) : whole;
  if (partial.equals(full) && !full.isZero()) return total;
  return total.times(partial).dividedBy(full, decimals);
}
