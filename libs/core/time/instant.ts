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
/** Length of `YYYY-MM-DDTHH:MM:SS`. */
const SECONDS_LENGTH = 19;
const ZERO = 48;

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

/** The last one that was asked for: the lines of a bill, and the rows of a column, share their times. */
let lastFormatted: { readonly instant: Instant; readonly text: string } = { instant: 0, text: '1970-01-01T00:00:00.000Z' };

/** ISO 8601 in UTC: milliseconds, or six digits where there are microseconds. */
export function formatInstant(instant: Instant): string {
  if (instant === lastFormatted.instant) return lastFormatted.text;
  const micros = positiveModulo(instant, 1_000);
  const whole = new Date((instant - micros) / 1_000).toISOString();
  const text = micros === 0 ? whole : `${whole.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
  lastFormatted = { instant, text };
  return text;
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

/** By character codes: every event has a time, and this is several times as fast as a pattern. Null: not a time. */
function read(text: string, needsZone: boolean): Instant | null {
  if (text.length < SECONDS_LENGTH || text.length > MAX_TEXT_LENGTH || !isPunctuated(text)) return null;
  const fractionEnd = endOfFraction(text);
  const offset = readOffset(text, fractionEnd);
  if (Number.isNaN(offset) || (needsZone && fractionEnd === text.length)) return null;
  const seconds = readSeconds(text);
  return Number.isNaN(seconds) ? null : (seconds - offset) * MICROS_PER_SECOND + readMicros(text, fractionEnd);
}

/** Dashes, the T (or t, or a space) and colons stand where they belong. */
function isPunctuated(text: string): boolean {
  const separator = text.charCodeAt(10) | 32;
  const isDate = text.charCodeAt(4) === 45 && text.charCodeAt(7) === 45 && (separator === 116 || separator === 32);
  return isDate && text.charCodeAt(13) === 58 && text.charCodeAt(16) === 58;
}

/** The seconds of date and time, zone aside; NaN where a part is no number or out of its range. */
function readSeconds(text: string): number {
  const year = digits(text, 0) * 100 + digits(text, 2);
  const month = digits(text, 5);
  const day = digits(text, 8);
  const hour = digits(text, 11);
  const minute = digits(text, 14);
  const second = digits(text, 17);
  const isDate = year >= FIRST_YEAR && year <= LAST_YEAR && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  const isTime = hour <= 23 && minute <= 59 && second <= 60;
  return isDate && isTime ? Date.UTC(year, month - 1, day, hour, minute, second) / 1_000 : Number.NaN;
}

/** The two digits at `index` as a number; NaN where one is none. */
function digits(text: string, index: number): number {
  const tens = text.charCodeAt(index) - ZERO;
  const ones = text.charCodeAt(index + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** Where the digits after the point end; right after the seconds where there is no point with digits. */
function endOfFraction(text: string): number {
  if (text.charCodeAt(SECONDS_LENGTH) !== 46) return SECONDS_LENGTH;
  let end = SECONDS_LENGTH + 1;
  while (isDigit(text.charCodeAt(end))) end += 1;
  return end === SECONDS_LENGTH + 1 ? SECONDS_LENGTH : end;
}

function readMicros(text: string, end: number): number {
  let micros = 0;
  for (let index = SECONDS_LENGTH + 1; index <= SECONDS_LENGTH + 6; index += 1) {
    micros = micros * 10 + (index < end ? text.charCodeAt(index) - ZERO : 0);
  }
  return micros;
}

/** Seconds that the zone at `start` is ahead of UTC; 0 where there is none; NaN where what stands there is no zone. */
function readOffset(text: string, start: number): number {
  const rest = text.length - start;
  if (rest === 0 || (rest === 1 && (text.charCodeAt(start) | 32) === 122)) return 0;
  const sign = text.charCodeAt(start);
  if (rest !== 6 || (sign !== 43 && sign !== 45) || text.charCodeAt(start + 3) !== 58) return Number.NaN;
  const hours = digits(text, start + 1);
  const minutes = digits(text, start + 4);
  const seconds = hours <= 23 && minutes <= 59 ? hours * 3_600 + minutes * 60 : Number.NaN;
  return sign === 45 ? -seconds : seconds;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
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
