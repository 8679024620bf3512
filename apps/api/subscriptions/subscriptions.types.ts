import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import type { SubscriptionStatus } from '@tare/customers';
import { Customer } from '../customers/customers.types.ts';
import { MoneyInput } from '../graphql/money-input.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { Plan } from '../plans/plans.types.ts';

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
    PAUSED: { description: 'Not used yet.' },
    CANCELED: { description: 'It was cancelled and has ended.' },
    ENDED: { description: 'Its term is over.' },
  },
});

@InputType({ description: 'A discount: percentOff or amountOff.' })
export class DiscountInput {
  @Field({ description: 'Your own key, once in a subscription.' })
  key!: string;

  @Field(() => DecimalScalar, { nullable: true, description: '"20" is 20 %; above 0, at most 100.' })
  percentOff?: Decimal | null;

  @Field(() => MoneyInput, { nullable: true, description: "At most this much off each period, in the plan's currency." })
  amountOff?: MoneyInput | null;

  @Field(() => [String], { nullable: true, description: 'Keys of the prices that it is taken off. None: the whole invoice.' })
  prices?: string[] | null;

  @Field(() => Int, { nullable: true, description: 'Billing periods from the start of the subscription. None: forever.' })
  periods?: number | null;
}

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
}

@InputType()
export class ChangeSubscriptionInput {
  @Field(() => ID)
  subscription!: string;

  @Field({ description: 'Key of the plan; its newest version is taken.' })
  plan!: string;

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
}
