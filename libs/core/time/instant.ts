import { CodedError } from '../coded-error.ts';

/** Microseconds since 1970-01-01T00:00:00Z, a safe integer (SEMANTICS 2.4): from 1700 to 2254. */
export type Instant = number;

export const MICROS_PER_SECOND = 1_000_000;
export const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND;
export const MICROS_PER_HOUR = 3_600 * MICROS_PER_SECOND;
/** A day on the clock of UTC; local days may be 23 or 25 hours long. */
export const MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND;

const FIRST_YEAR = 1700;
const LAST_YEAR = 2254;
const MAX_TEXT_LENGTH = 64;
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|([+-])(\d\d):(\d\d))?$/;

/**
 * Reads an RFC 3339 time with a zone (`Z` or an offset). Digits past the microsecond are cut (SEMANTICS 2.4); a leap second is the second after it.
 * @throws CodedError INVALID_TIME
 */
export function parseInstant(text: string, path?: string): Instant {
  const instant = read(text, true);
  if (instant === null) throw invalidTime(path);
  return instant;
}

/** As parseInstant, for imported files: a time without a zone is UTC (SEMANTICS 2.4). @throws CodedError INVALID_TIME */
export function parseImportedInstant(text: string, path?: string): Instant {
  const instant = read(text, false);
  if (instant === null) throw invalidTime(path);
  return instant;
}

/** ISO 8601 in UTC: milliseconds, or six digits where there are microseconds. */
export function formatInstant(instant: Instant): string {
  const micros = positiveModulo(instant, 1_000);
  const text = new Date((instant - micros) / 1_000).toISOString();
  return micros === 0 ? text : `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

export function instantOfDate(date: Date): Instant {
  return date.getTime() * 1_000;
}

/** Microseconds are cut: a Date holds milliseconds. */
export function dateOfInstant(instant: Instant): Date {
  return new Date(Math.floor(instant / 1_000));
}

/** The remainder that is never negative, exact for safe integers. */
export function positiveModulo(value: number, modulus: number): number {
  const remainder = value % modulus;
  return remainder < 0 ? remainder + modulus : remainder === 0 ? 0 : remainder;
}

function read(text: string, needsZone: boolean): Instant | null {
  const match = text.length <= MAX_TEXT_LENGTH ? RFC_3339.exec(text) : null;
  if (match === null || (needsZone && match[8] === undefined)) return null;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6]);
  const offsetMinutes = Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0);
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 60 || Number(match[10] ?? 0) > 23 || Number(match[11] ?? 0) > 59) return null;
  const offset = match[9] === '-' ? -offsetMinutes : offsetMinutes;
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1_000 - offset * 60;
  return seconds * MICROS_PER_SECOND + microsOf(match[7]);
}

function microsOf(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0'));
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function invalidTime(path?: string): CodedError {
  return new CodedError(
    'INVALID_TIME',
    'A time is written like 2026-03-01T10:17:33Z, with its zone, between the years 1700 and 2254.',
    path,
  );
}
