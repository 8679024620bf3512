import { ArgsType, Field, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Decimal, Instant, TimeWindow } from '@tare/core';
import { PageInfo } from '../graphql/page-info.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { MeterFilterInput } from '../meters/meters.types.ts';

const Windows = { HOUR: 'HOUR', DAY: 'DAY', WEEK: 'WEEK', MONTH: 'MONTH', NONE: 'NONE' } as const;
registerEnumType(Windows, {
  name: 'UsageWindow',
  description: 'How usage over time is cut, on the clock and calendar of a time zone: days of a change of clocks have 23 or 25 hours.',
  valuesMap: {
    WEEK: { description: 'From Monday on.' },
    NONE: { description: 'Not at all: one row for the whole span.' },
  },
});

@ArgsType()
export class MeterUsageArgs {
  @Field({ description: 'Key of the meter.' })
  meter!: string;

  @Field(() => DateTimeScalar, { description: 'Any instant. Windows that it cuts are shorter.' })
  from!: Instant;

  @Field(() => DateTimeScalar, { description: 'Exclusive.' })
  to!: Instant;

  @Field(() => Windows, { nullable: true, description: 'NONE unless said; at most 10,000 windows.' })
  window?: TimeWindow | null;

  @Field(() => String, { nullable: true, description: "An IANA zone. None: each customer's own; UTC for all customers together." })
  timeZone?: string | null;

  @Field(() => [String], { nullable: true, description: 'Keys of customers, at most 1,000; those without a customer too. None: all.' })
  customers?: string[] | null;

  @Field(() => Boolean, { nullable: true, description: 'False: all customers that are asked for together. True unless said.' })
  perCustomer?: boolean | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'type, provider, model, serviceTier, region, pool, feature, outcome, and what the groupBy of the meter names; others are NOT_GROUPED_BY. At most 10.',
  })
  groupBy?: string[] | null;

  @Field(() => [MeterFilterInput], { nullable: true, description: 'The same properties. Usage that has one of the values of each.' })
  filters?: MeterFilterInput[] | null;

  @Field(() => Int, { nullable: true, description: '100 rows unless said, at most 1,000.' })
  first?: number | null;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ObjectType({ description: 'What usage has in common in a group.' })
export class MeterUsageGroupValue {
  @Field()
  property!: string;

  @Field(() => String, { nullable: true, description: 'Null: usage that has none.' })
  value!: string | null;
}

@ObjectType({ description: 'What a meter counts in a window, of a customer and group.' })
export class MeterUsage {
  @Field(() => DateTimeScalar)
  from!: Instant;

  @Field(() => DateTimeScalar, { description: 'Exclusive.' })
  to!: Instant;

  @Field(() => String, { nullable: true, description: 'Key of the customer; null: all that were asked for together.' })
  customer!: string | null;

  @Field(() => [MeterUsageGroupValue], { description: 'In the order of `groupBy`.' })
  group!: MeterUsageGroupValue[];

  @Field(() => DecimalScalar)
  value!: Decimal;

  @Field(() => Int, {
    description:
      'Events whose value is a JSON number in `properties` with more digits than a double certainly keeps: it counts by its shortest form. Send strings.',
  })
  inexactEvents!: number;
}

@ObjectType()
export class MeterUsageEdge {
  @Field({ description: 'Give it as `after` to read on behind this row.' })
  cursor!: string;

  @Field(() => MeterUsage)
  node!: MeterUsage;
}

@ObjectType({ description: 'By customer, window and group. Windows without usage have no row: the meter counts 0 there.' })
export class MeterUsageConnection {
  @Field(() => [MeterUsageEdge])
  edges!: MeterUsageEdge[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}
