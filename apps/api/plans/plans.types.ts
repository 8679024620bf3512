import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { BillingAlignment, BillingInterval, CreditExhaustion, CreditsGrantedWhen, Decimal, OnLimit, PlanKind } from '@tare/core';
import { PageInfo } from '../graphql/page-info.ts';
import { DecimalScalar } from '../graphql/scalars.ts';
import { MeterFilterInput } from '../meters/meters.types.ts';
import { PriceInput } from './price.types.ts';

const PlanKinds = { PER_QUERY: 'PER_QUERY', SUBSCRIPTION: 'SUBSCRIPTION', CREDIT: 'CREDIT', SITE_LICENSE: 'SITE_LICENSE' } as const;
registerEnumType(PlanKinds, {
  name: 'PlanKind',
  valuesMap: {
    PER_QUERY: { description: 'Usage only, in arrears; no fee without usage.' },
    SUBSCRIPTION: { description: 'A recurring fee in advance, and usage over the allowance in arrears.' },
    CREDIT: { description: 'Credits bought up front or granted each interval; usage burns them.' },
    SITE_LICENSE: { description: 'A fixed fee for a term, unlimited use.' },
  },
});

const BillingIntervals = { DAY: 'DAY', WEEK: 'WEEK', MONTH: 'MONTH', QUARTER: 'QUARTER', YEAR: 'YEAR' } as const;
registerEnumType(BillingIntervals, { name: 'BillingInterval' });

const BillingAlignments = { ANNIVERSARY: 'ANNIVERSARY', CALENDAR: 'CALENDAR' } as const;
registerEnumType(BillingAlignments, {
  name: 'BillingAlignment',
  valuesMap: {
    ANNIVERSARY: { description: 'Periods are counted from the start of the subscription.' },
    CALENDAR: { description: "Periods are the customer's calendar days, weeks, months, quarters or years." },
  },
});

const CreditExhaustions = { BLOCK: 'BLOCK', OVERAGE: 'OVERAGE', OVERDRAFT: 'OVERDRAFT' } as const;
registerEnumType(CreditExhaustions, {
  name: 'CreditExhaustion',
  valuesMap: {
    BLOCK: { description: 'The entitlement says no; what comes anyway is not charged and shows as leakage.' },
    OVERAGE: { description: 'Billed in arrears at a stated price per credit.' },
    OVERDRAFT: { description: 'A debt up to a limit, taken from the next grant.' },
  },
});

const CreditsGrantedWhens = { FINALIZED: 'FINALIZED', PAID: 'PAID' } as const;
registerEnumType(CreditsGrantedWhens, {
  name: 'CreditsGrantedWhen',
  description: 'What the credits of a period wait for.',
  valuesMap: {
    FINALIZED: { description: 'Its invoice is finalized.' },
    PAID: { description: 'Its invoice is paid.' },
  },
});

const OnLimits = { BLOCK: 'BLOCK', ALLOW: 'ALLOW' } as const;
registerEnumType(OnLimits, {
  name: 'OnLimit',
  description: 'What the entitlement check says once a limit is reached.',
  valuesMap: {
    BLOCK: { description: 'No.' },
    ALLOW: { description: 'Yes, and the reason tells that the limit is reached.' },
  },
});

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
    description: 'Billing periods that the commitment is for; its true-up comes with the last of them. None: 1. Not available yet.',
  })
  commitmentIntervals?: number | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: "In the plan's currency, above 0: an invoice is made as soon as unbilled usage of a period reaches it. Not available yet.",
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
    description: 'CREDIT: what the credits of a period wait for. None: FINALIZED. PAID is not available yet.',
  })
  creditsGrantedWhen?: CreditsGrantedWhen | null;

  @Field(() => Boolean, { nullable: true, description: 'CREDIT: what is left of the credits of a period lives on. Not available yet.' })
  creditRollover?: boolean | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'The most credits that are carried into a period. None: all that are left.' })
  creditRolloverMaximum?: Decimal | null;

  @Field(() => Int, { nullable: true, description: 'How many periods carried credits live, 1 to 1,000. None: until they are used.' })
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
      'It can only be attached to a subscription of another plan with the same currency and interval, and brings prices and features. Not available yet.',
  })
  addOn?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Prices of this plan may count one token twice; refused with OVERLAPPING_METERS otherwise.',
  })
  allowOverlap?: boolean | null;
}

@ObjectType({ description: 'A plan as one of its versions says.' })
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

  @Field(() => Int, { description: 'Counted from 1.' })
  version!: number;
}

@ObjectType()
export class PlanEdge {
  @Field({ description: 'Give it as `after` to read on behind this plan.' })
  cursor!: string;

  @Field(() => Plan)
  node!: Plan;
}

@ObjectType({ description: 'The newest version of each plan, in the order in which plans were made.' })
export class PlanConnection {
  @Field(() => [PlanEdge])
  edges!: PlanEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}
