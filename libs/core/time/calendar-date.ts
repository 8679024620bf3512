import { MICROS_PER_DAY, daysInMonth, positiveModulo } from './instant.ts';
import type { WallTime } from './time-zone.ts';

/** A date of the proleptic Gregorian calendar; month 1 to 12. */
export interface CalendarDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Midnight of the wall time's day, still as wall time. */
export function midnightOf(wall: WallTime): WallTime {
  return wall - positiveModulo(wall, MICROS_PER_DAY);
}

export function dateOf(wall: WallTime): CalendarDate {
  const date = new Date(midnightOf(wall) / 1_000);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

export function wallTimeOfDate({ year, month, day }: CalendarDate): WallTime {
  return Date.UTC(year, month - 1, day) * 1_000;
}

/** The same day and time of day `months` later, clamped to the month's end: Jan 31 + 1 is Feb 28 or 29 (SEMANTICS 2.2). */
export function addMonths(wall: WallTime, months: number): WallTime {
  const date = dateOf(wall);
  const target = date.year * 12 + date.month - 1 + months;
  const year = Math.floor(target / 12);
  const month = positiveModulo(target, 12) + 1;
  const day = Math.min(date.day, daysInMonth(year, month));
  return wallTimeOfDate({ year, month, day }) + positiveModulo(wall, MICROS_PER_DAY);
}

/** Monday of the wall time's week, at midnight. 1970-01-01 was a Thursday, the third day after a Monday. */
export function mondayOf(wall: WallTime): WallTime {
  const midnight = midnightOf(wall);
  return midnight - positiveModulo(midnight / MICROS_PER_DAY + 3, 7) * MICROS_PER_DAY;
}

export function formatDate(wall: WallTime): string {
  return new Date(midnightOf(wall) / 1_000).toISOString().slice(0, 10);
}
