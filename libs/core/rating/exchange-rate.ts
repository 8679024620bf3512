import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';

/** One unit of `from` is worth `rate` units of `to`, from `validFrom` until the next rate of the pair. */
export interface ExchangeRate {
  readonly from: string;
  readonly to: string;
  readonly rate: Decimal;
  readonly validFrom: Instant;
}

/**
 * The amount in another currency at the rate valid at `at`, exact; null when no rate of the pair is known then (SEMANTICS 10.5). Only the direction
 * that was stored is known: the inverse of a rounded rate is not what a bank gives the other way, so it is never made up.
 */
export function convertAmount(amount: Decimal, from: string, to: string, at: Instant, rates: readonly ExchangeRate[]): Decimal | null {
  if (from === to || amount.isZero()) return amount;
  const known = rateAt(from, to, at, rates);
  return known === null ? null : amount.times(known.rate);
}

function rateAt(from: string, to: string, at: Instant, rates: readonly ExchangeRate[]): ExchangeRate | null {
  let latest: ExchangeRate | null = null;
  for (const rate of rates) {
    if (rate.from !== from || rate.to !== to || rate.validFrom > at) continue;
    if (latest === null || rate.validFrom > latest.validFrom) latest = rate;
  }
  return latest;
}
