import { Args, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { MetersService } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { Meter, MeterConnection, MeterInput } from './meters.types.ts';

@Resolver(() => Meter)
export class MetersResolver {
  constructor(private readonly service: MetersService) {}

  @Mutation(() => Meter, {
    description: 'Makes a meter. The same one again answers the one that is there; another one under its key is ALREADY_EXISTS.',
  })
  @RequireScope('WRITE')
  createMeter(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: MeterInput): Promise<Meter> {
    return this.service.create(tenantId, input);
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
}
