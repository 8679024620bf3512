import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Decimal, DiscountScope, Instant } from '@tare/core';
import { Money } from '../events/event.types.ts';
import { MoneyInput } from '../graphql/money-input.ts';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

export const DiscountScopes = { ALL: 'ALL', FEES: 'FEES', USAGE: 'USAGE' } as const;
registerEnumType(DiscountScopes, {
  name: 'DiscountScope',
  description: 'Which charges a discount is for.',
  valuesMap: {
    ALL: { description: 'Everything that it could be for.' },
    FEES: { description: "What is charged without usage, the plan's credits among it." },
    USAGE: { description: 'Usage, overage of credits among it.' },
  },
});

@InputType({ description: 'A discount that customers redeem by its key: percentOff or amountOff. What it promises never changes.' })
export class CouponInput {
  @Field({ description: 'Your own key of the coupon, what customers type; at most 255 characters.' })
  key!: string;

  @Field(() => String, { nullable: true, description: 'None: the key.' })
  name?: string | null;

  @Field(() => DecimalScalar, { nullable: true, description: '"20" is 20 %; above 0, at most 100.' })
  percentOff?: Decimal | null;

  @Field(() => MoneyInput, { nullable: true, description: 'At most this much off each billing period.' })
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

  @Field(() => Int, { nullable: true, description: 'How often it may be redeemed, from 1. None: any number of times.' })
  maxRedemptions?: number | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'It is redeemed before this instant. None: always.' })
  redeemBy?: Instant | null;
}

@ObjectType({ description: 'A discount that customers redeem by its key.' })
export class Coupon {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'Your own key of the coupon.' })
  key!: string;

  @Field()
  name!: string;

  @Field(() => DecimalScalar, { nullable: true, description: '"20" is 20 %.' })
  percentOff!: Decimal | null;

  @Field(() => Money, { nullable: true, description: 'At most this much off each billing period.' })
  amountOff!: Money | null;

  @Field(() => [String], { nullable: true, description: 'Keys of the prices that it is taken off; null: the whole invoice.' })
  prices!: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: 'Keys of the add-ons whose prices it is taken off, beside `prices`.' })
  addOns!: readonly string[] | null;

  @Field(() => DiscountScopes)
  appliesTo!: DiscountScope;

  @Field(() => Int, { nullable: true, description: 'Billing periods from where it begins; null: forever.' })
  periods!: number | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Service periods that begin from here on do not have it; null: no end.' })
  until!: Instant | null;

  @Field({ description: 'What a billing period does not use of an amountOff is left for the next ones.' })
  carriesOn!: boolean;

  @Field(() => Int, { nullable: true, description: 'How often it may be redeemed; null: any number of times.' })
  maxRedemptions!: number | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'It is redeemed before this instant; null: always.' })
  redeemBy!: Instant | null;

  @Field(() => Int, { description: 'How often it has been redeemed.' })
  redemptions!: number;

  @Field(() => DateTimeScalar, { nullable: true, description: 'It cannot be redeemed from then on; null: it can.' })
  archivedAt!: Instant | null;

  @Field(() => DateTimeScalar)
  createdAt!: Instant;
}

@ObjectType()
export class CouponEdge {
  @Field({ description: 'Give it as `after` to read on behind this coupon.' })
  cursor!: string;

  @Field(() => Coupon)
  node!: Coupon;
}

@ObjectType({ description: 'Coupons in the order in which they were made.' })
export class CouponConnection {
  @Field(() => [CouponEdge])
  edges!: CouponEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}
