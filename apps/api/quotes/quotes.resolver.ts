import { Args, Query, Resolver } from '@nestjs/graphql';
import { priceQuoteOf } from '@tare/catalog';
import type { Decimal } from '@tare/core';
import { RequireScope } from '../auth/require-scope.ts';
import { DecimalScalar } from '../graphql/scalars.ts';
import { PriceInput } from '../plans/price.types.ts';
import { PriceQuote } from './quotes.types.ts';

@Resolver(() => PriceQuote)
export class QuotesResolver {
  @Query(() => PriceQuote, {
    description: 'A calculator: what a price charges for a quantity. Nothing is stored, and no meter has to be there.',
  })
  @RequireScope('READ')
  quotePrice(
    @Args('price', { type: () => PriceInput }) price: PriceInput,
    @Args('quantity', {
      type: () => DecimalScalar,
      description: 'In units of the meter; the seats of FLAT, the sum of PERCENTAGE (as one event), the cost of COST_PLUS. Not below 0.',
    })
    quantity: Decimal,
    @Args('currency', { type: () => String, nullable: true, description: 'ISO 4217, for rounding. None: USD.' }) currency: string | null,
  ): PriceQuote {
    const quote = priceQuoteOf({ price, quantity, currency });
    return { ...quote, lines: [...quote.lines] };
  }
}
