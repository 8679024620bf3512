import { Args, Context, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CustomersService } from '@tare/customers';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { SubscriptionsOfCustomer } from '../subscriptions/subscriptions-of-customer.ts';
import { Subscription } from '../subscriptions/subscriptions.types.ts';
import { Customer, CustomerConnection, CustomerInput } from './customers.types.ts';

@Resolver(() => Customer)
export class CustomersResolver {
  constructor(
    private readonly service: CustomersService,
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
}
