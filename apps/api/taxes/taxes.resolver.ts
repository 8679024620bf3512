import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CustomerTaxesService } from '@tare/billing';
import type { Instant } from '@tare/core';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { CustomerTax, CustomerTaxInput } from './taxes.types.ts';

/** How customers are taxed. */
@Resolver()
export class TaxesResolver {
  constructor(private readonly taxes: CustomerTaxesService) {}

  @Mutation(() => CustomerTax, {
    description:
      'Sets how a customer is taxed, all of it. Invoices that are not finalized take it; finalized ones keep the tax that they have. The same again changes nothing.',
  })
  @RequireScope('WRITE')
  setCustomerTax(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('input') input: CustomerTaxInput,
  ): Promise<CustomerTax> {
    return this.taxes.set(tenantId, customer, input, apiKeyId);
  }

  @Query(() => CustomerTax, { nullable: true, description: 'How a customer is taxed at `at` (now unless said); null: nothing was set.' })
  @RequireScope('READ')
  customerTax(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true }) at: Instant | null,
  ): Promise<CustomerTax | null> {
    return this.taxes.current(tenantId, customer, at ?? undefined);
  }
}
