import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import type { Decimal, Instant } from '@tare/core';
import { CreditsService } from '@tare/credits';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import { CreditBalance, CreditGrant, CreditGrantInput, CreditReservation } from './credits.types.ts';

@Resolver()
export class CreditsResolver {
  constructor(private readonly service: CreditsService) {}

  @Mutation(() => CreditGrant, { description: 'Gives credits to a customer, once per key.' })
  @RequireScope('WRITE')
  grantCredits(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: CreditGrantInput): Promise<CreditGrant> {
    return this.service.grant(tenantId, input);
  }

  @Query(() => CreditBalance, { description: 'The credits of a customer at an instant, now unless said.' })
  @RequireScope('READ')
  async creditBalance(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true }) at: Instant | null,
  ): Promise<CreditBalance> {
    const { available, reserved, grants } = await this.service.balance(tenantId, customer, at ?? undefined);
    return { available, reserved, grants: [...grants] };
  }

  @Mutation(() => CreditReservation, { description: 'Not available in this release (NOT_AVAILABLE).' })
  @RequireScope('WRITE')
  reserveCredits(
    @Args('customer', { description: 'Your own key of the customer.' }) _customer: string,
    @Args('key', { description: 'Idempotency key.' }) _key: string,
    @Args('credits', { type: () => DecimalScalar, description: 'The worst case, in credits.' }) _credits: Decimal,
    @Args('ttlSeconds', { type: () => Int, nullable: true, description: 'Seconds until it releases itself.' }) _ttlSeconds: number | null,
  ): CreditReservation {
    return this.service.reserve();
  }

  @Mutation(() => CreditBalance, { description: 'Not available in this release (NOT_AVAILABLE).' })
  @RequireScope('WRITE')
  commitReservation(
    @Args('reservation', { type: () => ID }) _reservation: string,
    @Args('credits', { type: () => DecimalScalar, description: 'What was really used, in credits.' }) _credits: Decimal,
  ): CreditBalance {
    return this.service.commitReservation();
  }

  @Mutation(() => CreditBalance, { description: 'Not available in this release (NOT_AVAILABLE).' })
  @RequireScope('WRITE')
  releaseReservation(@Args('reservation', { type: () => ID }) _reservation: string): CreditBalance {
    return this.service.releaseReservation();
  }
}
