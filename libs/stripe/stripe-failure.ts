import Stripe from 'stripe';

/**
 * What a failed call means for the next one.
 * IN_DOUBT: it may have happened or still happen; look first, then the same key.
 * OVER: Stripe failed and has stored that under the key; look, and if nothing is there a new generation is due.
 * LATER: nothing was done and nothing is wrong with the request (limits, locks, our key to the account).
 * REFUSED: the request is wrong and will stay so.
 */
export type Failure = 'IN_DOUBT' | 'OVER' | 'LATER' | 'REFUSED';

/** Null for an error that is not Stripe's. */
export function failureOf(error: unknown): Failure | null {
  if (!(error instanceof Stripe.errors.StripeError)) return null;
  if (error instanceof Stripe.errors.StripeConnectionError) return 'IN_DOUBT';
  const status = error.statusCode;
  // Without a status the answer could not be read.
  if (status === undefined || status === 409) return 'IN_DOUBT';
  if (status >= 500) return 'OVER';
  if (status === 429 || status === 401 || status === 403 || error.code === 'lock_timeout' || error.code === 'rate_limit') return 'LATER';
  return 'REFUSED';
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeError && (error.statusCode === 404 || error.code === 'resource_missing');

/** What stands between us and the next step will pass: try again later. */
export class Postponed extends Error {
  override readonly name = 'Postponed';
}

/** It will not get better by itself: the sync stops and says why. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    message: string,
    readonly code = 'STRIPE_REFUSED',
  ) {
    super(message);
  }
}

/** Another worker has taken the row over; whatever we know is no longer ours to save. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
