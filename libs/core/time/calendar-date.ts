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

/**
 * By arithmetic, since billing asks for it more than for anything else: days are counted in years that begin in March, so that a leap day is the last of
 * its year, from March 1 of year 0, and in eras of 400 years, which all have as many days.
 */
export function dateOf(wall: WallTime): CalendarDate {
  const days = Math.floor(wall / MICROS_PER_DAY) + DAYS_FROM_YEAR_ZERO;
  const era = Math.floor(days / DAYS_OF_ERA);
  const dayOfEra = days - era * DAYS_OF_ERA;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** From 0000-03-01 to 1970-01-01. */
const DAYS_FROM_YEAR_ZERO = 719_468;
const DAYS_OF_ERA = 146_097;

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
