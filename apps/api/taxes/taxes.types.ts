import { Field, InputType, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { CreditsTaxed, Decimal, Instant } from '@tare/core';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

export const CreditsTaxedEnum = { AT_PURCHASE: 'AT_PURCHASE', AT_USE: 'AT_USE' } as const satisfies Record<CreditsTaxed, CreditsTaxed>;
registerEnumType(CreditsTaxedEnum, {
  name: 'CreditsTaxed',
  description: 'When credits that a customer buys are taxed: once, never twice.',
});

@InputType()
export class TaxRateInput {
  @Field({ description: 'As it stands on invoices: "VAT".' })
  name!: string;

  @Field(() => DecimalScalar, { description: '"19" is 19 %; from 0 to 100.' })
  percent!: Decimal;
}

@InputType({ description: 'All of how a customer is taxed: what is left out is none.' })
export class CustomerTaxInput {
  @Field(() => [TaxRateInput], { nullable: true, description: 'Each is on the whole base, none on another; at most 10. None: no tax.' })
  rates?: TaxRateInput[] | null;

  @Field(() => Boolean, { nullable: true, description: 'No tax whatever the rates, which are kept for when that ends. None: false.' })
  exempt?: boolean | null;

  @Field(() => String, { nullable: true, description: 'VAT or GST number of the customer.' })
  taxId?: string | null;

  @Field(() => CreditsTaxedEnum, { nullable: true, description: 'None: AT_PURCHASE.' })
  creditsTaxed?: CreditsTaxed | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'For invoices of billing instants from here on. None: from now on; what is set first for a customer: from the beginning.',
  })
  from?: Instant | null;
}

@ObjectType({ description: 'A tax of a customer.' })
export class TaxRate {
  @Field()
  name!: string;

  @Field(() => DecimalScalar, { description: '"19" is 19 %.' })
  percent!: Decimal;
}

@ObjectType({ description: 'How a customer is taxed from a time on.' })
export class CustomerTax {
  @Field(() => [TaxRate])
  rates!: readonly TaxRate[];

  @Field({ description: 'No tax whatever the rates.' })
  exempt!: boolean;

  @Field(() => String, { nullable: true, description: 'VAT or GST number of the customer.' })
  taxId!: string | null;

  @Field(() => CreditsTaxedEnum)
  creditsTaxed!: CreditsTaxed;

  @Field(() => DateTimeScalar)
  validFrom!: Instant;
}
