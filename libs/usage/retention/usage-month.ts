import { formatInstant, parseInstant, type Instant } from '@tare/core';

/** Months of event time, in UTC: what `usage_event` is partitioned by. */

/** "2026-03" */
export const nameOfMonth = (start: Instant): string => formatInstant(start).slice(0, 7);

/** Start of the month that the instant lies in. */
export const monthOf = (at: Instant): Instant => parseInstant(`${nameOfMonth(at)}-01T00:00:00Z`);

/** Start of the next month. */
export function monthAfter(start: Instant): Instant {
  const [year = 0, month = 0] = nameOfMonth(start).split('-').map(Number);
  return parseInstant(`${month === 12 ? year + 1 : year}-${String(month === 12 ? 1 : month + 1).padStart(2, '0')}-01T00:00:00Z`);
}
