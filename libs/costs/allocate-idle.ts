import { Decimal, splitByLargestRemainder } from '@tare/core';

export interface Share {
  /** Null: borne by no customer. */
  readonly customerNo: number | null;
  readonly amount: Decimal;
}

/** GPU-seconds by customer. */
export type PoolUse = ReadonlyMap<number, Decimal>;

const INCREMENT = Decimal.fromUnits(1n, 12);

/**
 * Spreads the idle cost of a piece of an hour by the pool's policy; the shares add up to it (SEMANTICS 9.4). Users are those of the hour; an hour that
 * nobody used is borne by the users of its day (UTC), else of the span that is asked for, else by nobody. `uses` are in that order.
 */
export function allocateIdle(idle: Decimal, policy: 'NONE' | 'BY_USE' | 'EVENLY', uses: readonly PoolUse[]): Share[] {
  if (idle.isZero()) return [];
  const users = policy === 'NONE' ? undefined : uses.find((use) => use.size > 0);
  if (users === undefined) return [{ customerNo: null, amount: idle }];
  const customers = [...users].sort(([a], [b]) => a - b);
  const weights = customers.map(([, seconds]) => (policy === 'EVENLY' ? Decimal.ONE : seconds));
  const amounts = splitByLargestRemainder(idle, weights, INCREMENT);
  return customers.map(([customerNo], i) => ({ customerNo, amount: amounts[i] ?? Decimal.ZERO }));
}
