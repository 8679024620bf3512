import { Args, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { EntitlementsService } from '@tare/entitlements';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { Entitlement, entitlementView } from './entitlements.types.ts';

@Resolver(() => Entitlement)
export class EntitlementsResolver {
  constructor(private readonly entitlements: EntitlementsService) {}

  @Query(() => Entitlement, {
    description:
      'Whether a customer may use a feature now: made to be asked before every call of a model, also as GET /v1/entitlements/{customer}/{feature}. ' +
      'Sees everything that this process has committed, and what others have within a second.',
  })
  @RequireScope('READ')
  async entitlement(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('feature', {
      description:
        'The key of a feature, where the plan lists features. Where it lists none: the key of a meter, or the feature that usage events name.',
    })
    feature: string,
  ): Promise<Entitlement> {
    return entitlementView(await this.entitlements.entitlement(tenantId, customer, feature));
  }
}
