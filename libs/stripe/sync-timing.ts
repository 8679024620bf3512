import { Injectable } from '@nestjs/common';
import { instantOfDate, type Instant } from '@tare/core';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The clock of the sync and how long it waits; the clock is always the real one, whatever billing's `asOf` is. */
@Injectable()
export class SyncTiming {
  now(): Instant {
    return instantOfDate(new Date());
  }

  /** Exponential with full jitter: many workers that were refused at once do not come back at once. */
  retryDelayMs(attempts: number): number {
    return Math.round(Math.random() * Math.min(HOUR_MS, SECOND_MS * 2 ** Math.min(attempts, 20)));
  }

  /** An open invoice is looked at after a quarter of an hour, then ever more rarely: webhooks tell sooner, this catches what they dropped. */
  recheckDelayMs(rechecks: number): number {
    return Math.min(6 * HOUR_MS, 15 * MINUTE_MS * 2 ** Math.min(rechecks, 10));
  }

  /** Longer than any call may take, so that a lease is only lost by a worker that is dead or cut off. */
  readonly leaseMs = 2 * MINUTE_MS;
  readonly callTimeoutMs = 20 * SECOND_MS;
}

export const after = (at: Instant, ms: number): Instant => at + ms * 1_000;
