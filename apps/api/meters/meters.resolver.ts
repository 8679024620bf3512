import { Args, Context, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { MetersService } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { BackfillOfMeter } from './backfill-of-meter.ts';
import { Meter, MeterBackfill, MeterConnection, MeterInput } from './meters.types.ts';

@Resolver(() => Meter)
export class MetersResolver {
  constructor(
    private readonly service: MetersService,
    private readonly backfillOfMeter: BackfillOfMeter,
  ) {}

  @Mutation(() => Meter, {
    description:
      'Makes a meter. It counts all usage that there is, at once. The same one again answers the one that is there; another one under its key is ALREADY_EXISTS.',
  })
  @RequireScope('WRITE')
  createMeter(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: MeterInput): Promise<Meter> {
    return this.service.create(tenantId, input);
  }

  @Query(() => Meter, { nullable: true })
  @RequireScope('READ')
  meter(@CurrentPrincipal() { tenantId }: Principal, @Args('key', { description: 'Your own key.' }) key: string): Promise<Meter | null> {
    return this.service.byKey(tenantId, key);
  }

  @Query(() => MeterConnection, {
    description: 'Meters in the order in which they were made; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async meters(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<MeterConnection> {
    return connectionOf(await this.service.page(tenantId, { first, after }), (meter) => meter);
  }

  @ResolveField(() => MeterBackfill, { description: 'How far its history is rolled up.' })
  backfill(@CurrentPrincipal() { tenantId }: Principal, @Parent() meter: Meter, @Context() request: object): Promise<MeterBackfill> {
    return this.backfillOfMeter.load(request, tenantId, meter);
  }
}
