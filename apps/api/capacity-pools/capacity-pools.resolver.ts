import { Args, Mutation, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CapacityPoolsService } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { RecostEvents } from '../cost-rates/recost-events.ts';
import { CapacityPool, CapacityPoolInput } from './capacity-pools.types.ts';

@Resolver(() => CapacityPool)
export class CapacityPoolsResolver {
  constructor(
    private readonly service: CapacityPoolsService,
    private readonly recostEvents: RecostEvents,
  ) {}

  @Mutation(() => CapacityPool, {
    description: 'Makes a pool with its cost from a time on; with the key of an existing pool it gives that one a new cost from then on.',
  })
  @RequireScope('WRITE')
  async createCapacityPool(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: CapacityPoolInput): Promise<CapacityPool> {
    const pool = await this.service.create(tenantId, input);
    await this.recostEvents.of(tenantId);
    return pool;
  }
}
