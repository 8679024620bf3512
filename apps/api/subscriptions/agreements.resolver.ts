import { Args, ID, Mutation, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import type { Instant } from '@tare/core';
import { AgreedPricesService, DiscountsService, PausesService } from '@tare/customers';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { PriceOverrideInput } from './agreement.types.ts';
import { DiscountInput } from './discount.types.ts';
import { RegisterBoundaries } from './register-boundaries.ts';
import { subscriptionOfView } from './subscription-of-view.ts';
import { Subscription } from './subscriptions.types.ts';

/** What one subscription agrees beside its plan: prices, pauses, its trial, discounts. */
@Resolver(() => Subscription)
export class AgreementsResolver {
  constructor(
    private readonly prices: AgreedPricesService,
    private readonly pauses: PausesService,
    private readonly discounts: DiscountsService,
    private readonly registerBoundaries: RegisterBoundaries,
  ) {}

  @Mutation(() => Subscription, {
    description:
      'Agrees prices for one subscription, in place of the plan’s and of what was agreed for them before. A fee that changes inside a period is prorated to the ' +
      'second; usage is split there.',
  })
  @RequireScope('WRITE')
  async overridePrices(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('overrides', { type: () => [PriceOverrideInput] }) overrides: PriceOverrideInput[],
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'From when on, where an override has no validFrom. None: now.' })
    at: Instant | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.prices.override(tenantId, { subscription, overrides, at }, apiKeyId));
  }

  @Mutation(() => Subscription, { description: 'The plan’s own amounts hold again for these prices.' })
  @RequireScope('WRITE')
  async removePriceOverrides(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('prices', { type: () => [String] }) prices: string[],
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'From when on. None: now.' }) at: Instant | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.prices.remove(tenantId, { subscription, prices, at }, apiKeyId));
  }

  @Mutation(() => Subscription, {
    description:
      'Pauses a subscription: the unused part of its fee is credited to the second, and usage is rated by none. What is used before and after it in one ' +
      'billing period counts together.',
  })
  @RequireScope('WRITE')
  async pauseSubscription(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
    @Args('resumesAt', { type: () => DateTimeScalar, nullable: true, description: 'None: when it is resumed.' }) resumesAt: Instant | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.pauses.pause(tenantId, { subscription, at, resumesAt }, apiKeyId));
  }

  @Mutation(() => Subscription, {
    description: 'Ends a pause: the rest of the billing period is charged, and the calendar is that of before.',
  })
  @RequireScope('WRITE')
  async resumeSubscription(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.pauses.resume(tenantId, { subscription, at }, apiKeyId));
  }

  @Mutation(() => Subscription, {
    description: 'Lets a trial that runs end later, earlier, or now. Billing periods are counted from its end.',
  })
  @RequireScope('WRITE')
  async setTrialEnd(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('trialEndsAt', { type: () => DateTimeScalar }) trialEndsAt: Instant,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When it is asked for; not after trialEndsAt. None: now.' })
    at: Instant | null,
  ): Promise<Subscription> {
    return this.registerBoundaries.of(tenantId, await this.pauses.setTrialEnd(tenantId, { subscription, trialEndsAt, at }, apiKeyId));
  }

  @Mutation(() => Subscription, { description: 'Gives a discount for the service periods that begin at `at` or later.' })
  @RequireScope('WRITE')
  async addDiscount(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('discount') discount: DiscountInput,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
  ): Promise<Subscription> {
    return subscriptionOfView(await this.discounts.add(tenantId, { subscription, discount, at }, apiKeyId));
  }

  @Mutation(() => Subscription, { description: 'Ends a discount for the service periods that begin at `at` or later.' })
  @RequireScope('WRITE')
  async removeDiscount(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('key') key: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
  ): Promise<Subscription> {
    return subscriptionOfView(await this.discounts.remove(tenantId, { subscription, key, at }, apiKeyId));
  }

  @Mutation(() => Subscription, {
    description: 'Redeems a coupon: the subscription has its discount, under its key, for the service periods that begin at `at` or later.',
  })
  @RequireScope('WRITE')
  async redeemCoupon(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('subscription', { type: () => ID }) subscription: string,
    @Args('coupon', { description: 'Its key.' }) coupon: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
  ): Promise<Subscription> {
    return subscriptionOfView(await this.discounts.redeem(tenantId, { subscription, coupon, at }, apiKeyId));
  }
}
