import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { MeterFilter } from '../usage/index.ts';

export type PlanKind = 'PER_QUERY' | 'SUBSCRIPTION' | 'CREDIT' | 'SITE_LICENSE';
export type PriceModel = 'FLAT' | 'PER_UNIT' | 'PACKAGE' | 'GRADUATED' | 'VOLUME' | 'PERCENTAGE' | 'COST_PLUS';
export type PriceTiming = 'IN_ADVANCE' | 'IN_ARREARS';
export type CreditExhaustion = 'BLOCK' | 'OVERAGE' | 'OVERDRAFT';
/** What the credits of a period wait for: its invoice to be finalized, or paid (SEMANTICS 7.6). */
export type CreditsGrantedWhen = 'FINALIZED' | 'PAID';
export type OnLimit = 'BLOCK' | 'ALLOW';

/** `(previous upTo, upTo]`; the last tier has `upTo: null` (SEMANTICS 4.1). */
export interface Tier {
  readonly upTo: Decimal | null;
  readonly unitPrice: Decimal;
  readonly flatFee: Decimal;
}

interface PriceBase {
  readonly key: string;
  readonly match: readonly MeterFilter[];
  readonly includedQuantity: Decimal;
  readonly minimumAmount: Decimal | null;
  readonly maximumAmount: Decimal | null;
  readonly perSeat: boolean;
  /** The price is for `[validFrom, validUntil)` only; null: open on that side. */
  readonly validFrom: Instant | null;
  readonly validUntil: Instant | null;
  /** In a shortened period the included quantity is prorated (SEMANTICS 6.2: allowances only if the plan says so). */
  readonly prorateIncluded: boolean;
  /** What is left of the included quantity is carried into the next period. */
  readonly rollover: boolean;
  /** The most that is carried into a period, in units of the meter; null: all that is left. */
  readonly rolloverMaximum: Decimal | null;
  /** How many periods carried quantity lives; null: until it is used. */
  readonly rolloverPeriods: number | null;
}
interface MeteredPrice<Amounts> extends PriceBase {
  /** Meter key. */
  readonly meter: string;
  /** The property whose values have groups with amounts of their own; null: there are none. */
  readonly groupBy: string | null;
  readonly groups: readonly PriceGroup<Amounts>[];
}

/**
 * Amounts of their own for usage with one of these values of the price's `groupBy`. A group is rated by itself; what it does not state it does not have
 * (no allowance, no bounds). Usage in no group is rated together by the price's own amounts.
 */
export type PriceGroup<Amounts = UsageAmounts> = Amounts & {
  readonly in: readonly string[];
  readonly includedQuantity: Decimal;
  readonly minimumAmount: Decimal | null;
  readonly maximumAmount: Decimal | null;
};

export interface UnitAmounts {
  readonly unitPrice: Decimal;
}
export interface PackageAmounts {
  readonly packageSize: Decimal;
  readonly packagePrice: Decimal;
}
export interface TierAmounts {
  readonly tiers: readonly Tier[];
}
export interface PercentageAmounts {
  readonly rate: Decimal;
  readonly fixedFee: Decimal;
}
export interface CostPlusAmounts {
  readonly markup: Decimal;
  readonly unitFloor: Decimal | null;
  readonly unitCeiling: Decimal | null;
}
export type UsageAmounts = UnitAmounts | PackageAmounts | TierAmounts | PercentageAmounts | CostPlusAmounts;

export interface FlatPrice extends PriceBase {
  readonly model: 'FLAT';
  readonly meter: null;
  readonly amount: Decimal;
  readonly timing: PriceTiming;
  /** Billed every so many billing intervals, for as many; more than 1 only in advance. */
  readonly everyIntervals: number;
}
export interface PerUnitPrice extends MeteredPrice<UnitAmounts>, UnitAmounts {
  readonly model: 'PER_UNIT';
}
export interface PackagePrice extends MeteredPrice<PackageAmounts>, PackageAmounts {
  readonly model: 'PACKAGE';
}
export interface TieredPrice extends MeteredPrice<TierAmounts>, TierAmounts {
  readonly model: 'GRADUATED' | 'VOLUME';
}
export interface PercentagePrice extends MeteredPrice<PercentageAmounts>, PercentageAmounts {
  readonly model: 'PERCENTAGE';
  /** The property whose sum is taken; null: the meter's. */
  readonly valueProperty: string | null;
}
export interface CostPlusPrice extends MeteredPrice<CostPlusAmounts>, CostPlusAmounts {
  readonly model: 'COST_PLUS';
}
export type Price = FlatPrice | PerUnitPrice | PackagePrice | TieredPrice | PercentagePrice | CostPlusPrice;
export type UsagePrice = Exclude<Price, FlatPrice>;

export interface BurnRate {
  readonly meter: string;
  readonly creditsPerUnit: Decimal;
  readonly match: readonly MeterFilter[];
}

/** Something that a plan lets its customers do, as the entitlement check asks for it. */
export interface PlanFeature {
  /** Unique in the plan. */
  readonly key: string;
  readonly name: string;
  /** False: the plan names it and does not include it. */
  readonly enabled: boolean;
  /** Key of the meter that counts its use; null: it is not counted. */
  readonly meter: string | null;
  readonly match: readonly MeterFilter[];
  /** In units of the meter per billing period; null: unlimited. */
  readonly limit: Decimal | null;
  /** The limit is for each seat. */
  readonly limitPerSeat: boolean;
  /** Whether the check says no once the limit is reached. */
  readonly onLimit: OnLimit;
}

/** The terms of one published plan version. Immutable (SEMANTICS 4.9). */
export interface PlanTerms {
  readonly kind: PlanKind;
  readonly currency: string;
  readonly interval: 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';
  readonly intervalCount: number;
  readonly alignment: 'ANNIVERSARY' | 'CALENDAR';
  readonly prices: readonly Price[];
  readonly minimumCommitment: Decimal | null;
  /** Billing periods that the commitment is for: its true-up is at the end of the last of them. */
  readonly commitmentIntervals: number;
  /** A THRESHOLD invoice is made as soon as unbilled usage of a period reaches it; null: never. */
  readonly invoiceThreshold: Decimal | null;
  readonly trialDays: number;
  readonly creditsPerInterval: Decimal | null;
  readonly creditPrice: Decimal | null;
  readonly creditsGrantedWhen: CreditsGrantedWhen;
  readonly creditRollover: boolean;
  /** The most credits that are carried into a period; null: all that are left. */
  readonly creditRolloverMaximum: Decimal | null;
  /** How many periods carried credits live; null: until they are used. */
  readonly creditRolloverPeriods: number | null;
  readonly creditExhaustion: CreditExhaustion;
  readonly overagePricePerCredit: Decimal | null;
  readonly overdraftLimit: Decimal | null;
  readonly burnRates: readonly BurnRate[];
  /** SITE_LICENSE: it runs this many intervals, each billed in advance; null elsewhere. */
  readonly termIntervals: number | null;
  readonly autoRenew: boolean;
  readonly fairUse: readonly { readonly meter: string; readonly quantity: Decimal }[];
  readonly features: readonly PlanFeature[];
  /** It is only ever attached to a subscription of another plan, with the same currency and interval. */
  readonly addOn: boolean;
  readonly allowOverlap: boolean;
}
