import type { Decimal } from '../money/index.ts';
import type { Instant, Period } from '../time/index.ts';
import type { WalkStep } from '../pricing/index.ts';
import type { AllowanceRecord } from './allowance-record.ts';
import type { DiscountShare, DiscountUse } from './invoice-facts.ts';
import type { CreditsTaxed, TaxAmount } from './invoice-tax.ts';

export type LineKind = 'FEE' | 'USAGE' | 'CREDITS' | 'OVERAGE' | 'COMMITMENT' | 'PRORATION_CREDIT' | 'PRORATION_CHARGE' | 'DELTA';

/** The one rounding of a line (SEMANTICS 1.3): `amount = rounded - alreadyBilled`. */
export interface RoundingStep {
  readonly exactAmount: Decimal;
  readonly increment: Decimal;
  readonly rounded: Decimal;
  /** Billed for the same price and period before, on threshold invoices or, for a DELTA, on any. */
  readonly alreadyBilled: Decimal;
}

export interface AssembledLine {
  /** Names what the line bills, the same on every invoice: kind, segment, price with its group, start of the service period. A DELTA has the key of the line that it corrects. */
  readonly scopeKey: string;
  readonly kind: LineKind;
  /** Null for credits, overage and commitment. */
  readonly priceKey: string | null;
  /** The group of the price that it bills, as `groupName` says it; null: usage in none, or a price without groups. */
  readonly group: string | null;
  readonly description: string;
  readonly quantity: Decimal;
  /** Before rounding. */
  readonly exactAmount: Decimal;
  /** Rounded once, before discounts. Of a DELTA it is net of the original discounts. */
  readonly amount: Decimal;
  /** What line discounts take of `discount`. */
  readonly lineDiscount: Decimal;
  /** All discounts of the line; below zero on a PRORATION_CREDIT, which gives its discount back. */
  readonly discount: Decimal;
  readonly discounts: readonly DiscountShare[];
  /** The service period that the line is for, not the invoice's. */
  readonly period: Period;
  readonly segmentId: string;
  readonly subscriptionId: string;
  readonly planVersionId: string;
  /** Adds up to `exactAmount`. */
  readonly walk: readonly WalkStep[];
  readonly rounding: RoundingStep;
  /** Id of the invoice that a DELTA corrects; null elsewhere. */
  readonly adjusts: string | null;
  /** What a DELTA corrects; null elsewhere. */
  readonly adjustsKind: LineKind | null;
  /** Credits that the line bought; zero where it bought none. */
  readonly credits: Decimal;
  /** Of a DELTA, what a commitment counts of it where that is not the amount: net of line discounts only (SEMANTICS 8.5). */
  readonly committed?: Decimal;
}

/** Credits to post when the invoice is finalized (SEMANTICS 7.6). */
export interface GrantToIssue {
  readonly segmentId: string;
  readonly subscriptionId: string;
  /** Unique among the grants of a customer, and the same whenever it is assembled again: an idempotency key. */
  readonly key: string;
  readonly credits: Decimal;
  /** Net of discounts, without tax; null when the plan gives the credits away. */
  readonly costBasis: { readonly amount: Decimal; readonly currency: string } | null;
  readonly effectiveAt: Instant;
  /** Null: they roll over until they are used. */
  readonly expiresAt: Instant | null;
  readonly promotional: boolean;
  readonly priority: number;
  /** PAID: not before the invoice is paid, when there is something to pay (SEMANTICS 7.6). None: when it is finalized. */
  readonly grantedWhen?: 'PAID';
}

/** A price left off because the cost of some of its events is not known (SEMANTICS 4.5). */
export interface AwaitingCost {
  readonly priceKey: string;
  readonly group: string | null;
  readonly segmentId: string;
  readonly period: Period;
  readonly scopeKey: string;
  readonly events: Decimal;
}

/** Credits used without cover and not charged (SEMANTICS 7.5, BLOCK or beyond the overdraft). */
export interface Leakage {
  readonly segmentId: string;
  readonly period: Period;
  readonly credits: Decimal;
}

/**
 * `total = subtotal - discounts - creditsApplied + tax - balanceApplied + balanceCarried`, never below zero.
 * Checked before it is handed out: what does not add up throws INVARIANT_BROKEN.
 */
export interface AssembledInvoice {
  readonly currency: string;
  readonly lines: readonly AssembledLine[];
  /** Sum of the lines' amounts. */
  readonly subtotal: Decimal;
  /** Sum of the lines' discounts. */
  readonly discounts: Decimal;
  /** Prepaid money used. */
  readonly creditsApplied: Decimal;
  /** subtotal - discounts; where credits are taxed at use, without those that it sells and with those that its usage burnt (SEMANTICS 8.6). */
  readonly taxBase: Decimal;
  /** By name, each rounded once. */
  readonly taxes: readonly TaxAmount[];
  readonly creditsTaxed: CreditsTaxed;
  /** Of the tax base, the price of credits that were sold without tax and are burnt now; below zero where some were given back. */
  readonly untaxedBurns: Decimal;
  /** Sum of the taxes. */
  readonly tax: Decimal;
  readonly total: Decimal;
  /** Taken from the customer's balance. */
  readonly balanceApplied: Decimal;
  /** What a total below zero adds to the customer's balance. */
  readonly balanceCarried: Decimal;
  readonly grants: readonly GrantToIssue[];
  readonly discountUses: readonly DiscountUse[];
  /** What became of allowances that roll over, to be kept with the service periods: those closed now, and those that a correction changed. */
  readonly allowances: readonly AllowanceRecord[];
  readonly awaitingCost: readonly AwaitingCost[];
  readonly leakage: readonly Leakage[];
}
