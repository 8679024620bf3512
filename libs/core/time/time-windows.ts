import { periodOfIndex } from './billing-calendar.ts';
import { MICROS_PER_HOUR, positiveModulo } from './instant.ts';
import type { Instant } from './instant.ts';
import type { Period } from './period.ts';
import { wallTimeOf } from './time-zone.ts';

/** Pieces that time is cut into for reading usage; NONE: the whole span. */
export const TIME_WINDOWS = ['HOUR', 'DAY', 'WEEK', 'MONTH', 'NONE'] as const;
export type TimeWindow = (typeof TIME_WINDOWS)[number];

/**
 * The period's start, every line of the zone's clock or calendar strictly inside it, and its end, ascending: windows are [cuts[i], cuts[i + 1]), the
 * first and the last may be cut short. Hours start on the zone's full hours, days at its midnight, weeks on Monday, months on the 1st (SEMANTICS 2.1).
 * Undefined where there are more than `most` windows. An empty period has no windows.
 */
export function windowCuts(period: Period, window: TimeWindow, zone: string, most: number): Instant[] | undefined {
  const cuts = [period.start];
  if (period.start >= period.end) return cuts;
  for (const line of linesAfter(period.start, window, zone)) {
    if (line >= period.end) break;
    if (cuts.length === most) return undefined;
    if (line > (cuts.at(-1) ?? line)) cuts.push(line);
  }
  cuts.push(period.end);
  return cuts;
}

function* linesAfter(start: Instant, window: TimeWindow, zone: string): Generator<Instant> {
  if (window === 'NONE') return;
  if (window === 'HOUR') {
    for (let line = nextFullHour(start, zone); ; line = nextFullHour(line, zone)) yield line;
  }
  const calendar = { interval: window, intervalCount: 1, alignment: 'CALENDAR', timeZone: zone, anchor: start } as const;
  for (let index = 1; ; index += 1) yield periodOfIndex(calendar, index).start;
}

/** Where clocks move by half an hour, the hour that they move in is half an hour longer or shorter: its end is the next full hour on the wall. */
function nextFullHour(at: Instant, zone: string): Instant {
  let line = at;
  do line += MICROS_PER_HOUR - positiveModulo(wallTimeOf(line, zone), MICROS_PER_HOUR);
  while (positiveModulo(wallTimeOf(line, zone), MICROS_PER_HOUR) !== 0);
  return line;
}
