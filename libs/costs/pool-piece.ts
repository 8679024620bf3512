import { poolRateAt, type CapacityPoolRate } from '@tare/catalog';
import { cumulativeShare, Decimal, MICROS_PER_HOUR, positiveModulo, type Instant } from '@tare/core';

/** A piece of one hour at one rate. */
export interface PoolPiece {
  readonly start: Instant;
  readonly end: Instant;
  readonly rate: CapacityPoolRate;
  /** What it costs, used or not. */
  readonly charge: Decimal;
}

export const hourStart = (at: Instant): Instant => at - positiveModulo(at, MICROS_PER_HOUR);

/** Cuts [from, to) at full hours (UTC) and where the pool's rate changes; time before its first rate costs nothing and is left out. `rates` newest first. */
export function poolPieces(rates: readonly CapacityPoolRate[], from: Instant, to: Instant): PoolPiece[] {
  const first = Math.max(from, rates.at(-1)?.validFrom ?? to);
  if (first >= to) return [];
  const cuts = new Set([first, ...rates.map(({ validFrom }) => validFrom).filter((at) => at > first && at < to)]);
  for (let hour = hourStart(first) + MICROS_PER_HOUR; hour < to; hour += MICROS_PER_HOUR) cuts.add(hour);
  const starts = [...cuts].sort((a, b) => a - b);
  return starts.flatMap((start, i) => pieceOf(rates, start, starts[i + 1] ?? to));
}

function pieceOf(rates: readonly CapacityPoolRate[], start: Instant, end: Instant): PoolPiece[] {
  const rate = poolRateAt(rates, start);
  return rate === null ? [] : [{ start, end, rate, charge: chargeOf(rate, start, end) }];
}

/** As the difference of what has accumulated since the hour's start, so that pieces add up to the hour (SEMANTICS 1.6). */
function chargeOf(rate: CapacityPoolRate, start: Instant, end: Instant): Decimal {
  const hour = rate.hourlyCost.times(Decimal.of(rate.gpus));
  const accumulated = (at: Instant): Decimal => cumulativeShare(hour, BigInt(at - hourStart(start)), BigInt(MICROS_PER_HOUR));
  return accumulated(end).minus(start === hourStart(start) ? Decimal.ZERO : accumulated(start));
}
