import { Args, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { keysetOf, pageOf } from '@tare/catalog';
import type { Decimal } from '@tare/core';
import { PurchasesService } from '@tare/credits';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { DecimalScalar } from '../graphql/scalars.ts';
import { BillPurchases } from './bill-purchases.ts';
import { AutoTopUp, AutoTopUpInput, CreditPurchase, CreditPurchaseConnection, CreditPurchaseInput } from './credits.types.ts';

/** Buying credits. */
@Resolver()
export class PurchasesResolver {
  constructor(
    private readonly purchases: PurchasesService,
    private readonly bills: BillPurchases,
  ) {}

  @Mutation(() => CreditPurchase, {
    description:
      'A pack of credits for a customer, once per key. Its PREPAID invoice is made at once (REQUESTED: it could not be, and a run makes it); paying it grants the credits.',
  })
  @RequireScope('WRITE')
  async purchaseCredits(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: CreditPurchaseInput): Promise<CreditPurchase> {
    return this.bills.of(tenantId, await this.purchases.purchase(tenantId, input));
  }

  @Mutation(() => CreditPurchase, {
    description:
      'Takes unused credits of a paid purchase back. `refundedAmount` says what was paid for them: give it back with a credit note on the invoice of the purchase.',
  })
  @RequireScope('WRITE')
  refundCreditPurchase(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('purchase', { description: 'Key of the purchase.' }) purchase: string,
    @Args('credits', { type: () => DecimalScalar, nullable: true, description: 'None: all that is unused.' }) credits: Decimal | null,
    @Args('key', {
      type: () => String,
      nullable: true,
      description:
        'Idempotency key, at most 255 characters: the same again answers the purchase as it is, other credits are KEY_REUSED. None: each call refunds.',
    })
    key: string | null,
  ): Promise<CreditPurchase> {
    return this.purchases.refund(tenantId, { customer, purchase, credits, key });
  }

  @Query(() => CreditPurchaseConnection, {
    description: 'Credits that a customer has bought, newest first; 50 unless `first` says otherwise.',
  })
  @RequireScope('READ')
  async creditPurchases(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<CreditPurchaseConnection> {
    const { afterTime, afterId, limit } = keysetOf({ first, after });
    const found = await this.purchases.list(tenantId, customer, { beforeTime: afterTime, beforeId: afterId, limit });
    return connectionOf(pageOf(found, limit), (purchase) => purchase);
  }

  @Mutation(() => AutoTopUp, {
    nullable: true,
    description: 'How a customer buys credits by itself when few are left. Without `topUp` it no longer does.',
  })
  @RequireScope('WRITE')
  setAutoTopUp(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('topUp', { type: () => AutoTopUpInput, nullable: true }) topUp: AutoTopUpInput | null | undefined,
  ): Promise<AutoTopUp | null> {
    return this.purchases.setAutoTopUp(tenantId, customer, topUp ?? null);
  }

  @Query(() => AutoTopUp, { nullable: true, description: 'How a customer buys credits by itself; null: it does not.' })
  @RequireScope('READ')
  autoTopUp(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
  ): Promise<AutoTopUp | null> {
    return this.purchases.autoTopUp(tenantId, customer);
  }

  @Mutation(() => [Int], {
    description: 'Shares of a wallet, in percent, at which an alert event `credits.threshold_reached` is recorded. Answers them in order.',
  })
  @RequireScope('WRITE')
  setCreditAlerts(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('percents', { type: () => [Int], description: 'Whole percentages from 1 to 100; none: no alerts.' }) percents: number[],
  ): Promise<readonly number[]> {
    return this.purchases.setPercents(tenantId, percents);
  }

  @Query(() => [Int], { description: 'Shares of a wallet at which an alert event is recorded; 50, 80 and 100 unless set.' })
  @RequireScope('READ')
  creditAlerts(@CurrentPrincipal() { tenantId }: Principal): Promise<readonly number[]> {
    return this.purchases.percents(tenantId);
  }
}
