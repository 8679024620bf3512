import { Args, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CouponsService } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { Coupon, CouponConnection, CouponInput } from './coupons.types.ts';

@Resolver(() => Coupon)
export class CouponsResolver {
  constructor(private readonly service: CouponsService) {}

  @Mutation(() => Coupon, {
    description: 'Makes a coupon. The same one again answers the one that is there; another one under its key is ALREADY_EXISTS.',
  })
  @RequireScope('WRITE')
  createCoupon(@CurrentPrincipal() { tenantId, apiKeyId }: Principal, @Args('input') input: CouponInput): Promise<Coupon> {
    return this.service.create(tenantId, input, apiKeyId);
  }

  @Mutation(() => Coupon, { description: 'Ends that a coupon can be redeemed; discounts that were redeemed go on.' })
  @RequireScope('WRITE')
  archiveCoupon(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('key', { description: 'Your own key.' }) key: string,
  ): Promise<Coupon> {
    return this.service.archive(tenantId, key, apiKeyId);
  }

  @Query(() => Coupon, { nullable: true })
  @RequireScope('READ')
  coupon(@CurrentPrincipal() { tenantId }: Principal, @Args('key', { description: 'Your own key.' }) key: string): Promise<Coupon | null> {
    return this.service.byKey(tenantId, key);
  }

  @Query(() => CouponConnection, {
    description: 'Coupons in the order in which they were made; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async coupons(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('archived', { type: () => Boolean, nullable: true, description: 'Those that are archived. None: those that are offered.' })
    archived: boolean | null,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<CouponConnection> {
    return connectionOf(await this.service.page(tenantId, { first, after }, archived ?? false), (coupon) => coupon);
  }
}
