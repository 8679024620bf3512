import { Fraction, greatest, least } from '../oracle/fraction.ts';

/** What was taken of a discount for a billing period, by when that begins; below zero: what credit for unused time gave back. */
export interface DiscountUse {
  readonly key: string;
  readonly billing: number;
  readonly amount: Fraction;
}

/** Uses of others than the lines that are to be discounted: of amounts that are lost with their period, and of amounts whose rest is carried on. */
export interface OtherUses {
  readonly ofPeriod: readonly DiscountUse[];
  readonly carried: readonly DiscountUse[];
}

export const takenOf = (uses: readonly DiscountUse[], key: string): Fraction =>
  Fraction.sum(uses.filter((use) => use.key === key).map(({ amount }) => amount));

/** What is left for a billing period of an amount that each has for itself. */
export function leftInPeriod(whole: Fraction, key: string, billing: number, others: readonly DiscountUse[]): Fraction {
  const used = others.filter((use) => use.billing === billing);
  return greatest(Fraction.ZERO, whole.minus(takenOf(used, key)));
}

/**
 * What is left for a billing period of an amount that is given with each of `begun` and carried on: what was given by its beginning less what it and those before
 * it took. Nor may those after it have taken, by any time, more than had been given by then.
 */
export function leftByThen(
  { whole, begun }: { readonly whole: Fraction; readonly begun: readonly number[] },
  key: string,
  billing: number,
  others: readonly DiscountUse[],
): Fraction {
  const own = others.filter((use) => use.key === key);
  const ends = new Set([billing, ...own.map((use) => use.billing).filter((other) => other > billing)]);
  const left = [...ends].map((end) => {
    const given = whole.times(Fraction.of(begun.filter((at) => at <= end).length));
    return given.minus(
      takenOf(
        own.filter((use) => use.billing <= end),
        key,
      ),
    );
  });
  return greatest(Fraction.ZERO, left.reduce(least));
}
