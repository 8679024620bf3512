import { Temporal } from 'temporal-polyfill';
import { CodedError } from '../coded-error.ts';
import { MICROS_PER_DAY } from './instant.ts';
import type { Instant } from './instant.ts';

/** A wall-clock time of some zone: the microseconds that the same digits have in UTC. Arithmetic on it is arithmetic on the calendar. */
export type WallTime = number;

/** A stretch of time in which a zone's distance from UTC stays the same: `[from, until)`. */
interface Stretch {
  readonly from: Instant;
  readonly until: Instant;
  readonly offset: number;
}

/** What was learned about a zone, sorted by time. Zones are few and rules are dated, so this only ever grows to a few hundred stretches. */
const stretchesByZone = new Map<string, Stretch[]>();

/** Gives the id back when it is an IANA zone. Bare offsets are not zones: they know no daylight saving. @throws CodedError UNKNOWN_TIME_ZONE */
export function requireTimeZone(id: string, path?: string): string {
  stretchesOf(id, path);
  return id;
}

/** Wall clock minus UTC, in microseconds. @throws CodedError UNKNOWN_TIME_ZONE */
export function offsetAt(at: Instant, zone: string): number {
  const stretches = stretchesOf(zone);
  const index = lastStartingBy(stretches, at);
  const known = stretches[index];
  if (known !== undefined && at < known.until) return known.offset;
  const stretch = measure(at, zone);
  stretches.splice(index + 1, 0, stretch);
  return stretch.offset;
}

export function wallTimeOf(at: Instant, zone: string): WallTime {
  return at + offsetAt(at, zone);
}

/** The instant of a wall-clock time. Of two (clocks set back) the earlier; of none (clocks set forward) as far after the gap as it lay in it. */
export function instantOfWallTime(wall: WallTime, zone: string): Instant {
  const before = offsetAt(wall - MICROS_PER_DAY, zone);
  if (offsetAt(wall - before, zone) === before) return wall - before;
  const after = offsetAt(wall + MICROS_PER_DAY, zone);
  return offsetAt(wall - after, zone) === after ? wall - after : wall - before;
}

function stretchesOf(zone: string, path?: string): Stretch[] {
  const known = stretchesByZone.get(zone);
  if (known !== undefined) return known;
  if (!isZone(zone)) throw new CodedError('UNKNOWN_TIME_ZONE', 'The time zone is not an IANA zone such as "Europe/Berlin".', path);
  const stretches: Stretch[] = [];
  stretchesByZone.set(zone, stretches);
  return stretches;
}

function isZone(id: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(id)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: id });
    return true;
  } catch {
    return false;
  }
}

/** Index of the last stretch that starts at or before `at`; -1 where there is none. */
function lastStartingBy(stretches: readonly Stretch[], at: Instant): number {
  let low = 0;
  let high = stretches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((stretches[middle]?.from ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function measure(at: Instant, zone: string): Stretch {
  const here = new Temporal.ZonedDateTime(BigInt(at) * 1_000n, zone);
  const next = here.getTimeZoneTransition('next');
  const previous = here.add({ nanoseconds: 1 }).getTimeZoneTransition('previous');
  return {
    from: previous === null ? -Infinity : microsOf(previous),
    until: next === null ? Infinity : microsOf(next),
    offset: here.offsetNanoseconds / 1_000,
  };
}

function microsOf(moment: Temporal.ZonedDateTime): Instant {
  return Number(moment.epochNanoseconds / 1_000n);
}
