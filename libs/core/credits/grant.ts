import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';

/** Credits given to a wallet at once, and what the customer paid for all of them (SEMANTICS 7.9). */
export interface Grant {
  readonly id: string;
  /** As granted. */
  readonly credits: Decimal;
  /** Neither burnt nor held by a reservation. */
  readonly remaining: Decimal;
  /** Held by reservations, beside `remaining`; none where it is left out. */
  readonly reserved?: Decimal;
  /** Price of the credits that are gone already: burnt, expired or withdrawn. Left out: what the cumulative price says of them. */
  readonly priceUsed?: Decimal;
  /** Total paid for `credits`, net of tax; null when nothing was paid. */
  readonly costBasis: { readonly amount: Decimal; readonly currency: string } | null;
  /** Lower burns first. */
  readonly priority: number;
  readonly effectiveAt: Instant;
  /** Exclusive: at this instant the grant is gone. Null never expires. */
  readonly expiresAt: Instant | null;
  readonly promotional: boolean;
  readonly createdAt: Instant;
  /** The subscription whose plan granted it; null or left out: somebody gave or bought it. */
  readonly subscriptionId?: string | null;
}

/**
 * Credits that a subscription's grants lose at an instant, whatever else happens: until they are taken off (when the period that ended is closed) nothing at that
 * instant or later may use the last `credits` of them. Below zero: that much is missing to the maximum.
 */
export interface CreditLapse {
  readonly subscriptionId: string;
  readonly at: Instant;
  readonly credits: Decimal;
}

/** Some credits of one grant that one demand burns; `revenue` is their part of the price paid, in the currency of the grant's cost basis. */
export interface BurnAllocation {
  readonly demandIndex: number;
  readonly grantId: string;
  readonly credits: Decimal;
  /** 12 decimals at most; all burns of a grant add up to the price paid (SEMANTICS 1.6). */
  readonly revenue: Decimal;
}

/** What no grant covered (SEMANTICS 7.5). */
export interface UncoveredBurn {
  readonly demandIndex: number;
  readonly credits: Decimal;
}

export interface BurnResult {
  readonly allocations: readonly BurnAllocation[];
  readonly uncovered: readonly UncoveredBurn[];
  /** What each grant has left, by id. */
  readonly remaining: ReadonlyMap<string, Decimal>;
  /** The grants afterwards, in the order in which they burn. */
  readonly grants: readonly Grant[];
  /** What lapses afterwards. */
  readonly lapses: readonly CreditLapse[];
}
