import type { Decimal } from '../money/index.ts';
import type { Instant, Period } from '../time/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';

export type RevenueKind = 'FEE' | 'USAGE' | 'CREDIT_BURN' | 'OVERAGE' | 'COMMITMENT' | 'MINIMUM' | 'BREAKAGE' | 'DELTA' | 'PRORATION';

/**
 * When an item is earned, and which usage earned it (SEMANTICS 10.1, 10.4):
 * STRAIGHT_LINE per second of a period; BY_USAGE as the price's cumulative charge grows with usage; AT at once; BURN at once, by usage with these
 * dimensions (`burnKey`) in the customer's day.
 */
export type RevenueSpread =
  | { readonly kind: 'STRAIGHT_LINE'; readonly period: Period }
  | {
      readonly kind: 'BY_USAGE';
      readonly segment: Segment;
      readonly period: ServicePeriod;
      readonly priceKey: string;
      /** As the line has it; see AssembledLine. */
      readonly group: string | null;
    }
  | { readonly kind: 'AT'; readonly at: Instant }
  | { readonly kind: 'BURN'; readonly at: Instant; readonly dimensionKey: string };

/** Something that a customer pays for, and how it is earned. Without tax. */
export interface RevenueItem {
  readonly kind: RevenueKind;
  readonly subscriptionId: string | null;
  /** Of the plan that charges it; null where none does (a pack of credits that was granted to the customer). */
  readonly segment: Segment | null;
  /** Net of discounts. */
  readonly amount: Decimal;
  /** What discounts took off. */
  readonly discount: Decimal;
  /** ISO 4217. */
  readonly currency: string;
  readonly spread: RevenueSpread;
}
