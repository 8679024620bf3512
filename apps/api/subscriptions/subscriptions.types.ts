import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Instant } from '@tare/core';
import type { SubscriptionStatus } from '@tare/customers';
import { Customer } from '../customers/customers.types.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { Plan } from '../plans/plans.types.ts';
import { AddOnInput, AttachedAddOn, PriceOverride, PriceOverrideInput, SubscriptionSegment } from './agreement.types.ts';
import { Discount, DiscountInput } from './discount.types.ts';

const SubscriptionStatuses = {
  TRIALING: 'TRIALING',
  ACTIVE: 'ACTIVE',
  PENDING: 'PENDING',
  PAUSED: 'PAUSED',
  CANCELED: 'CANCELED',
  ENDED: 'ENDED',
} as const;
registerEnumType(SubscriptionStatuses, {
  name: 'SubscriptionStatus',
  description: 'Where a subscription stands now.',
  valuesMap: {
    TRIALING: { description: 'It runs and is not charged yet.' },
    ACTIVE: { description: 'It runs; also when it is cancelled for the end of its period.' },
    PENDING: { description: 'It has not started.' },
    PAUSED: { description: 'It is not charged, and no usage is rated, until it is resumed.' },
    CANCELED: { description: 'It was cancelled and has ended.' },
    ENDED: { description: 'Its term is over.' },
  },
});

@InputType()
export class SubscriptionInput {
  @Field({ description: 'Your own key of the customer.' })
  customer!: string;

  @Field({ description: 'Key of the plan; its newest version is taken.' })
  plan!: string;

  @Field(() => DateTimeScalar, { description: 'Its periods are counted from here, or from the end of the trial that begins here.' })
  startsAt!: Instant;

  @Field(() => Int, { nullable: true, description: 'For prices per seat. None: 1.' })
  seats?: number | null;

  @Field(() => Boolean, { nullable: true, description: 'It may stand beside another subscription that rates the same usage.' })
  overlap?: boolean | null;

  @Field(() => [DiscountInput], { nullable: true })
  discounts?: DiscountInput[] | null;

  @Field(() => [AddOnInput], { nullable: true })
  addOns?: AddOnInput[] | null;

  @Field(() => [PriceOverrideInput], {
    nullable: true,
    description: 'Prices agreed beside the plan’s; none has a validFrom before the start.',
  })
  overrides?: PriceOverrideInput[] | null;
}

@InputType()
export class ChangeSubscriptionInput {
  @Field(() => ID)
  subscription!: string;

  @Field(() => String, { nullable: true, description: 'Key of the plan; its newest version is taken. None: plan and version stay.' })
  plan?: string | null;

  @Field(() => Int, { nullable: true, description: 'None: they stay.' })
  seats?: number | null;

  @Field(() => [AddOnInput], { nullable: true, description: 'All add-ons from then on. None: they stay.' })
  addOns?: AddOnInput[] | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When the change is asked for. None: now.' })
  at?: Instant | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'It takes effect at once whatever it is: what was paid for and is not used is credited to the second. A change of currency cannot (NOT_AVAILABLE).',
  })
  immediately?: boolean | null;
}

@ObjectType({ description: 'A customer on a plan.' })
export class Subscription {
  @Field(() => ID)
  id!: string;

  @Field(() => Customer)
  customer!: Customer;

  @Field(() => Plan, { description: 'The one that runs; before the start the first, after the end the last.' })
  plan!: Plan;

  @Field(() => SubscriptionStatuses)
  status!: SubscriptionStatus;

  @Field(() => DateTimeScalar)
  startsAt!: Instant;

  @Field(() => DateTimeScalar, { nullable: true, description: 'From here on it no longer bills; null while it is not cancelled.' })
  endsAt!: Instant | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Of the billing period, trial or term that runs now; null before the start and after the end.',
  })
  currentPeriodStart!: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Exclusive.' })
  currentPeriodEnd!: Instant | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the period, of a license the term, is followed by the next one; null where none follows.',
  })
  renewsAt!: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was cancelled; null: it is not.' })
  canceledAt!: Instant | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When a pause that runs ends; null where none runs, or nothing ends it yet.',
  })
  resumesAt!: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Since when migrations of its plan pass it by; null: they do not.' })
  pinnedAt!: Instant | null;

  @Field(() => [Discount], { description: 'Those of its customer, then its own, ended ones included.' })
  discounts!: readonly Discount[];

  @Field(() => Int)
  seats!: number;

  @Field(() => [AttachedAddOn])
  addOns!: AttachedAddOn[];

  @Field(() => [PriceOverride], { description: 'Prices agreed beside the plan’s.' })
  overrides!: readonly PriceOverride[];

  @Field(() => DateTimeScalar, { nullable: true, description: 'Nothing is charged before it; null: no trial runs or will.' })
  trialEndsAt!: Instant | null;

  @Field(() => [SubscriptionSegment], {
    description:
      'Everything that is agreed, in order of time, cut where it is cancelled. What runs now is repeated in the fields beside it.',
  })
  segments!: SubscriptionSegment[];
}
