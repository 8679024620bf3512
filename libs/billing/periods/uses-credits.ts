import type { Segment } from '@tare/core';

/** Whether billing a customer moves credits: only then its wallet is held, read and written. `segments`: of all its subscriptions. */
export function usesCredits(segments: readonly Segment[]): boolean {
  return segments.some(
    ({ terms }) => terms.kind === 'CREDIT' || terms.burnRates.length > 0 || terms.creditsPerInterval?.isPositive() === true,
  );
}
