import { Fraction } from './fraction.ts';

/** Splits in proportion to weights, in steps; the steps that are left go to the largest remainders, earlier ones first (SEMANTICS 1.4). */
export function split(total: Fraction, weights: readonly Fraction[], step: Fraction): Fraction[] {
  const whole = Fraction.sum(weights);
  if (whole.isZero) return weights.map((_, index) => (index === 0 ? total : Fraction.ZERO));
  const exact = weights.map((weight) => total.times(weight).over(whole).over(step));
  const floors = exact.map((steps) => steps.floor());
  const remainders = exact.map((steps, index) => steps.minus(Fraction.of(floors[index] ?? 0n)));
  const left = Number(
    total
      .over(step)
      .minus(Fraction.of(floors.reduce((sum, steps) => sum + steps, 0n)))
      .floor(),
  );
  const order = remainders.map((remainder, index) => ({ remainder, index }));
  order.sort((a, b) => b.remainder.compare(a.remainder) || a.index - b.index);
  const given = new Set(order.slice(0, left).map(({ index }) => index));
  return floors.map((steps, index) => step.times(Fraction.of(steps + (given.has(index) ? 1n : 0n))));
}
