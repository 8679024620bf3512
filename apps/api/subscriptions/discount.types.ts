import { Field, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { Decimal, DiscountScope, Instant } from '@tare/core';
import { DiscountScopes } from '../coupons/coupons.types.ts';
import { Money } from '../events/event.types.ts';
import { MoneyInput } from '../graphql/money-input.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

@InputType({ description: 'A discount: percentOff or amountOff.' })
export class DiscountInput {
  @Field({ description: 'Your own key, once in a subscription, discounts of its customer included.' })
  key!: string;

  @Field(() => DecimalScalar, { nullable: true, description: '"20" is 20 %; above 0, at most 100.' })
  percentOff?: Decimal | null;

  @Field(() => MoneyInput, { nullable: true, description: "At most this much off each billing period, in the plan's currency." })
  amountOff?: MoneyInput | null;

  @Field(() => [String], { nullable: true, description: 'Keys of the prices that it is taken off. None: the whole invoice.' })
  prices?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Keys of the add-ons whose prices it is taken off, beside `prices`.' })
  addOns?: string[] | null;

  @Field(() => DiscountScopes, { nullable: true, description: 'None: ALL.' })
  appliesTo?: DiscountScope | null;

  @Field(() => Int, { nullable: true, description: 'Billing periods from where it begins; 1 is once. None: forever.' })
  periods?: number | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Service periods that begin from here on do not have it. None: no end.' })
  until?: Instant | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'What a billing period does not use of an amountOff is left for the next ones. None: false, it is lost.',
  })
  carriesOn?: boolean | null;
}

@ObjectType({ description: 'A discount that a subscription has, or had.' })
export class Discount {
  @Field()
  key!: string;

  @Field(() => DecimalScalar, { nullable: true })
  percentOff!: Decimal | null;

  @Field(() => Money, { nullable: true })
  amountOff!: Money | null;

  @Field(() => [String], { nullable: true })
  prices!: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  addOns!: readonly string[] | null;

  @Field(() => DiscountScopes)
  appliesTo!: DiscountScope;

  @Field(() => Int, { nullable: true })
  periods!: number | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Service periods that begin here or later have it; null: from the first one on.',
  })
  from!: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Service periods that begin from here on do not have it.' })
  until!: Instant | null;

  @Field()
  carriesOn!: boolean;

  @Field(() => String, { nullable: true, description: 'Key of the coupon that gave it.' })
  coupon!: string | null;

  @Field({ description: 'All subscriptions of the customer have it.' })
  ofCustomer!: boolean;
}
