import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import type {
  BillingAlignment,
  BillingInterval,
  CreditExhaustion,
  CreditsGrantedWhen,
  Decimal,
  Instant,
  OnLimit,
  PlanKind,
  PlanWarning as Warning,
} from '@tare/core';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { MeterFilterInput } from '../meters/meters.types.ts';
import { BillingAlignments, BillingIntervals, CreditExhaustions, CreditsGrantedWhens, OnLimits, PlanKinds } from './plan-enums.ts';
import { PlanTerms } from './plan-terms.types.ts';
import { PriceInput } from './price.types.ts';

@InputType({ description: 'Something that a plan lets its customers do, as the entitlement check asks for it.' })
export class PlanFeatureInput {
  @Field({ description: 'Your own key of the feature, unique in the plan, at most 255 characters.' })
  key!: string;

  @Field(() => String, { nullable: true, description: 'None: the key.' })
  name?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'False: the plan names it and does not include it. None: true.' })
  enabled?: boolean | null;

  @Field(() => String, { nullable: true, description: 'Key of the meter that counts its use. A limit needs one.' })
  meter?: string | null;

  @Field(() => [MeterFilterInput], { nullable: true, description: 'Only usage of the meter with these values counts.' })
  match?: MeterFilterInput[] | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'In units of the meter per billing period. None: unlimited.' })
  limit?: Decimal | null;

  @Field(() => Boolean, { nullable: true, description: 'The limit is for each seat. None: false.' })
  limitPerSeat?: boolean | null;

  @Field(() => OnLimits, { nullable: true, description: 'None: BLOCK.' })
  onLimit?: OnLimit | null;
}

@InputType({ description: 'How many credits usage burns.' })
export class BurnRateInput {
  @Field({ description: 'Key of a SUM or COUNT meter.' })
  meter!: string;

  @Field(() => DecimalScalar, { description: 'Credits for one unit of the meter; at most 18 decimals.' })
  creditsPerUnit!: Decimal;

  @Field(() => [MeterFilterInput], { nullable: true, description: 'This rate is only for these models, regions, ...' })
  match?: MeterFilterInput[] | null;
}

@InputType({ description: 'A line of fair use: it alerts and never charges.' })
export class FairUseInput {
  @Field({ description: 'Key of a meter.' })
  meter!: string;

  @Field(() => DecimalScalar, { description: 'In units of the meter per billing period.' })
  quantity!: Decimal;
}

@InputType({
  description: 'The terms of a plan. With the key of an existing plan they are its next version; running subscriptions keep theirs.',
})
export class PlanInput {
  @Field({ description: 'Your own key of the plan, at most 255 characters.' })
  key!: string;

  @Field({ description: 'As it stands on invoices, at most 255 characters.' })
  name!: string;

  @Field(() => PlanKinds)
  kind!: PlanKind;

  @Field({ description: 'ISO 4217, of every amount in the plan.' })
  currency!: string;

  @Field(() => BillingIntervals)
  interval!: BillingInterval;

  @Field(() => Int, { nullable: true, description: 'Intervals in one billing period, 1 to 1,000. None: 1.' })
  intervalCount?: number | null;

  @Field(() => BillingAlignments, { nullable: true, description: 'None: ANNIVERSARY.' })
  alignment?: BillingAlignment | null;

  @Field(() => [PriceInput])
  prices!: PriceInput[];

  @Field(() => DecimalScalar, {
    nullable: true,
    description: "In the plan's currency per period: what fee and usage stay below it is charged as one true-up line.",
  })
  minimumCommitment?: Decimal | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Billing periods that the commitment is for; its true-up comes with the last of them. None: 1.',
  })
  commitmentIntervals?: number | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: "In the plan's currency, above 0: an invoice is made as soon as unbilled usage of a period reaches it.",
  })
  invoiceThreshold?: Decimal | null;

  @Field(() => Int, { nullable: true, description: "Days without charge at the start, on the customer's calendar. None: 0." })
  trialDays?: number | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'CREDIT: credits granted each billing period.' })
  creditsPerInterval?: Decimal | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: "CREDIT: what one of them costs the customer, in the plan's currency; at most 18 decimals.",
  })
  creditPrice?: Decimal | null;

  @Field(() => CreditsGrantedWhens, {
    nullable: true,
    description: 'CREDIT: what the credits of a period wait for. None: FINALIZED.',
  })
  creditsGrantedWhen?: CreditsGrantedWhen | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'CREDIT: what is left of the credits of a period at its end lives on, while the subscription does. None: it expires with the period.',
  })
  creditRollover?: boolean | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'The most credits that are carried into a period; above it the oldest are lost at its start. None: all that are left.',
  })
  creditRolloverMaximum?: Decimal | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many periods after their own carried credits live, 1 to 1,000. None: until they are used.',
  })
  creditRolloverPeriods?: number | null;

  @Field(() => CreditExhaustions, { nullable: true, description: 'CREDIT: what happens to usage that no credit covers. None: BLOCK.' })
  creditExhaustion?: CreditExhaustion | null;

  @Field(() => DecimalScalar, { nullable: true, description: "OVERAGE: in the plan's currency for one credit; at most 18 decimals." })
  overagePricePerCredit?: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'OVERDRAFT: credits.' })
  overdraftLimit?: Decimal | null;

  @Field(() => [BurnRateInput], { nullable: true, description: 'CREDIT: what usage burns.' })
  burnRates?: BurnRateInput[] | null;

  @Field(() => Int, { nullable: true, description: 'SITE_LICENSE: the license runs this many intervals. None: 1.' })
  termIntervals?: number | null;

  @Field(() => Boolean, { nullable: true, description: 'SITE_LICENSE: a term follows the one before. None: true.' })
  autoRenew?: boolean | null;

  @Field(() => [FairUseInput], { nullable: true, description: 'SITE_LICENSE: alerts, never charges.' })
  fairUse?: FairUseInput[] | null;

  @Field(() => [PlanFeatureInput], {
    nullable: true,
    description: 'What its customers may do, as `entitlement` asks for it. None: nothing is restricted.',
  })
  features?: PlanFeatureInput[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'It can only be attached to a subscription of another plan with the same currency and interval, and brings prices and features.',
  })
  addOn?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Prices of this plan may count one token twice; refused with OVERLAPPING_METERS otherwise.',
  })
  allowOverlap?: boolean | null;
}

@ObjectType({ description: 'Something of a plan that will probably surprise somebody. It is no error: the plan can be published.' })
export class PlanWarning {
  @Field(() => String, { description: 'Stable, such as VOLUME_CLIFF, COMMITMENT_WITHOUT_EFFECT or PRICE_BELOW_COST.' })
  code!: Warning['code'];

  @Field({ description: 'The field that it is about: "prices[1].tiers[0].upTo".' })
  path!: string;

  @Field({ description: 'What happens, with the amounts, and what to do about it.' })
  message!: string;
}

@ObjectType({ description: 'A plan as one of its versions, or its draft, says.' })
export class Plan {
  @Field(() => ID, { description: 'The same for all versions.' })
  id!: string;

  @Field({ description: 'Your own key of the plan.' })
  key!: string;

  @Field()
  name!: string;

  @Field(() => PlanKinds)
  kind!: PlanKind;

  @Field({ description: 'ISO 4217.' })
  currency!: string;

  @Field(() => Int, { description: 'Counted from 1. Of a draft, what it would be if it were published now.' })
  version!: number;

  @Field(() => PlanTerms)
  terms!: PlanTerms;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When this version was published; null for a draft.' })
  publishedAt!: Instant | null;

  /** Undefined where it was not read with the plan. */
  archivedAt?: Instant | null;

  @Field(() => [PlanWarning], {
    nullable: true,
    description: 'What will probably surprise somebody, as createPlan, draftPlan and publishPlan tell; null elsewhere. See reviewPlan.',
  })
  warnings?: readonly PlanWarning[] | null;
}

@ObjectType()
export class PlanEdge {
  @Field({ description: 'Give it as `after` to read on behind this plan.' })
  cursor!: string;

  @Field(() => Plan)
  node!: Plan;
}

@ObjectType({ description: 'Plans in the order in which they were made; versions of one in the order in which they were published.' })
export class PlanConnection {
  @Field(() => [PlanEdge])
  edges!: PlanEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}
