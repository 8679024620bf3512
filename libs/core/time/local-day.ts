import { formatDate, midnightOf } from './calendar-date.ts';
import { MICROS_PER_DAY } from './instant.ts';
import type { Instant } from './instant.ts';
import type { Period } from './period.ts';
import { instantOfWallTime, wallTimeOf } from './time-zone.ts';

/** The customer's day that an instant lies in: `YYYY-MM-DD` (SEMANTICS 2.1, 12). @throws CodedError UNKNOWN_TIME_ZONE */
export function localDay(at: Instant, zone: string): string {
  return formatDate(wallTimeOf(at, zone));
}

/** The first instant of the local day that `at` lies in. Where clocks skip midnight, the day starts after the gap. */
export function dayStart(at: Instant, zone: string): Instant {
  return instantOfWallTime(midnightOf(wallTimeOf(at, zone)), zone);
}

/** The period's start and every start of a local day strictly inside it; empty for an empty period. */
export function dayStarts(period: Period, zone: string): Instant[] {
  if (period.start >= period.end) return [];
  const starts = [period.start];
  let wall = midnightOf(wallTimeOf(period.start, zone)) + MICROS_PER_DAY;
  for (let start = instantOfWallTime(wall, zone); start < period.end; start = instantOfWallTime(wall, zone)) {
    if (start > (starts.at(-1) ?? -Infinity)) starts.push(start);
    wall += MICROS_PER_DAY;
  }
  return starts;
}
