import { Args, Context, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import type { Instant } from '@tare/core';
import { CustomersService, DiscountsService } from '@tare/customers';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { Discount, DiscountInput } from '../subscriptions/discount.types.ts';
import { SubscriptionsOfCustomer } from '../subscriptions/subscriptions-of-customer.ts';
import { Subscription } from '../subscriptions/subscriptions.types.ts';
import { Customer, CustomerChangeInput, CustomerConnection, CustomerInput } from './customers.types.ts';

@Resolver(() => Customer)
export class CustomersResolver {
  constructor(
    private readonly service: CustomersService,
    private readonly discountsService: DiscountsService,
    private readonly subscriptionsOfCustomer: SubscriptionsOfCustomer,
  ) {}

  @Mutation(() => Customer, {
    description:
      'Makes a customer. The same one again answers the one that is there; another one under its key is ALREADY_EXISTS. Usage that came before under the key ' +
      'is its own; the audit log says how much there was.',
  })
  @RequireScope('WRITE')
  createCustomer(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('input') input: CustomerInput): Promise<Customer> {
    return this.service.create(tenantId, input, apiKeyId);
  }

  @Mutation(() => Customer, {
    description:
      'Changes how a customer stands on invoices from now on; those that are final stay as they are. Stripe keeps the name and email of a customer that is there ' +
      'already: change them in Stripe too.',
  })
  @RequireScope('WRITE')
  updateCustomer(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('input') input: CustomerChangeInput,
  ): Promise<Customer> {
    return this.service.update(tenantId, customer, input, apiKeyId);
  }

  @Mutation(() => Customer, {
    description:
      'Gives a discount to all subscriptions of a customer, those to come included, for service periods that begin at `at` or later. Each subscription counts ' +
      'periods, and what is left of an amount, for itself.',
  })
  @RequireScope('WRITE')
  addCustomerDiscount(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('discount') discount: DiscountInput,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
  ): Promise<Customer> {
    return this.discountsService.addToCustomer(tenantId, { customer, discount, at }, apiKeyId);
  }

  @Mutation(() => Customer, { description: 'Ends a discount of a customer for service periods that begin at `at` or later.' })
  @RequireScope('WRITE')
  removeCustomerDiscount(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('key') key: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'None: now.' }) at: Instant | null,
  ): Promise<Customer> {
    return this.discountsService.removeFromCustomer(tenantId, { customer, key, at }, apiKeyId);
  }

  @Query(() => Customer, { nullable: true })
  @RequireScope('READ')
  customer(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('key', { description: 'Your own key.' }) key: string,
  ): Promise<Customer | null> {
    return this.service.byKey(tenantId, key);
  }

  @Query(() => CustomerConnection, {
    description: 'Customers in the order in which they were made; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async customers(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<CustomerConnection> {
    return connectionOf(await this.service.page(tenantId, { first, after }), (customer) => customer);
  }

  @ResolveField(() => [Subscription], { description: 'Oldest first, ended ones included.' })
  subscriptions(
    @CurrentPrincipal() { tenantId }: Principal,
    @Parent() customer: Customer,
    @Context() request: object,
  ): Promise<Subscription[]> {
    return this.subscriptionsOfCustomer.load(request, tenantId, customer.id);
  }

  @ResolveField(() => [Discount], { description: 'Discounts of all its subscriptions, ended ones included.' })
  discounts(@CurrentPrincipal() { tenantId }: Principal, @Parent() customer: Customer): Promise<readonly Discount[]> {
    return this.discountsService.ofCustomer(tenantId, customer.id);
  }
}
