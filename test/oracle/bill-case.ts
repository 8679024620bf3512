/**
 * A bill to be made: one service period of one plan, its usage, its next fees and its discounts. Decimals are text, times are microseconds; words are those
 * of a plan (docs/glossary.md). The oracle reads it as it stands; the spec hands the same to the product.
 */
export interface BillCase {
  readonly currency: string;
  readonly prices: readonly CasePrice[];
  readonly minimumCommitment: string | null;
  readonly seats: number;
  readonly period: CasePeriod;
  /** The period whose fees in advance stand on the same invoice. */
  readonly next: CasePeriod;
  readonly usage: readonly CaseUsage[];
  /** What is billed of fees in advance for the period, net of line discounts. */
  readonly feesNet: string;
  readonly discounts: readonly CaseDiscount[];
  /** Quantities carried in from earlier periods. */
  readonly carried: readonly { readonly price: string; readonly group: string | null; readonly quantity: string }[];
}

/** `[start, end)` of a billing period that is `[fullStart, fullEnd)`. */
export interface CasePeriod {
  readonly start: number;
  readonly end: number;
  readonly fullStart: number;
  readonly fullEnd: number;
}

export interface CaseAmounts {
  readonly unitPrice?: string;
  readonly packageSize?: string;
  readonly packagePrice?: string;
  readonly tiers?: readonly { readonly upTo?: string; readonly unitPrice: string; readonly flatFee: string }[];
  readonly rate?: string;
  readonly fixedFee?: string;
  readonly markup?: string;
  readonly unitFloor?: string;
  readonly unitCeiling?: string;
  readonly includedQuantity?: string;
  readonly minimumAmount?: string;
  readonly maximumAmount?: string;
}

export interface CasePrice extends CaseAmounts {
  readonly key: string;
  readonly model: 'FLAT' | 'PER_UNIT' | 'PACKAGE' | 'GRADUATED' | 'VOLUME' | 'PERCENTAGE' | 'COST_PLUS';
  /** FLAT only. */
  readonly amount?: string;
  readonly timing?: 'IN_ADVANCE' | 'IN_ARREARS';
  readonly perSeat: boolean;
  readonly prorateIncluded: boolean;
  readonly rollover: boolean;
  /** Amounts of their own for usage of these regions. */
  readonly groups: readonly (CaseAmounts & { readonly in: readonly string[] })[];
}

/** Some events of one price at one time. */
export interface CaseUsage {
  readonly price: string;
  readonly at: number;
  readonly region: string;
  readonly events: number;
  readonly quantity: string;
  readonly cost: string;
}

export interface CaseDiscount {
  readonly key: string;
  readonly percentOff: string | null;
  readonly amountOff: string | null;
  /** Price keys; null: all. */
  readonly prices: readonly string[] | null;
  readonly appliesTo: 'ALL' | 'FEES' | 'USAGE';
  /** Lines whose service period begins in `[from, until)`. */
  readonly from: number;
  readonly until: number | null;
}
