import { Field, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { Plan } from '../plans/plans.types.ts';
import { PriceAmountsInput } from '../plans/price.types.ts';

@InputType({ description: 'An add-on of a subscription.' })
export class AddOnInput {
  @Field({ description: 'Key of a plan that is an add-on; its newest version is taken, unless the subscription has it already.' })
  addOn!: string;

  @Field(() => Int, { nullable: true, description: 'How often its fees and included quantities count. None: once.' })
  quantity?: number | null;
}

@InputType({
  description:
    'Amounts agreed for one price of a subscription. Those that are left out stay the plan’s; which ones there are depends on its model.',
})
export class PriceOverrideInput extends PriceAmountsInput {
  @Field({ description: 'Key of the price; of an add-on’s price `<add-on>/<price>`, and then for one piece of the add-on.' })
  price!: string;

  @Field(() => DecimalScalar, { nullable: true, description: 'FLAT: in major units of the plan’s currency, per interval.' })
  amount?: Decimal | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'From here on, to the second. None: from when it is asked for.' })
  validFrom?: Instant | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until here, exclusive; then the plan’s own amounts hold again. None: as long as the plan runs.',
  })
  validUntil?: Instant | null;
}

@ObjectType({ description: 'An add-on that a subscription has.' })
export class AttachedAddOn {
  @Field({ description: 'Key of the add-on’s plan.' })
  addOn!: string;

  @Field(() => Int)
  quantity!: number;
}

@ObjectType()
export class AgreedTier {
  @Field(() => DecimalScalar, { nullable: true })
  upTo!: Decimal | null;

  @Field(() => DecimalScalar)
  unitPrice!: Decimal;

  @Field(() => DecimalScalar)
  flatFee!: Decimal;
}

@ObjectType({ description: 'Amounts agreed for one price; null: the plan’s.' })
export class PriceOverride {
  @Field()
  price!: string;

  @Field(() => DecimalScalar, { nullable: true })
  amount?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  unitPrice?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  packageSize?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  packagePrice?: Decimal;

  @Field(() => [AgreedTier], { nullable: true })
  tiers?: readonly AgreedTier[];

  @Field(() => DecimalScalar, { nullable: true })
  rate?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  fixedFee?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  markup?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  unitFloor?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  unitCeiling?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  includedQuantity?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  minimumAmount?: Decimal;

  @Field(() => DecimalScalar, { nullable: true })
  maximumAmount?: Decimal;
}

@ObjectType({ description: 'A stretch of a subscription in which nothing of what decides its bills changes.' })
export class SubscriptionSegment {
  @Field(() => Plan)
  plan!: Plan;

  @Field(() => DateTimeScalar)
  start!: Instant;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Exclusive; null while nothing ends it.' })
  end!: Instant | null;

  @Field(() => Int)
  seats!: number;

  @Field(() => [AttachedAddOn])
  addOns!: AttachedAddOn[];

  @Field(() => [PriceOverride], { description: 'Prices agreed beside the plan’s.' })
  overrides!: readonly PriceOverride[];

  @Field({ description: 'Nothing is charged and no usage is rated.' })
  paused!: boolean;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Nothing is charged before it; null: no trial.' })
  trialEnd!: Instant | null;
}
