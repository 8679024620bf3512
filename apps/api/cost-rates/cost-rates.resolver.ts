import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CostRatesService } from '@tare/catalog';
import type { Instant } from '@tare/core';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { TokensInput } from '../graphql/tokens-input.ts';
import { CostQuote, CostRate, CostRateInput } from './cost-rates.types.ts';
import { RecostEvents } from './recost-events.ts';

@Resolver(() => CostRate)
export class CostRatesResolver {
  constructor(
    private readonly service: CostRatesService,
    private readonly recostEvents: RecostEvents,
  ) {}

  @Mutation(() => CostRate, {
    description:
      'Adds a rate of your own, which goes before the catalogue. Nothing is overwritten: of rates for the same time the one recorded last counts. Events that ' +
      'were unpriced get their cost; events that had one keep it as frozen cost, and their restated cost follows.',
  })
  @RequireScope('WRITE')
  async setCostRate(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: CostRateInput): Promise<CostRate> {
    const rate = await this.service.set(tenantId, input);
    await this.recostEvents.of(tenantId);
    return rate;
  }

  @Query(() => CostQuote, {
    description: 'What a request would cost you, by what is known now: your own rates, then the catalogue. Nothing is stored.',
  })
  @RequireScope('READ')
  quoteCost(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('provider', { description: 'Of your own rates their exact provider; of the catalogue its id, such as "openai".' })
    provider: string,
    @Args('model') model: string,
    @Args('tokens', { type: () => TokensInput }) tokens: TokensInput,
    @Args('serviceTier', { type: () => String, nullable: true }) serviceTier: string | null,
    @Args('region', { type: () => String, nullable: true }) region: string | null,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When the request is made. None: now.' }) at: Instant | null,
  ): Promise<CostQuote> {
    return this.service.quote(tenantId, { provider, model, tokens, serviceTier, region, at });
  }
}
