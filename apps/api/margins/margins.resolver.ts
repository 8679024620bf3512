import { Args, ArgsType, Field, Int, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import type { CostBasis, FeeAllocation, Instant, MarginDimension } from '@tare/core';
import { MarginsService } from '@tare/margins';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { CostBases, FeeAllocations, MarginDimensions, MarginReport, MarginRow } from './margins.types.ts';

@ArgsType()
class MarginReportArguments {
  @Field(() => DateTimeScalar)
  from!: Instant;

  @Field(() => DateTimeScalar, { description: 'Exclusive.' })
  to!: Instant;

  @Field(() => [MarginDimensions], { description: 'At most 6 different ones; none: the total is the only row.' })
  groupBy!: MarginDimension[];

  @Field(() => Int, { nullable: true, description: 'Rows at most, 1 to 10,000; none: all.' })
  first?: number | null;

  @Field(() => CostBases, { nullable: true, description: 'Which cost the margin is computed from. None: FROZEN.' })
  costBasis?: CostBasis | null;

  @Field(() => FeeAllocations, { nullable: true, description: 'Where revenue stands that no usage earned. None: NONE.' })
  feeAllocation?: FeeAllocation | null;

  @Field(() => String, { nullable: true, description: "ISO 4217. None: the tenant's reporting currency." })
  currency?: string | null;
}

@Resolver(() => MarginReport)
export class MarginsResolver {
  constructor(private readonly service: MarginsService) {}

  @Query(() => MarginReport, {
    description:
      'The margin of a span by any dimensions: recognised revenue less the true cost of all usage. Rows in order of time where DAY or MONTH is asked for, else ' +
      'the largest revenue first; however they are grouped, they add up to the total. Where coverage is below 1 a margin is an upper bound. Amounts of other ' +
      'currencies convert at the rate of their day; revenue without a rate is NO_EXCHANGE_RATE, cost without one is unknown.',
  })
  @RequireScope('READ')
  marginReport(@CurrentPrincipal() { tenantId }: Principal, @Args() request: MarginReportArguments): Promise<MarginReport> {
    return this.service.report(tenantId, request);
  }

  @Query(() => [MarginRow], {
    description:
      'Customers whose known cost exceeds what they pay in the span, the worst loss first, with reasons that add up to it. Amounts are in the reporting currency. ' +
      'A loss can be larger than it shows where coverage is below 1.',
  })
  @RequireScope('READ')
  lossMakers(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('from', { type: () => DateTimeScalar }) from: Instant,
    @Args('to', { type: () => DateTimeScalar, description: 'Exclusive.' }) to: Instant,
    @Args('first', { type: () => Int, nullable: true, description: 'Rows at most; none: all.' }) first: number | null,
  ): Promise<MarginRow[]> {
    return this.service.lossMakers(tenantId, { from, to, first });
  }
}
