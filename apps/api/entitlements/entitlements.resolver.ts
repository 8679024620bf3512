import { Args, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { EntitlementsService } from '@tare/entitlements';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { EntitlementType } from './entitlements.types.ts';

@Resolver(() => EntitlementType)
export class EntitlementsResolver {
  constructor(private readonly entitlements: EntitlementsService) {}

  @Query(() => EntitlementType, { description: 'Comes with a later release: answers NOT_AVAILABLE.' })
  @RequireScope('READ')
  entitlement(
    @CurrentPrincipal() principal: Principal,
    @Args('customer') customer: string,
    @Args('feature') feature: string,
  ): Promise<EntitlementType> {
    return this.entitlements.entitlement(principal.tenantId, customer, feature);
  }
}
