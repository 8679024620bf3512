import type { Decimal } from '../money/index.ts';
import type { MeterFilter } from '../usage/index.ts';

export type PlanKind = 'PER_QUERY' | 'SUBSCRIPTION' | 'CREDIT' | 'SITE_LICENSE';
export type PriceModel = 'FLAT' | 'PER_UNIT' | 'PACKAGE' | 'GRADUATED' | 'VOLUME' | 'PERCENTAGE' | 'COST_PLUS';
export type PriceTiming = 'IN_ADVANCE' | 'IN_ARREARS';
export type CreditExhaustion = 'BLOCK' | 'OVERAGE' | 'OVERDRAFT';

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
}
interface MeteredPrice extends PriceBase {
  /** Meter key. */
  readonly meter: string;
}
export interface FlatPrice extends PriceBase {
  readonly model: 'FLAT';
  readonly meter: null;
  readonly amount: Decimal;
  readonly timing: PriceTiming;
}
export interface PerUnitPrice extends MeteredPrice {
  readonly model: 'PER_UNIT';
  readonly unitPrice: Decimal;
}
export interface PackagePrice extends MeteredPrice {
  readonly model: 'PACKAGE';
  readonly packageSize: Decimal;
  readonly packagePrice: Decimal;
}
export interface TieredPrice extends MeteredPrice {
  readonly model: 'GRADUATED' | 'VOLUME';
  readonly tiers: readonly Tier[];
}
export interface PercentagePrice extends MeteredPrice {
  readonly model: 'PERCENTAGE';
  readonly rate: Decimal;
  readonly fixedFee: Decimal;
  /** The property whose sum is taken; null: the meter's. */
  readonly valueProperty: string | null;
}
export interface CostPlusPrice extends MeteredPrice {
  readonly model: 'COST_PLUS';
  readonly markup: Decimal;
  readonly unitFloor: Decimal | null;
  readonly unitCeiling: Decimal | null;
}
export type Price = FlatPrice | PerUnitPrice | PackagePrice | TieredPrice | PercentagePrice | CostPlusPrice;
export type UsagePrice = Exclude<Price, FlatPrice>;

export interface BurnRate {
  readonly meter: string;
  readonly creditsPerUnit: Decimal;
  readonly match: readonly MeterFilter[];
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
  readonly trialDays: number;
  readonly creditsPerInterval: Decimal | null;
  readonly creditPrice: Decimal | null;
  readonly creditRollover: boolean;
  readonly creditExhaustion: CreditExhaustion;
  readonly overagePricePerCredit: Decimal | null;
  readonly overdraftLimit: Decimal | null;
  readonly burnRates: readonly BurnRate[];
  /** SITE_LICENSE: it runs this many intervals, each billed in advance; null elsewhere. */
  readonly termIntervals: number | null;
  readonly autoRenew: boolean;
  readonly fairUse: readonly { readonly meter: string; readonly quantity: Decimal }[];
  readonly allowOverlap: boolean;
}
