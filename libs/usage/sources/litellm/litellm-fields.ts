import { CodedError, Decimal, MAX_TEXT_LENGTH, MICROS_PER_SECOND, formatInstant, type Instant, type WireObject } from '@tare/core';

/** Readers of single fields of what LiteLLM logs. What it logs for people only is read leniently, what is billed is not. */

const NOTHING: WireObject = {};
/** NUL characters and halves of characters. */
// eslint-disable-next-line no-control-regex
const UNSTORABLE = /[\u0000\p{Surrogate}]/u;
/** The years that an instant may be of, in seconds. */
const SECONDS_LIMIT = Decimal.of(8_900_000_000);
const MICROS = Decimal.of(MICROS_PER_SECOND);

/** The object at a field; an empty one where there is none. */
export function objectAt(holder: WireObject, name: string): WireObject {
  const value = Object.hasOwn(holder, name) ? holder[name] : null;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as WireObject) : NOTHING;
}

/** A text that says something and that an event can keep; null for anything else. */
export function textAt(holder: WireObject, name: string): string | null {
  const value = Object.hasOwn(holder, name) ? holder[name] : null;
  return isKeepable(value) ? value : null;
}

/** Whether it is a text that an event can keep, and not empty. */
export function isKeepable(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT_LENGTH) return false;
  return !UNSTORABLE.test(value);
}

/**
 * A double of seconds, as microseconds: of the shortest decimal that is that double, digits past the microsecond are cut (SEMANTICS 2.4), so that
 * 1742464800.123456 stays itself. @throws CodedError FIELD_MISSING | INVALID_TIME
 */
export function instantOfSeconds(value: unknown, path: string): Instant {
  if (value === undefined || value === null)
    throw new CodedError('FIELD_MISSING', 'This field has to be there: it decides the period.', path);
  const seconds = secondsOf(value);
  if (seconds === null || seconds.isNegative() || seconds.compare(SECONDS_LIMIT) > 0) {
    throw new CodedError('INVALID_TIME', 'Seconds since 1970 are expected, such as 1742464800.25.', path);
  }
  const [micros] = seconds.times(MICROS).toString().split('.');
  return Number(micros);
}

/** Whole milliseconds from one time to the other; null where the second is no time or before the first. */
export function millisecondsBetween(start: Instant, end: unknown): number | null {
  try {
    const millis = Math.floor((instantOfSeconds(end, 'endTime') - start) / 1_000);
    return millis >= 0 && millis < 2 ** 31 ? millis : null;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

export const timeText = (at: Instant): string => formatInstant(at);

/** Also a text of digits: LiteLLM writes numbers that JSON does not know as text. */
function secondsOf(value: unknown): Decimal | null {
  if (typeof value === 'string' && /^\d{1,12}(\.\d{1,20})?$/.test(value)) return Decimal.parse(value);
  return typeof value === 'number' && Number.isFinite(value) ? Decimal.parse(String(value)) : null;
}
