import type { Decimal } from '../money/index.ts';
import type { Aggregation } from '../usage/index.ts';
import type { CreditExhaustion, PlanKind, PlanTerms, PriceModel, PriceTiming } from './price.ts';

/** A decimal as a request may carry it: the exact string, or already read. */
export type DecimalInput = string | number | Decimal;
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

/** PriceInput of the contract. Which fields a model takes is decided by `parsePrice`. */
export interface PriceInput {
  readonly key: string;
  readonly model: PriceModel;
  readonly meter?: Optional<string>;
  readonly amount?: Optional<DecimalInput>;
  readonly unitPrice?: Optional<DecimalInput>;
  readonly packageSize?: Optional<DecimalInput>;
  readonly packagePrice?: Optional<DecimalInput>;
  readonly tiers?: Optional<readonly TierInput[]>;
  readonly rate?: Optional<DecimalInput>;
  readonly fixedFee?: Optional<DecimalInput>;
  readonly valueProperty?: Optional<string>;
  readonly markup?: Optional<DecimalInput>;
  readonly unitFloor?: Optional<DecimalInput>;
  readonly unitCeiling?: Optional<DecimalInput>;
  readonly match?: Optional<readonly MeterFilterInput[]>;
  readonly includedQuantity?: Optional<DecimalInput>;
  readonly rollover?: Optional<boolean>;
  readonly minimumAmount?: Optional<DecimalInput>;
  readonly maximumAmount?: Optional<DecimalInput>;
  readonly perSeat?: Optional<boolean>;
  readonly timing?: Optional<PriceTiming>;
}

export interface BurnRateInput {
  readonly meter: string;
  readonly creditsPerUnit: DecimalInput;
  readonly match?: Optional<readonly MeterFilterInput[]>;
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
  readonly trialDays?: Optional<number>;
  readonly creditsPerInterval?: Optional<DecimalInput>;
  readonly creditPrice?: Optional<DecimalInput>;
  readonly creditRollover?: Optional<boolean>;
  readonly creditExhaustion?: Optional<CreditExhaustion>;
  readonly overagePricePerCredit?: Optional<DecimalInput>;
  readonly overdraftLimit?: Optional<DecimalInput>;
  readonly burnRates?: Optional<readonly BurnRateInput[]>;
  readonly termIntervals?: Optional<number>;
  readonly autoRenew?: Optional<boolean>;
  readonly fairUse?: Optional<readonly { readonly meter: string; readonly quantity: DecimalInput }[]>;
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
