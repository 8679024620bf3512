import { Field, ObjectType } from '@nestjs/graphql';
import type { Decimal } from '@tare/core';
import { DecimalScalar } from '../graphql/scalars.ts';

@ObjectType({ description: 'One step from the quantity to the amount.' })
export class PriceQuoteLine {
  @Field()
  description!: string;

  @Field(() => DecimalScalar, { description: 'In units of the meter.' })
  quantity!: Decimal;

  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'For one unit; null where the step has no price per unit, such as a flat fee.',
  })
  unitPrice!: Decimal | null;

  @Field(() => DecimalScalar, { description: 'In the currency asked for, exact.' })
  amount!: Decimal;
}

@ObjectType({ description: 'What a price charges for a quantity in a whole period.' })
export class PriceQuote {
  @Field(() => DecimalScalar, { description: 'Exact, before rounding.' })
  amount!: Decimal;

  @Field(() => DecimalScalar, {
    description: "As an invoice line would have it: rounded once to the currency's billing increment, half away from zero.",
  })
  rounded!: Decimal;

  @Field(() => [PriceQuoteLine], { description: 'They add up to `amount`.' })
  lines!: PriceQuoteLine[];
}
