import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Decimal, Instant } from '@tare/core';
import { Customer } from '../customers/customers.types.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { PageInfo } from '../graphql/page-info.ts';

export const MigrationTimings = { NOW: 'NOW', RENEWAL: 'RENEWAL', NEVER: 'NEVER' } as const;
registerEnumType(MigrationTimings, {
  name: 'MigrationTiming',
  valuesMap: {
    NOW: { description: 'At once, prorated to the second.' },
    RENEWAL: { description: 'At the end of the billing period, of a license of its term.' },
    NEVER: { description: 'It keeps its version; migrations of all customers pass it by from now on.' },
  },
});

@InputType({ description: 'Which subscriptions go over from one version of a plan to another.' })
export class MigrationInput {
  @Field({ description: 'Key of the plan.' })
  plan!: string;

  @Field(() => Int)
  fromVersion!: number;

  @Field(() => Int, { nullable: true, description: 'None: the newest.' })
  toVersion?: number | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'Your own keys of customers; subscriptions that are named so are migrated though they are pinned. None: all customers, but for pinned subscriptions.',
  })
  customers?: string[] | null;
}

@ObjectType({ description: 'A subscription that could not be migrated; the others were.' })
export class MigrationRefusal {
  @Field(() => ID)
  subscription!: string;

  @Field()
  code!: string;

  @Field()
  message!: string;
}

@ObjectType({
  description: 'What one page of a migration has done. Ask again with `after` while there is a next page; what is migrated stays as it is.',
})
export class MigrationPage {
  @Field(() => Int)
  migrated!: number;

  @Field(() => Int, { description: 'They were migrated, or pinned, before.' })
  unchanged!: number;

  @Field(() => [MigrationRefusal])
  refused!: readonly MigrationRefusal[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

@ObjectType({
  description: 'What a subscription pays for its last closed billing period, and what it would have paid under the other version.',
})
export class MigrationEffect {
  @Field(() => ID)
  subscription!: string;

  @Field(() => Customer)
  customer!: Customer;

  @Field()
  currency!: string;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Null: no billing period is closed yet, and only fees are compared.' })
  periodStart!: Instant | null;

  @Field(() => DateTimeScalar, { nullable: true })
  periodEnd!: Instant | null;

  @Field(() => DecimalScalar, { description: 'Fees, usage and commitment net of discounts, without tax and prepaid money.' })
  before!: Decimal;

  @Field(() => DecimalScalar)
  after!: Decimal;

  @Field(() => DecimalScalar, { description: 'after - before: above zero, it would have paid more.' })
  change!: Decimal;
}

@ObjectType()
export class MigrationEffectEdge {
  @Field({ description: 'Of the page: the next one begins behind it.' })
  cursor!: string;

  @Field(() => MigrationEffect)
  node!: MigrationEffect;
}

@ObjectType({ description: 'A page of subscriptions, on it those first that would have paid most more.' })
export class MigrationPreview {
  @Field(() => [MigrationEffectEdge])
  edges!: MigrationEffectEdge[];

  @Field(() => Int, { description: 'How many of the page would have paid more.' })
  payMore!: number;

  @Field(() => Int, { description: 'How many of the page would have paid less.' })
  payLess!: number;

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}
