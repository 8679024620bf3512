import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { Aggregation } from '../usage/index.ts';
import type { CreditExhaustion, CreditsGrantedWhen, OnLimit, PlanKind, PlanTerms, PriceModel, PriceTiming } from './price.ts';

/** A decimal as a request may carry it: the exact string, or already read. */
export type DecimalInput = string | number | Decimal;
/** An instant as a request may carry it: RFC 3339 with its zone, or already read. */
export type InstantInput = string | Instant;
type Optional<T> = T | null | undefined;

export interface MeterFilterInput {
  readonly property: string;
  readonly in: readonly string[];
}

export interface TierInput {
  readonly upTo?: Optional<DecimalInput>;
  readonly unitPrice?: Optional<DecimalInput>;
  readonly flatFee?: Optional<DecimalInput>;
}

/** The amounts that a price states, and those that a group states for itself. Which of them a model takes is decided by `parsePrice`. */
export interface PriceAmountsInput {
  readonly unitPrice?: Optional<DecimalInput>;
  readonly packageSize?: Optional<DecimalInput>;
  readonly packagePrice?: Optional<DecimalInput>;
  readonly tiers?: Optional<readonly TierInput[]>;
  readonly rate?: Optional<DecimalInput>;
  readonly fixedFee?: Optional<DecimalInput>;
  readonly markup?: Optional<DecimalInput>;
  readonly unitFloor?: Optional<DecimalInput>;
  readonly unitCeiling?: Optional<DecimalInput>;
  readonly includedQuantity?: Optional<DecimalInput>;
  readonly minimumAmount?: Optional<DecimalInput>;
  readonly maximumAmount?: Optional<DecimalInput>;
}

/** Amounts for usage with one of these values of the price's `groupBy`. */
export interface PriceGroupInput extends PriceAmountsInput {
  readonly in: readonly string[];
}

/** PriceInput of the contract. Which fields a model takes is decided by `parsePrice`. */
export interface PriceInput extends PriceAmountsInput {
  readonly key: string;
  readonly model: PriceModel;
  readonly meter?: Optional<string>;
  readonly amount?: Optional<DecimalInput>;
  readonly valueProperty?: Optional<string>;
  readonly match?: Optional<readonly MeterFilterInput[]>;
  readonly groupBy?: Optional<string>;
  readonly groups?: Optional<readonly PriceGroupInput[]>;
  readonly validFrom?: Optional<InstantInput>;
  readonly validUntil?: Optional<InstantInput>;
  readonly everyIntervals?: Optional<number>;
  readonly prorateIncluded?: Optional<boolean>;
  readonly rollover?: Optional<boolean>;
  readonly rolloverMaximum?: Optional<DecimalInput>;
  readonly rolloverPeriods?: Optional<number>;
  readonly perSeat?: Optional<boolean>;
  readonly timing?: Optional<PriceTiming>;
}

export interface BurnRateInput {
  readonly meter: string;
  readonly creditsPerUnit: DecimalInput;
  readonly match?: Optional<readonly MeterFilterInput[]>;
}

/** Something that a plan lets its customers do. */
export interface PlanFeatureInput {
  readonly key: string;
  readonly name?: Optional<string>;
  readonly enabled?: Optional<boolean>;
  readonly meter?: Optional<string>;
  readonly match?: Optional<readonly MeterFilterInput[]>;
  readonly limit?: Optional<DecimalInput>;
  readonly limitPerSeat?: Optional<boolean>;
  readonly onLimit?: Optional<OnLimit>;
}

/** PlanInput of the contract. */
export interface PlanInput {
  readonly key: string;
  readonly name: string;
  readonly kind: PlanKind;
  readonly currency: string;
  readonly interval: PlanTerms['interval'];
  readonly intervalCount?: Optional<number>;
  readonly alignment?: Optional<PlanTerms['alignment']>;
  readonly prices: readonly PriceInput[];
  readonly minimumCommitment?: Optional<DecimalInput>;
  readonly commitmentIntervals?: Optional<number>;
  readonly invoiceThreshold?: Optional<DecimalInput>;
  readonly trialDays?: Optional<number>;
  readonly creditsPerInterval?: Optional<DecimalInput>;
  readonly creditPrice?: Optional<DecimalInput>;
  readonly creditsGrantedWhen?: Optional<CreditsGrantedWhen>;
  readonly creditRollover?: Optional<boolean>;
  readonly creditRolloverMaximum?: Optional<DecimalInput>;
  readonly creditRolloverPeriods?: Optional<number>;
  readonly creditExhaustion?: Optional<CreditExhaustion>;
  readonly overagePricePerCredit?: Optional<DecimalInput>;
  readonly overdraftLimit?: Optional<DecimalInput>;
  readonly burnRates?: Optional<readonly BurnRateInput[]>;
  readonly termIntervals?: Optional<number>;
  readonly autoRenew?: Optional<boolean>;
  readonly fairUse?: Optional<readonly { readonly meter: string; readonly quantity: DecimalInput }[]>;
  readonly features?: Optional<readonly PlanFeatureInput[]>;
  readonly addOn?: Optional<boolean>;
  readonly allowOverlap?: Optional<boolean>;
}

/** What a plan has to know of a meter that it names. */
export interface PlanMeter {
  readonly key: string;
  readonly eventType: string;
  readonly aggregation: Aggregation;
  readonly valueProperty: string | null;
  readonly filters: readonly MeterFilterInput[];
}
