import { Fraction, least } from '../oracle/fraction.ts';

/** A rest of an allowance, in the unit of its meter; gone from `expiresAt` on, null: it lives until it is used. */
export interface Lot {
  readonly quantity: Fraction;
  readonly expiresAt: number | null;
}

export const lotsIn = (lots: readonly Lot[]): Fraction => Fraction.sum(lots.map(({ quantity }) => quantity));

/** The lots without so much of them, oldest first. */
export function withoutOldest(lots: readonly Lot[], quantity: Fraction): Lot[] {
  let open = quantity.isPositive ? quantity : Fraction.ZERO;
  return lots.flatMap((lot) => {
    const taken = least(lot.quantity, open);
    open = open.minus(taken);
    const rest = lot.quantity.minus(taken);
    return rest.isZero ? [] : [{ ...lot, quantity: rest }];
  });
}

/** What a closed part carries on: what was carried in is used before its own, nothing that is over by its end goes on, and above the most the oldest is lost. */
export function carriedOn(
  opening: readonly Lot[],
  part: {
    /** Null: it does not go on, since the next part has one of its own. */
    readonly own: Fraction | null;
    readonly used: Fraction;
    readonly expiresAt: number | null;
    readonly end: number;
    readonly most: Fraction | null;
  },
): Lot[] {
  const all = part.own === null || part.own.isZero ? opening : [...opening, { quantity: part.own, expiresAt: part.expiresAt }];
  const living = withoutOldest(all, part.used).filter(({ expiresAt }) => expiresAt === null || expiresAt > part.end);
  return part.most === null ? living : withoutOldest(living, lotsIn(living).minus(part.most));
}
