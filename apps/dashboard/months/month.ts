/** A calendar month in UTC, "2026-10". */
export type Month = string;

/** What a screen of one month is given. */
export interface MonthProps {
  readonly month: Month;
  readonly now: Date;
  /** Months to choose from, latest first. */
  readonly offered: readonly Month[];
}

export interface Span {
  readonly from: string;
  readonly to: string;
}

const NAME = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });

export const isMonth = (text: string | null): text is Month => text !== null && /^\d{4}-(0[1-9]|1[0-2])$/.test(text);
export const monthOf = (date: Date): Month => date.toISOString().slice(0, 7);
export const monthName = (month: Month): string => NAME.format(new Date(startOf(month)));

export function monthsAfter(month: Month, count: number): Month {
  const [year = 1970, number = 1] = month.split('-').map(Number);
  return monthOf(new Date(Date.UTC(year, number - 1 + count, 1)));
}

/** A month of the reports. The running one ends now: what its fees will earn later is not revenue yet. */
export function reportedSpan(month: Month, now: Date): Span {
  const { from, to } = spanOf(month);
  return month === monthOf(now) ? { from, to: now.toISOString() } : { from, to };
}

const startOf = (month: Month): string => `${month}-01T00:00:00Z`;

/** [first instant of `first`, first instant after `last`). */
export function spanOf(first: Month, last: Month = first): Span {
  return { from: startOf(first), to: startOf(monthsAfter(last, 1)) };
}

/** From the last to the first, both included. */
export function monthsDown(last: Month, first: Month): Month[] {
  const months: Month[] = [];
  for (let month = last; month >= first; month = monthsAfter(month, -1)) months.push(month);
  return months;
}
