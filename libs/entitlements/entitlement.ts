import type { Decimal, Instant, Period } from '@tare/core';

/** Why a customer may not do something. A stable set: more may come, none goes. */
export const ENTITLEMENT_REASONS = [
  'UNKNOWN_CUSTOMER',
  'NO_SUBSCRIPTION',
  'SUBSCRIPTION_PAUSED',
  'TRIAL_ENDED',
  'FEATURE_NOT_INCLUDED',
  'LIMIT_REACHED',
  'CREDITS_EXHAUSTED',
  'CAP_REACHED',
] as const;
export type EntitlementReason = (typeof ENTITLEMENT_REASONS)[number];

/** What `remaining` counts. */
export type EntitlementUnit = 'USAGE' | 'CREDITS' | 'MONEY';

/** A customer's cap, where it stands. */
export interface CapStanding {
  readonly key: string;
  readonly unit: Extract<EntitlementUnit, 'USAGE' | 'MONEY'>;
  readonly limit: Decimal;
  readonly used: Decimal;
  readonly remaining: Decimal;
  /** False: it is told of and stops nothing. */
  readonly hard: boolean;
  /** Exclusive end of the time that it counts over. */
  readonly period: Period;
}

/** Whether a customer may do something now, and how much is left. */
export interface Entitlement {
  readonly allowed: boolean;
  /** Null where it is allowed. */
  readonly reason: EntitlementReason | null;
  /** What is left of the thing that decides; null: nothing bounds it. */
  readonly remaining: Decimal | null;
  readonly unit: EntitlementUnit | null;
  /** When `remaining` is filled up again by itself; null: never, or nothing bounds it. */
  readonly resetsAt: Instant | null;
  /** Of the feature in the period that ends at `resetsAt`; null where it has no limit. */
  readonly limit: Decimal | null;
  readonly used: Decimal | null;
  /** Caps that this counts against, hard and soft. */
  readonly caps: readonly CapStanding[];
}
