import { Decimal } from '../money/index.ts';
import { dayStart, dayStarts, MICROS_PER_DAY } from '../time/index.ts';
import type { Instant, Period } from '../time/index.ts';

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

/**
 * Where amounts of other currencies begin to convert into `to` at other rates inside of a span: the local days that begin with a new rate (SEMANTICS 10.5).
 * A sum of usage that is converted reaches across none of them.
 */
export function rateChanges(to: string, rates: readonly ExchangeRate[], zone: string, { start, end }: Period): Instant[] {
  const inSpan = rates.filter((rate) => rate.to === to && rate.validFrom > dayStart(start, zone) && rate.validFrom < end);
  const days = inSpan.map(({ validFrom }) => firstDayFrom(validFrom, zone));
  return [...new Set(days)].filter((day) => start < day && day < end).sort((a, b) => a - b);
}

/** A rate that begins inside of a day is the next day's. */
function firstDayFrom(at: Instant, zone: string): Instant {
  const begun = dayStart(at, zone);
  return begun === at ? at : (dayStarts({ start: at, end: at + TWO_DAYS }, zone)[1] ?? at);
}

const TWO_DAYS = 2 * MICROS_PER_DAY;

function rateAt(from: string, to: string, at: Instant, rates: readonly ExchangeRate[]): ExchangeRate | null {
  let latest: ExchangeRate | null = null;
  for (const rate of rates) {
    if (rate.from !== from || rate.to !== to || rate.validFrom > at) continue;
    if (latest === null || rate.validFrom > latest.validFrom) latest = rate;
  }
  return latest;
}
