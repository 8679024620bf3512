import { dayStart, wallTimeOf, type Instant, type Period } from '@tare/core';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The customer's day: "5 Jan 2026". */
export function writtenDay(at: Instant, zone: string): string {
  const date = new Date(Math.floor(wallTimeOf(at, zone) / 1_000));
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
}

/** "5 Jan 2026 10:17:33", without the seconds where they are 0. */
export function writtenTime(at: Instant, zone: string): string {
  const clock = new Date(Math.floor(wallTimeOf(at, zone) / 1_000)).toISOString().slice(11, 19);
  return `${writtenDay(at, zone)} ${clock.endsWith(':00') ? clock.slice(0, 5) : clock}`;
}

/**
 * A period as people write it: with its last day where it is made of whole days of the customer's, "1 Jan 2026 – 31 Jan 2026"; else with the time of day of both
 * ends, the second exclusive.
 */
export function writtenPeriod({ start, end }: Period, zone: string): string {
  if (start === end) return writtenTime(start, zone);
  const isWhole = dayStart(start, zone) === start && dayStart(end, zone) === end;
  if (!isWhole) return `${writtenTime(start, zone)} – ${writtenTime(end, zone)}`;
  const [first, last] = [writtenDay(start, zone), writtenDay(end - 1, zone)];
  return first === last ? first : `${first} – ${last}`;
}
