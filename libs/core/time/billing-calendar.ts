import { addMonths, dateOf, midnightOf, mondayOf, wallTimeOfDate } from './calendar-date.ts';
import { MICROS_PER_DAY } from './instant.ts';
import type { Instant } from './instant.ts';
import type { Period } from './period.ts';
import { instantOfWallTime, wallTimeOf } from './time-zone.ts';
import type { WallTime } from './time-zone.ts';

export type BillingInterval = 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';
export type BillingAlignment = 'ANNIVERSARY' | 'CALENDAR';

export interface Interval {
  readonly interval: BillingInterval;
  readonly count: number;
}

/** How a subscription's time is cut into periods (SEMANTICS 2.1, 2.2). */
export interface BillingCalendar {
  readonly interval: BillingInterval;
  /** A whole number of at least 1. */
  readonly intervalCount: number;
  readonly alignment: BillingAlignment;
  readonly timeZone: string;
  /** Where period 0 starts. Month ends clamp from this day and no other. */
  readonly anchor: Instant;
}

/**
 * Period `n`. Period 0 starts at the anchor, earlier ones have negative numbers, and each ends where the next one starts.
 * ANNIVERSARY: at the anchor's wall-clock time, `n` intervals on. CALENDAR: at the zone's midnights that start a day, a week (Monday), a month, a
 * quarter (January, April, July, October) or a year; the anchor cuts one of them, so period 0 may be short. Several intervals are counted from the
 * calendar unit that the anchor lies in.
 */
export function periodOfIndex(calendar: BillingCalendar, index: number): Period {
  return { start: boundary(calendar, index), end: boundary(calendar, index + 1) };
}

/** The number of the period that the instant lies in. */
export function periodIndexAt(calendar: BillingCalendar, at: Instant): number {
  let index = estimatedIndex(calendar, at);
  if (boundary(calendar, index) > at) {
    do index -= 1;
    while (boundary(calendar, index) > at);
    return index;
  }
  while (boundary(calendar, index + 1) <= at) index += 1;
  return index;
}

export function periodContaining(calendar: BillingCalendar, at: Instant): Period {
  return periodOfIndex(calendar, periodIndexAt(calendar, at));
}

/** `count` intervals after `at` on the zone's wall clock, month ends clamped; a negative count goes back. */
export function addIntervals(at: Instant, { interval, count }: Interval, timeZone: string): Instant {
  if (count === 0) return at;
  return instantOfWallTime(addToWallTime(wallTimeOf(at, timeZone), interval, count), timeZone);
}

/**
 * The boundaries of the calendar that was asked for last: a bill asks for the same few again and again, and so do bills of subscriptions that are aligned
 * with each other.
 */
let last: { readonly calendar: BillingCalendar; readonly boundaries: Map<number, Instant> } | null = null;
/** Boundaries that are kept: ten years of days. */
const KEPT_BOUNDARIES = 3_660;

function boundary(calendar: BillingCalendar, index: number): Instant {
  if (last === null || !isSameCalendar(last.calendar, calendar) || last.boundaries.size > KEPT_BOUNDARIES) {
    last = { calendar, boundaries: new Map() };
  }
  const { boundaries } = last;
  let at = boundaries.get(index);
  if (at === undefined) boundaries.set(index, (at = boundaryOf(calendar, index)));
  return at;
}

function isSameCalendar(a: BillingCalendar, b: BillingCalendar): boolean {
  return (
    a.anchor === b.anchor &&
    a.interval === b.interval &&
    a.intervalCount === b.intervalCount &&
    a.alignment === b.alignment &&
    a.timeZone === b.timeZone
  );
}

function boundaryOf(calendar: BillingCalendar, index: number): Instant {
  const { interval, intervalCount, alignment, timeZone, anchor } = calendar;
  if (index === 0) return anchor;
  const anchorWall = wallTimeOf(anchor, timeZone);
  if (alignment === 'ANNIVERSARY') return instantOfWallTime(addToWallTime(anchorWall, interval, index * intervalCount), timeZone);
  const unitStart = unitStartOf(anchorWall, interval);
  const isCut = instantOfWallTime(unitStart, timeZone) < anchor;
  const steps = index < 0 && isCut ? index + 1 : index;
  return instantOfWallTime(addToWallTime(unitStart, interval, steps * intervalCount), timeZone);
}

function estimatedIndex({ interval, intervalCount, timeZone, anchor }: BillingCalendar, at: Instant): number {
  const from = wallTimeOf(anchor, timeZone);
  const to = wallTimeOf(at, timeZone);
  const months = monthsOf(interval);
  const units = months === 0 ? (to - from) / (daysOf(interval) * MICROS_PER_DAY) : (monthNumber(to) - monthNumber(from)) / months;
  return Math.floor(units / intervalCount);
}

function addToWallTime(wall: WallTime, interval: BillingInterval, count: number): WallTime {
  const months = monthsOf(interval);
  return months === 0 ? wall + count * daysOf(interval) * MICROS_PER_DAY : addMonths(wall, count * months);
}

function unitStartOf(wall: WallTime, interval: BillingInterval): WallTime {
  if (interval === 'DAY') return midnightOf(wall);
  if (interval === 'WEEK') return mondayOf(wall);
  const { year, month } = dateOf(wall);
  const months = monthsOf(interval);
  return wallTimeOfDate({ year, month: month - ((month - 1) % months), day: 1 });
}

/** Months of an interval; 0 for those that are counted in days. */
function monthsOf(interval: BillingInterval): number {
  switch (interval) {
    case 'DAY':
    case 'WEEK':
      return 0;
    case 'MONTH':
      return 1;
    case 'QUARTER':
      return 3;
    case 'YEAR':
      return 12;
    default:
      return interval satisfies never;
  }
}

function daysOf(interval: BillingInterval): number {
  return interval === 'WEEK' ? 7 : 1;
}

function monthNumber(wall: WallTime): number {
  const { year, month } = dateOf(wall);
  return year * 12 + month;
}
