const FIRST_DELAY_MS = 200;
/** The longest that an answer may keep us away: a wrong header must not stop a sender for a day. */
const MAX_RETRY_AFTER_MS = 300_000;

/** Exponential backoff with full jitter, so that many clients do not come back at once; never before the server asked to. `attempt` from 1. */
export function retryDelayMs(attempt: number, maxDelayMs: number, retryAfterMs: number): number {
  const ceiling = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.max(retryAfterMs, Math.random() * ceiling);
}

/** A Retry-After header (RFC 9110, section 10.2.3), seconds or a date, in milliseconds from now; 0 where there is none that can be read. */
export function readRetryAfter(header: string | null, nowMs: number = Date.now()): number {
  if (header === null || header.trim() === '') return 0;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1_000;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}
