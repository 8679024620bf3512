import { Field, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Decimal } from '@tare/core';
import type { Cap as StoredCap, CapEnforcement, CapInput as Input, CapKind, CapPeriod } from '@tare/entitlements';
import { DecimalScalar } from '../graphql/scalars.ts';
import { MeterFilter, MeterFilterInput } from '../meters/meters.types.ts';

const CapKinds = { USAGE: 'USAGE', SPEND: 'SPEND' } as const;
registerEnumType(CapKinds, {
  name: 'CapKind',
  valuesMap: {
    USAGE: { description: 'What a meter counts.' },
    SPEND: {
      description:
        'What usage is charged, by the prices of the plan with their tiers, and credits above the balance where the plan bills them (OVERAGE); fees, credits that are ' +
        'bought, minimums, discounts and tax are not in it.',
    },
  },
});

const CapPeriods = { BILLING: 'BILLING', DAY: 'DAY', WEEK: 'WEEK', MONTH: 'MONTH' } as const;
registerEnumType(CapPeriods, {
  name: 'CapPeriod',
  description: "The time that a cap counts over, in the customer's time zone.",
  valuesMap: {
    BILLING: { description: 'The billing period of the oldest subscription that runs; the calendar month where none does.' },
    WEEK: { description: 'From Monday.' },
  },
});

const CapEnforcements = { HARD: 'HARD', SOFT: 'SOFT' } as const;
registerEnumType(CapEnforcements, {
  name: 'CapEnforcement',
  valuesMap: {
    HARD: { description: 'The entitlement says CAP_REACHED once the limit is reached.' },
    SOFT: { description: 'Alert events only.' },
  },
});

@InputType({ description: 'The most that a customer may use or spend in a period.' })
export class CapInput implements Input {
  @Field({ description: 'Your own, at most 255 characters; another cap of the customer under it is replaced.' }) key!: string;
  @Field(() => CapKinds) kind!: CapKind;
  @Field(() => String, {
    nullable: true,
    description: 'USAGE: the meter that is capped. SPEND: only prices on this meter; none: all usage, and credits above the balance.',
  })
  meter?: string | null;
  @Field(() => [MeterFilterInput], {
    nullable: true,
    description:
      'Only usage with these values: one model, one feature. Of SPEND where its prices charge such a part by itself: prices or groups for just that, or the same ' +
      'for every unit; else NOT_SEPARABLE says which price does not, and why.',
  })
  match?: MeterFilterInput[] | null;
  @Field(() => DecimalScalar, { description: "In the meter's unit, or in the currency." }) limit!: Decimal;
  @Field(() => String, { nullable: true, description: "SPEND: ISO 4217; none: the customer's, or that of its plan." }) currency?:
    string | null;
  @Field(() => CapPeriods) period!: CapPeriod;
  @Field(() => CapEnforcements, { nullable: true, description: 'HARD unless it says otherwise.' }) enforcement?: CapEnforcement | null;
  @Field(() => [Int], { nullable: true, description: 'Percents at which an alert event is recorded; none: those of the alert rule CAP.' })
  alertAt?: number[] | null;
}

@ObjectType({ description: 'The most that a customer may use or spend in a period.' })
export class Cap implements StoredCap {
  @Field({ description: 'Your own.' }) key!: string;
  @Field(() => CapKinds) kind!: CapKind;
  @Field(() => String, { nullable: true }) meter!: string | null;
  @Field(() => [MeterFilter]) match!: readonly MeterFilter[];
  @Field(() => DecimalScalar) limit!: Decimal;
  @Field(() => String, { nullable: true, description: 'ISO 4217; null for USAGE.' }) currency!: string | null;
  @Field(() => CapPeriods) period!: CapPeriod;
  @Field(() => CapEnforcements) enforcement!: CapEnforcement;
  @Field(() => [Int], { nullable: true, description: 'Null: those of the alert rule CAP.' }) alertAt!: readonly number[] | null;
}
