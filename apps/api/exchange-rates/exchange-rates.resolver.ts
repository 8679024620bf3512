import { Args, Mutation, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { ExchangeRatesService } from '@tare/catalog';
import type { Decimal, Instant } from '@tare/core';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars.ts';

@Resolver()
export class ExchangeRatesResolver {
  constructor(private readonly service: ExchangeRatesService) {}

  @Mutation(() => Boolean, {
    description:
      'What one unit of a currency is worth in another from a time on, until a later rate. Only for the direction that is given.',
  })
  @RequireScope('WRITE')
  async setExchangeRate(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('from', { description: 'ISO 4217.' }) from: string,
    @Args('to', { description: 'ISO 4217.' }) to: string,
    @Args('rate', { type: () => DecimalScalar, description: 'Units of `to` for one unit of `from`, above 0; at most 18 decimals.' })
    rate: Decimal,
    @Args('validFrom', { type: () => DateTimeScalar }) validFrom: Instant,
  ): Promise<boolean> {
    await this.service.set(tenantId, { from, to, rate, validFrom });
    return true;
  }
}
