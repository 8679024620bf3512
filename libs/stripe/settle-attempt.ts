import { Logger } from '@nestjs/common';
import { CodedError, type Instant } from '@tare/core';
import type { HeldSync } from './held-sync.ts';
import { LeaseLost, Postponed, Refused, sentenceOf } from './stripe-failure.ts';
import type { SyncAlerts, Synced } from './sync-alerts.ts';
import type { SyncState } from './sync-rows.store.ts';
import { after, type SyncTiming } from './sync-timing.ts';

/** Failed attempts at one step after which somebody should hear of it. */
const ATTEMPTS_BEFORE_ALERT = 10;

/** What an attempt leaves on a row. */
export interface AttemptedRow {
  readonly state: SyncState;
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
  /** Null where the state says enough. */
  readonly errorCode?: string | null;
  readonly lastError: string | null;
}

const logger = new Logger('StripeSync');

/** Gives a row back with what went wrong: what passes is tried again when its wait is over, the rest is FAILED, and somebody hears of it. */
export async function settleAttempt<Row extends AttemptedRow>(
  held: HeldSync<Row>,
  synced: Synced,
  error: unknown,
  { timing, alerts }: { timing: SyncTiming; alerts: SyncAlerts },
): Promise<void> {
  if (error instanceof LeaseLost) return;
  const reason = sentenceOf(error);
  if (error instanceof Refused || error instanceof CodedError) {
    logger.warn(`${JSON.stringify(synced)} is not in Stripe: ${reason}`);
    const failed: Partial<AttemptedRow> = { state: 'FAILED', errorCode: error.code, lastError: reason };
    return held.release(failed as Partial<Row>, (tx) => alerts.failed(tx, synced, { code: error.code, reason }));
  }
  if (!(error instanceof Postponed)) logger.error(`the Stripe sync of ${JSON.stringify(synced)} failed: ${reason}`);
  const attempts = held.row.attempts + 1;
  const waiting: Partial<AttemptedRow> = {
    attempts,
    nextAttemptAt: after(timing.now(), timing.retryDelayMs(attempts)),
    errorCode: null,
    lastError: reason,
  };
  await held.release(waiting as Partial<Row>, async (tx) => {
    if (attempts === ATTEMPTS_BEFORE_ALERT) await alerts.delayed(tx, synced, reason);
  });
}
