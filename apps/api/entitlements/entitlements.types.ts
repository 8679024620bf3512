import { Field, ObjectType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

@ObjectType('Entitlement')
export class EntitlementType {
  @Field() allowed!: boolean;
  @Field(() => String, { nullable: true, description: 'Why not.' }) reason!: string | null;
  @Field(() => DecimalScalar, { nullable: true }) remaining!: Decimal | null;
  @Field(() => DateTimeScalar, { nullable: true }) resetsAt!: Instant | null;
}
