import { Field, Int, ObjectType } from '@nestjs/graphql';
import type {
  BillingAlignment,
  BillingInterval,
  CreditExhaustion,
  CreditsGrantedWhen,
  Decimal,
  Instant,
  OnLimit,
  PriceModel,
  PriceTiming,
} from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { MeterFilter } from '../meters/meters.types.ts';
import { BillingAlignments, BillingIntervals, CreditExhaustions, CreditsGrantedWhens, OnLimits } from './plan-enums.ts';
import { PriceModels, PriceTimings } from './price.types.ts';

/** Fields of other models are not there. */
type Maybe<T> = T | null;

@ObjectType({ description: 'See TierInput.' })
export class Tier {
  @Field(() => DecimalScalar, { nullable: true, description: 'Inclusive; null for the last tier.' })
  upTo!: Maybe<Decimal>;

  @Field(() => DecimalScalar)
  unitPrice!: Decimal;

  @Field(() => DecimalScalar)
  flatFee!: Decimal;
}

@ObjectType({ isAbstract: true })
abstract class PriceAmounts {
  @Field(() => DecimalScalar, { nullable: true })
  unitPrice?: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  packageSize?: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  packagePrice?: Maybe<Decimal>;

  @Field(() => [Tier], { nullable: true })
  tiers?: Maybe<readonly Tier[]>;

  @Field(() => DecimalScalar, { nullable: true })
  rate?: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  fixedFee?: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  markup?: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  unitFloor?: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  unitCeiling?: Maybe<Decimal>;

  @Field(() => DecimalScalar)
  includedQuantity!: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  minimumAmount!: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  maximumAmount!: Maybe<Decimal>;
}

@ObjectType({ description: 'Amounts of their own for some values of the groupBy of a price. See PriceGroupInput.' })
export class PriceGroup extends PriceAmounts {
  @Field(() => [String])
  in!: readonly string[];
}

@ObjectType({ description: 'One price of a plan; fields of other models are null. See PriceInput.' })
export class Price extends PriceAmounts {
  @Field()
  key!: string;

  @Field(() => PriceModels)
  model!: PriceModel;

  @Field(() => String, { nullable: true, description: 'Key of a meter; null for FLAT.' })
  meter!: Maybe<string>;

  @Field(() => DecimalScalar, { nullable: true, description: 'FLAT: per interval.' })
  amount?: Maybe<Decimal>;

  @Field(() => PriceTimings, { nullable: true })
  timing?: Maybe<PriceTiming>;

  @Field(() => Int, { nullable: true })
  everyIntervals?: Maybe<number>;

  @Field(() => String, { nullable: true })
  valueProperty?: Maybe<string>;

  @Field(() => [MeterFilter])
  match!: readonly MeterFilter[];

  @Field(() => String, { nullable: true })
  groupBy?: Maybe<string>;

  @Field(() => [PriceGroup], { nullable: true })
  groups?: Maybe<readonly PriceGroup[]>;

  @Field(() => DateTimeScalar, { nullable: true })
  validFrom!: Maybe<Instant>;

  @Field(() => DateTimeScalar, { nullable: true })
  validUntil!: Maybe<Instant>;

  @Field()
  perSeat!: boolean;

  @Field()
  prorateIncluded!: boolean;

  @Field()
  rollover!: boolean;

  @Field(() => DecimalScalar, { nullable: true })
  rolloverMaximum!: Maybe<Decimal>;

  @Field(() => Int, { nullable: true })
  rolloverPeriods!: Maybe<number>;
}

@ObjectType({ description: 'How many credits usage burns.' })
export class BurnRate {
  @Field()
  meter!: string;

  @Field(() => DecimalScalar)
  creditsPerUnit!: Decimal;

  @Field(() => [MeterFilter])
  match!: readonly MeterFilter[];
}

@ObjectType({ description: 'A line of fair use: it alerts and never charges.' })
export class FairUse {
  @Field()
  meter!: string;

  @Field(() => DecimalScalar, { description: 'In units of the meter per billing period.' })
  quantity!: Decimal;
}

@ObjectType({ description: 'Something that a plan lets its customers do. See PlanFeatureInput.' })
export class PlanFeature {
  @Field()
  key!: string;

  @Field()
  name!: string;

  @Field()
  enabled!: boolean;

  @Field(() => String, { nullable: true })
  meter!: Maybe<string>;

  @Field(() => [MeterFilter])
  match!: readonly MeterFilter[];

  @Field(() => DecimalScalar, { nullable: true, description: 'In units of the meter per billing period; null: unlimited.' })
  limit!: Maybe<Decimal>;

  @Field()
  limitPerSeat!: boolean;

  @Field(() => OnLimits)
  onLimit!: OnLimit;
}

@ObjectType({ description: 'What a version of a plan says; it never changes once it is published. See PlanInput.' })
export class PlanTerms {
  @Field(() => BillingIntervals)
  interval!: BillingInterval;

  @Field(() => Int)
  intervalCount!: number;

  @Field(() => BillingAlignments)
  alignment!: BillingAlignment;

  @Field(() => [Price])
  prices!: readonly Price[];

  @Field(() => DecimalScalar, { nullable: true })
  minimumCommitment!: Maybe<Decimal>;

  @Field(() => Int)
  commitmentIntervals!: number;

  @Field(() => DecimalScalar, { nullable: true })
  invoiceThreshold!: Maybe<Decimal>;

  @Field(() => Int)
  trialDays!: number;

  @Field(() => DecimalScalar, { nullable: true })
  creditsPerInterval!: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  creditPrice!: Maybe<Decimal>;

  @Field(() => CreditsGrantedWhens)
  creditsGrantedWhen!: CreditsGrantedWhen;

  @Field()
  creditRollover!: boolean;

  @Field(() => DecimalScalar, { nullable: true })
  creditRolloverMaximum!: Maybe<Decimal>;

  @Field(() => Int, { nullable: true })
  creditRolloverPeriods!: Maybe<number>;

  @Field(() => CreditExhaustions)
  creditExhaustion!: CreditExhaustion;

  @Field(() => DecimalScalar, { nullable: true })
  overagePricePerCredit!: Maybe<Decimal>;

  @Field(() => DecimalScalar, { nullable: true })
  overdraftLimit!: Maybe<Decimal>;

  @Field(() => [BurnRate])
  burnRates!: readonly BurnRate[];

  @Field(() => Int, { nullable: true })
  termIntervals!: Maybe<number>;

  @Field()
  autoRenew!: boolean;

  @Field(() => [FairUse])
  fairUse!: readonly FairUse[];

  @Field(() => [PlanFeature])
  features!: readonly PlanFeature[];

  @Field({ description: 'It can only be attached to a subscription of another plan.' })
  addOn!: boolean;

  @Field()
  allowOverlap!: boolean;
}
