import { Field, InputType } from '@nestjs/graphql';
import type { Decimal } from '@tare/core';
import { DecimalScalar } from './scalars.ts';

@InputType({ description: 'An amount of money.' })
export class MoneyInput {
  @Field(() => DecimalScalar, { description: 'In major units: "12.34".' })
  amount!: Decimal;

  @Field({ description: 'ISO 4217.' })
  currency!: string;
}
