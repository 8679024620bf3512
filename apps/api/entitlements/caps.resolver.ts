import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CapsService } from '@tare/entitlements';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { Cap, CapInput } from './caps.types.ts';

const CUSTOMER = { description: 'Your own key of the customer.' };

@Resolver(() => Cap)
export class CapsResolver {
  constructor(private readonly caps: CapsService) {}

  @Mutation(() => Cap, {
    description: 'Caps what a customer may use or spend in a period; what it used in the period already counts. At most 50 for a customer.',
  })
  @RequireScope('WRITE')
  setCap(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('customer', CUSTOMER) customer: string,
    @Args('input') input: CapInput,
  ): Promise<Cap> {
    return this.caps.set(tenantId, customer, input, apiKeyId);
  }

  @Mutation(() => Cap, { description: 'Takes a cap away and answers what it was.' })
  @RequireScope('WRITE')
  removeCap(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('customer', CUSTOMER) customer: string,
    @Args('key') key: string,
  ): Promise<Cap> {
    return this.caps.remove(tenantId, customer, key, apiKeyId);
  }

  @Query(() => [Cap], { name: 'caps', description: 'Caps of a customer, in the order of their keys: at most 50.' })
  @RequireScope('READ')
  ofCustomer(@CurrentPrincipal() { tenantId }: Principal, @Args('customer', CUSTOMER) customer: string): Promise<Cap[]> {
    return this.caps.list(tenantId, customer);
  }
}
