import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import type { Decimal, Instant } from '@tare/core';
import { CreditsService, DebitsService } from '@tare/credits';
import { EntitlementsService } from '@tare/entitlements';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';
import {
  CreditBalance,
  CreditDebit,
  CreditGrant,
  CreditGrantInput,
  CreditReservation,
  DebitCreditsInput,
  ReverseDebitInput,
} from './credits.types.ts';

@Resolver()
export class CreditsResolver {
  constructor(
    private readonly service: CreditsService,
    private readonly debits: DebitsService,
    private readonly entitlements: EntitlementsService,
  ) {}

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
    return this.balanceOf(tenantId, customer, at ?? undefined);
  }

  @Mutation(() => CreditDebit, {
    description:
      'Takes credits, once per key. What grants do not cover is up to the plan: BLOCK refuses it (CREDITS_EXHAUSTED), OVERAGE bills it in arrears, OVERDRAFT owes it up to its limit.',
  })
  @RequireScope('WRITE')
  async debitCredits(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: DebitCreditsInput): Promise<CreditDebit> {
    const { debit, available } = await this.debits.debit(tenantId, input);
    this.entitlements.customerChanged(tenantId, input.customer);
    return { ...debit, available };
  }

  @Mutation(() => CreditDebit, { description: 'Gives back what a debit took, to the grants that it was taken from: the last first.' })
  @RequireScope('WRITE')
  async reverseDebit(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: ReverseDebitInput): Promise<CreditDebit> {
    const reversal = await this.debits.reverse(tenantId, input);
    this.entitlements.customerChanged(tenantId, input.customer);
    return { ...reversal, available: (await this.service.balance(tenantId, input.customer)).available };
  }

  @Mutation(() => CreditReservation, {
    description: 'Holds credits for work whose price is not known yet, once per key. Refused where a debit would be (CREDITS_EXHAUSTED).',
  })
  @RequireScope('WRITE')
  async reserveCredits(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('key', { description: 'Idempotency key.' }) key: string,
    @Args('credits', { type: () => DecimalScalar, description: 'The worst case, in credits.' }) credits: Decimal,
    @Args('ttlSeconds', { type: () => Int, nullable: true, description: 'Seconds until it releases itself. None: 300.' })
    ttlSeconds: number | null,
  ): Promise<CreditReservation> {
    const reservation = await this.debits.reserve(tenantId, { customer, key, credits, ttlSeconds });
    this.entitlements.customerChanged(tenantId, customer);
    return reservation;
  }

  @Mutation(() => CreditBalance, {
    description:
      'Takes what was really used and releases the rest. What is more than was reserved is taken from the balance, and beyond it by the rule of the plan: it is never refused.',
  })
  @RequireScope('WRITE')
  async commitReservation(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('reservation', { type: () => ID }) reservation: string,
    @Args('credits', { type: () => DecimalScalar, description: 'What was really used, in credits.' }) credits: Decimal,
  ): Promise<CreditBalance> {
    const { customer } = await this.debits.commit(tenantId, reservation, credits);
    this.entitlements.customerChanged(tenantId, customer);
    return this.balanceOf(tenantId, customer);
  }

  @Mutation(() => CreditBalance, { description: 'Releases a reservation unused. Once more changes nothing.' })
  @RequireScope('WRITE')
  async releaseReservation(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('reservation', { type: () => ID }) reservation: string,
  ): Promise<CreditBalance> {
    const { customer } = await this.debits.release(tenantId, reservation);
    this.entitlements.customerChanged(tenantId, customer);
    return this.balanceOf(tenantId, customer);
  }

  private async balanceOf(tenantId: string, customer: string, at?: Instant): Promise<CreditBalance> {
    const { grants, ...sums } = await this.service.balance(tenantId, customer, at);
    return { ...sums, grants: [...grants] };
  }
}
