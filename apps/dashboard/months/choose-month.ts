import { monthOf, monthsDown } from './month.ts';
import type { Month } from './month.ts';
import type { MonthsAnswer } from './months-query.ts';

export interface MonthChoice {
  /** The latest month with usage, which is shown first; this month where there is none. */
  readonly latest: Month;
  /** Latest first: from this month back to the first with usage. */
  readonly offered: readonly Month[];
}

export function readMonths({ usageSpan }: MonthsAnswer, now: Month): MonthChoice {
  if (usageSpan === null) return { latest: now, offered: [now] };
  // The span is half-open: its last instant lies in the month before an end on the first.
  const last = monthOf(new Date(Date.parse(usageSpan.to) - 1));
  return { latest: last < now ? last : now, offered: monthsDown(now, monthOf(new Date(usageSpan.from))) };
}
