import { Args, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { PlansService } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { Plan, PlanConnection, PlanInput } from './plans.types.ts';

@Resolver(() => Plan)
export class PlansResolver {
  constructor(private readonly service: PlansService) {}

  @Mutation(() => Plan, {
    description:
      'Publishes a plan; with the key of an existing one its next version. Running subscriptions keep their version. The terms of the newest version again ' +
      'answer that version.',
  })
  @RequireScope('WRITE')
  createPlan(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: PlanInput): Promise<Plan> {
    return this.service.create(tenantId, input);
  }

  @Query(() => Plan, { nullable: true, description: 'The newest version of a plan.' })
  @RequireScope('READ')
  plan(@CurrentPrincipal() { tenantId }: Principal, @Args('key') key: string): Promise<Plan | null> {
    return this.service.byKey(tenantId, key);
  }

  @Query(() => PlanConnection, {
    description: 'The newest version of each plan, in the order in which plans were made; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async plans(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<PlanConnection> {
    return connectionOf(await this.service.page(tenantId, { first, after }), (plan) => plan);
  }
}
