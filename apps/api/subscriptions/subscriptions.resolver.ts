import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import type { Instant } from '@tare/core';
import { SubscriptionsService } from '@tare/customers';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { RegisterBoundaries } from './register-boundaries.ts';
import { subscriptionOfView } from './subscription-of-view.ts';
import { ChangeSubscriptionInput, Subscription, SubscriptionInput } from './subscriptions.types.ts';

@Resolver(() => Subscription)
export class SubscriptionsResolver {
  constructor(
    private readonly service: SubscriptionsService,
    private readonly registerBoundaries: RegisterBoundaries,
  ) {}

  @Mutation(() => Subscription, {
    description:
      'Subscribes a customer to the newest version of a plan. A start in the past bills every period that is over. One that would rate the same usage as ' +
      'another subscription of the customer is refused with AMBIGUOUS_METER unless it says `overlap`.',
  })
  @RequireScope('WRITE')
  async createSubscription(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('input') input: SubscriptionInput,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.service.create(tenantId, input, apiKeyId));
  }

  @Mutation(() => Subscription, {
    description:
      'Goes over to the newest version of a plan, to other seats, other add-ons: an upgrade at once, prorated to the second; everything else at the end of ' +
      'the period (of a license: of its term) unless it is asked for immediately. It takes the place of a change that was planned before; the plan that runs ' +
      'takes that one back. Prices agreed for a plan end with it.',
  })
  @RequireScope('WRITE')
  async changeSubscription(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('input') input: ChangeSubscriptionInput,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.service.change(tenantId, input, apiKeyId));
  }

  @Mutation(() => Subscription, {
    description: 'Attaches an add-on, charged from then on, or makes one that is attached count another number of times.',
  })
  @RequireScope('WRITE')
  async addAddOn(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('addOn', { description: 'Key of a plan that is an add-on.' }) addOn: string,
    @Args('quantity', { type: () => Int, nullable: true, description: 'None: 1.' }) quantity: number | null,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.service.addAddOn(tenantId, { subscription, addOn, quantity, at }, apiKeyId));
  }

  @Mutation(() => Subscription, { description: 'Detaches an add-on at the end of the period, or at once with its unused fee credited.' })
  @RequireScope('WRITE')
  async removeAddOn(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('addOn') addOn: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When it is asked for. None: now.' }) at: Instant | null,
    @Args('immediately', { type: () => Boolean, nullable: true }) immediately: boolean | null,
  ): Promise<Subscription> {
    const removed = await this.service.removeAddOn(tenantId, { subscription, addOn, at, immediately }, apiKeyId);
    return this.registerBoundaries.of(tenantId, removed);
  }

  @Mutation(() => Subscription, {
    description:
      'Ends a subscription at the end of its period (of a license: of its term), at once, or at a date. Usage up to the end is billed by a final invoice. Until ' +
      'it has ended, uncancelSubscription takes it back.',
  })
  @RequireScope('WRITE')
  async cancelSubscription(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When the cancellation is made. None: now.' })
    at: Instant | null,
    @Args('immediately', { type: () => Boolean, nullable: true, description: 'It ends when the cancellation is made.' })
    immediately: boolean | null,
    @Args('endsAt', { type: () => DateTimeScalar, nullable: true, description: 'It ends then, to the second.' })
    endsAt: Instant | null,
    @Args('creditUnused', {
      type: () => Boolean,
      nullable: true,
      description: 'What was paid for time after the end is credited to the second. None: it is kept.',
    })
    creditUnused: boolean | null,
  ): Promise<Subscription> {
    const input = { subscription, at, immediately, endsAt, creditUnused };
    return this.registerBoundaries.of(tenantId, await this.service.cancel(tenantId, input, apiKeyId));
  }

  @Mutation(() => Subscription, {
    description: 'Takes a cancellation back before it has ended the subscription: all that was agreed holds again.',
  })
  @RequireScope('WRITE')
  async uncancelSubscription(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When it is asked for. None: now.' }) at: Instant | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.service.uncancel(tenantId, { subscription, at }, apiKeyId));
  }

  @Query(() => Subscription, { nullable: true })
  @RequireScope('READ')
  async subscription(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('id', { type: () => ID }) id: string,
  ): Promise<Subscription | null> {
    const view = await this.service.byId(tenantId, id);
    return view && subscriptionOfView(view);
  }
}
