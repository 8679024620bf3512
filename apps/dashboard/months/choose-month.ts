import { isZero } from '../amounts/exact.ts';
import { isMonth, monthsDown, spanOf, monthsAfter } from './month.ts';
import type { Month, Span } from './month.ts';
import type { MonthsAnswer } from './months-query.ts';

/** How far back the dashboard looks for a month with data. */
const MONTHS_BACK = 24;

export const searchedSpan = (now: Month): Span => spanOf(monthsAfter(now, -MONTHS_BACK), now);

export interface MonthChoice {
  /** The latest month with usage; where there is none, with revenue; where there is none either, this one. */
  readonly latest: Month;
  /** Latest first: from this month back to the first with data. */
  readonly offered: readonly Month[];
  readonly hasData: boolean;
}

/** Fees run on in a month that has no usage yet, so a month with usage is preferred: it is the one whose margin says something. */
export function chooseMonth({ marginReport }: MonthsAnswer, now: Month): MonthChoice {
  const rows = marginReport.rows
    .map(({ key, events, revenue }) => ({ month: key[0] ?? '', events, revenue }))
    .filter(({ month }) => isMonth(month) && month <= now)
    .sort((a, b) => (a.month < b.month ? 1 : -1));
  const used = rows.filter(({ events }) => !isZero(events));
  const filled = rows.filter(({ events, revenue }) => !isZero(events) || !isZero(revenue));
  const latest = used[0] ?? filled[0];
  return { latest: latest?.month ?? now, offered: monthsDown(now, filled.at(-1)?.month ?? now), hasData: filled.length > 0 };
}
