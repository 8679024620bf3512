import { positiveModulo, MICROS_PER_MINUTE } from './instant.ts';
import type { Instant } from './instant.ts';

/** `[start, end)`: the start is inside, the end is not (SEMANTICS 2.1). */
export interface Period {
  readonly start: Instant;
  readonly end: Instant;
}

/** Width of the grid that pre-aggregated usage lies on: 15 minutes, so that zones at :30 and :45 are cut by it (SEMANTICS 12). */
export const SLOT = 15 * MICROS_PER_MINUTE;

/** Start of the slot of the 15-minute UTC grid that the instant lies in. */
export function slotStart(at: Instant): Instant {
  return at - positiveModulo(at, SLOT);
}

export function periodContains(period: Period, at: Instant): boolean {
  return period.start <= at && at < period.end;
}

/** What two periods share; null where they do not meet or only touch. */
export function intersection(a: Period, b: Period): Period | null {
  const start = Math.max(a.start, b.start);
  const end = Math.min(a.end, b.end);
  return start < end ? { start, end } : null;
}
