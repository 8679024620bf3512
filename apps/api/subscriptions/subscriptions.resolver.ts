import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import type { Instant } from '@tare/core';
import { SubscriptionsService } from '@tare/customers';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { RegisterBoundaries } from './register-boundaries.ts';
import { ChangeSubscriptionInput, Subscription, SubscriptionInput } from './subscriptions.types.ts';

@Resolver(() => Subscription)
export class SubscriptionsResolver {
  constructor(
    private readonly service: SubscriptionsService,
    private readonly registerBoundaries: RegisterBoundaries,
  ) {}

  @Mutation(() => Subscription, {
    description:
      'Subscribes a customer to the newest version of a plan. One that would rate the same usage as another subscription of the customer is refused with ' +
      'AMBIGUOUS_METER unless it says `overlap`.',
  })
  @RequireScope('WRITE')
  async createSubscription(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: SubscriptionInput): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.service.create(tenantId, input));
  }

  @Mutation(() => Subscription, {
    description:
      'Goes over to the newest version of a plan: an upgrade at once, prorated to the second; everything else at the end of the period. It takes the place of ' +
      'a change that was planned before; the plan that runs takes that one back.',
  })
  @RequireScope('WRITE')
  async changeSubscription(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('input') input: ChangeSubscriptionInput,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.service.change(tenantId, input));
  }

  @Mutation(() => Subscription, { description: 'Ends a subscription at the end of its period, or at once, which makes a final invoice.' })
  @RequireScope('WRITE')
  async cancelSubscription(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When the cancellation is made. None: now.' })
    at: Instant | null,
    @Args('immediately', { type: () => Boolean, nullable: true }) immediately: boolean | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.service.cancel(tenantId, { subscription, at, immediately }));
  }

  @Query(() => Subscription, { nullable: true })
  @RequireScope('READ')
  subscription(@CurrentPrincipal() { tenantId }: Principal, @Args('id', { type: () => ID }) id: string): Promise<Subscription | null> {
    return this.service.byId(tenantId, id);
  }
}
