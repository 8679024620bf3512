import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';

/** One unit of `from` is worth `rate` units of `to`, from `validFrom` until the next rate of the pair. */
export interface ExchangeRate {
  readonly from: string;
  readonly to: string;
  readonly rate: Decimal;
  readonly validFrom: Instant;
}

/** Decimals of an amount that a rate stored the other way round converts: a quotient need not end. */
const INVERSE_DECIMALS = 18;

/** The amount in another currency at the rate valid at `at`; null when no rate of the pair is known then (SEMANTICS 10.5). */
export function convertAmount(amount: Decimal, from: string, to: string, at: Instant, rates: readonly ExchangeRate[]): Decimal | null {
  if (from === to || amount.isZero()) return amount;
  const direct = rateAt(from, to, at, rates);
  if (direct !== null) return amount.times(direct.rate);
  const inverse = rateAt(to, from, at, rates);
  return inverse === null || inverse.rate.isZero() ? null : amount.dividedBy(inverse.rate, INVERSE_DECIMALS);
}

function rateAt(from: string, to: string, at: Instant, rates: readonly ExchangeRate[]): ExchangeRate | null {
  let latest: ExchangeRate | null = null;
  for (const rate of rates) {
    if (rate.from !== from || rate.to !== to || rate.validFrom > at) continue;
    if (latest === null || rate.validFrom > latest.validFrom) latest = rate;
  }
  return latest;
}
