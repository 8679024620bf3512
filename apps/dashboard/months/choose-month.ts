import { isZero } from '../amounts/exact.ts';
import { isMonth, monthsDown, spanOf, monthsAfter } from './month.ts';
import type { Month, Span } from './month.ts';
import type { MonthsAnswer } from './months-query.ts';

/** How far back the dashboard looks for a month with data. */
const MONTHS_BACK = 24;

export const searchedSpan = (now: Month): Span => spanOf(monthsAfter(now, -MONTHS_BACK), now);

export interface MonthChoice {
  /** The latest months with usage, two at most: the events of the first may all be of the month before in UTC (see `latestMonth`). */
  readonly used: readonly Month[];
  /** The latest month with revenue; where there is none, this one. */
  readonly latest: Month;
  /** Latest first: from this month back to the first with data. */
  readonly offered: readonly Month[];
}

export function readMonths({ marginReport }: MonthsAnswer, now: Month): MonthChoice {
  const rows = marginReport.rows
    .map(({ key, events, revenue }) => ({ month: key[0] ?? '', events, revenue }))
    .filter(({ month }) => isMonth(month) && month <= now)
    .sort((a, b) => (a.month < b.month ? 1 : -1));
  const filled = rows.filter(({ events, revenue }) => !isZero(events) || !isZero(revenue)).map(({ month }) => month);
  const used = rows.filter(({ events }) => !isZero(events)).map(({ month }) => month);
  return { used: used.slice(0, 2), latest: filled[0] ?? now, offered: monthsDown(now, filled.at(-1) ?? now) };
}

/**
 * The month that is shown first. Fees run on in a month that has no usage, so one with usage is preferred: its margin says something. Months are counted where
 * the customer is, and reports are asked for by UTC: `events`, those of the first used month in UTC, tell whether only its first hours elsewhere were meant.
 */
export function latestMonth({ used, latest }: MonthChoice, events: string): Month {
  const [first, second] = used;
  return (isZero(events) ? second : first) ?? first ?? latest;
}
