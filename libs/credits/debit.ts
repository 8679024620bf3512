import type { Decimal, HeldCredits, Instant, TakenCredits } from '@tare/core';

/** A debit by key with the split that it was decided with; the split is the truth, and a reversal follows it (SEMANTICS 7.3, 7.8). */
export interface CreditDebit {
  readonly key: string;
  /** Below zero: a reversal. */
  readonly credits: Decimal;
  /** Grants that were effective then were used. */
  readonly at: Instant;
  readonly feature: string | null;
  /** Key of the debit that this one gives back; null for a debit. */
  readonly reverses: string | null;
  readonly taken: readonly TakenCredits[];
  /** Owed by the wallet. */
  readonly debt: Decimal;
  /** Billed in arrears, or leaked, as the plan says. */
  readonly uncovered: Decimal;
  readonly subscriptionId: string | null;
  readonly segmentId: string | null;
  readonly periodStart: Instant | null;
}

export type ReservationStatus = 'OPEN' | 'COMMITTED' | 'RELEASED' | 'EXPIRED';

/** Credits held for work whose price is not known yet (SEMANTICS 7.7). */
export interface CreditReservation {
  readonly id: string;
  readonly key: string;
  /** The worst case. */
  readonly credits: Decimal;
  readonly at: Instant;
  readonly ttlSeconds: number;
  /** It releases itself then. */
  readonly expiresAt: Instant;
  readonly status: ReservationStatus;
  readonly held: readonly HeldCredits[];
  /** Beyond the balance, as the plan allows: nothing is held for it. */
  readonly uncovered: Decimal;
  /** What was really used; null unless it was committed. */
  readonly committed: Decimal | null;
}

/** What a wallet has, as the one who moved it saw it afterwards. */
export interface WalletSums {
  readonly available: Decimal;
  readonly reserved: Decimal;
  readonly debt: Decimal;
}

/** Key of the debit by which a reservation is committed. */
export const commitKey = (reservationId: string): string => `reservation:${reservationId}`;
