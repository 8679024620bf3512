import { Field, ObjectType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

@ObjectType({ description: "A model with usage whose cost is not known: nobody knows a price, or it waits for a pool's hour to close." })
export class UnpricedModel {
  @Field(() => String, { nullable: true }) provider!: string | null;
  @Field(() => String, { nullable: true }) model!: string | null;
  @Field(() => DecimalScalar) events!: Decimal;
  @Field(() => DecimalScalar, { description: 'Input and output together.' }) tokens!: Decimal;
  @Field(() => DateTimeScalar, { description: 'Time of its earliest event without a known cost.' }) firstSeen!: Instant;
}

@ObjectType({ description: 'A customer key that events came for and no customer has. Creating the customer makes them its own.' })
export class UnattributedCustomer {
  @Field() key!: string;
  @Field(() => DecimalScalar) events!: Decimal;
  @Field(() => DateTimeScalar, { description: 'Time of its earliest event.' }) firstSeen!: Instant;
}

@ObjectType({ description: 'The time that usage lies in, by cells of a quarter of an hour.' })
export class UsageSpan {
  @Field(() => DateTimeScalar, { description: 'Start of the first cell.' }) from!: Instant;
  @Field(() => DateTimeScalar, { description: 'End of the last cell.' }) to!: Instant;
}
