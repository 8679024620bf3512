import { Field, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import type { CapStanding as Standing, Entitlement as Answer, EntitlementUnit } from '@tare/entitlements';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

export const EntitlementUnits = { USAGE: 'USAGE', CREDITS: 'CREDITS', MONEY: 'MONEY' } as const;
registerEnumType(EntitlementUnits, {
  name: 'EntitlementUnit',
  description: 'What an amount counts.',
  valuesMap: {
    USAGE: { description: 'Units of the meter.' },
    CREDITS: { description: 'Credits.' },
    MONEY: { description: 'The currency of the cap.' },
  },
});

@ObjectType({ description: 'Where a cap of the customer stands.' })
export class CapStanding implements Omit<Standing, 'period'> {
  @Field({ description: 'Your own key of the cap.' }) key!: string;
  @Field(() => EntitlementUnits) unit!: Standing['unit'];
  @Field(() => DecimalScalar) limit!: Decimal;
  @Field(() => DecimalScalar) used!: Decimal;
  @Field(() => DecimalScalar, { description: 'Never below zero.' }) remaining!: Decimal;
  @Field({ description: 'False: it is told of in alert events and stops nothing.' }) hard!: boolean;
  @Field(() => DateTimeScalar, { description: 'When it counts from zero again.' }) resetsAt!: Instant;
}

@ObjectType({ description: 'Whether a customer may do something now, and how much is left.' })
export class Entitlement {
  @Field() allowed!: boolean;

  @Field(() => String, {
    nullable: true,
    description:
      'Null where it is allowed, else why not: UNKNOWN_CUSTOMER, NO_SUBSCRIPTION, SUBSCRIPTION_PAUSED, TRIAL_ENDED, FEATURE_NOT_INCLUDED, LIMIT_REACHED, ' +
      'CREDITS_EXHAUSTED or CAP_REACHED.',
  })
  reason!: string | null;

  @Field(() => DecimalScalar, {
    nullable: true,
    description:
      "What is left of the thing that decides: the feature's limit, else credits, else the included quantity of the meter, else a hard cap, or the cap if it leaves " +
      'less of the same. Null: nothing bounds it.',
  })
  remaining!: Decimal | null;

  @Field(() => EntitlementUnits, { nullable: true, description: 'What `remaining` counts.' }) unit!: EntitlementUnit | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When `remaining` is filled up again by itself; null: it is not.' })
  resetsAt!: Instant | null;

  @Field(() => DecimalScalar, { nullable: true, description: "The feature's, in the period that ends at `resetsAt`; null: it has none." })
  limit!: Decimal | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'What of `limit` is used; more than it where the plan lets usage go on.' })
  used!: Decimal | null;

  @Field(() => [CapStanding], { description: 'Caps of the customer that this counts against, hard and soft.' })
  caps!: readonly CapStanding[];
}

/** As GraphQL and REST show it. */
export function entitlementView({ caps, ...answer }: Answer): Entitlement {
  return { ...answer, caps: caps.length === 0 ? NO_CAPS : caps.map(({ period, ...cap }) => ({ ...cap, resetsAt: period.end })) };
}

const NO_CAPS: readonly CapStanding[] = [];
