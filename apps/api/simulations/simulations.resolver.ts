import { Args, ID, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { SimulationsService } from '@tare/simulations';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { ScenarioCustomerConnection, ScenarioResult, Simulation, SimulationInput } from './simulations.types.ts';

@Resolver(() => Simulation)
export class SimulationsResolver {
  constructor(private readonly service: SimulationsService) {}

  @Mutation(() => Simulation, {
    description:
      'Runs scenarios over stored usage with the code that bills, and keeps the result; nothing that is really billed changes. Large ones are refused ' +
      '(SIMULATION_TOO_LARGE). Where some cost is not known, margins are upper bounds.',
  })
  @RequireScope('WRITE')
  simulate(@CurrentPrincipal() { tenantId }: Principal, @Args('input') input: SimulationInput): Promise<Simulation> {
    return this.service.simulate(tenantId, input);
  }

  @Query(() => Simulation, { nullable: true, description: 'A simulation as it was answered.' })
  @RequireScope('READ')
  simulation(@CurrentPrincipal() { tenantId }: Principal, @Args('id', { type: () => ID }) id: string): Promise<Simulation | null> {
    return this.service.byId(tenantId, id);
  }
}

const DEFAULT_ROWS = 50;
const MOST_ROWS = 500;

@Resolver(() => ScenarioResult)
export class ScenarioResultsResolver {
  constructor(private readonly service: SimulationsService) {}

  @ResolveField(() => ScenarioCustomerConnection, { description: '50 unless `first` says otherwise, at most 500.' })
  async customers(
    @CurrentPrincipal() { tenantId }: Principal,
    @Parent() { customers: outcomes }: ScenarioResult,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<ScenarioCustomerConnection> {
    const start = after == null ? 0 : outcomes.findIndex(({ customerKey }) => cursorOf(customerKey) === after) + 1;
    if (after != null && start === 0) throw new CodedError('INVALID_CURSOR', 'The cursor is not one that this list gave out.', 'after');
    const page = outcomes.slice(start, start + pageSize(first));
    const customers = await this.service.customersByKey(
      tenantId,
      page.map(({ customerKey }) => customerKey),
    );
    const edges = page.flatMap(({ customerKey, ...outcome }) => {
      const customer = customers.get(customerKey);
      return customer === undefined ? [] : [{ cursor: cursorOf(customerKey), node: { ...outcome, customer } }];
    });
    return { edges, pageInfo: { hasNextPage: start + page.length < outcomes.length, endCursor: edges.at(-1)?.cursor ?? null } };
  }
}

function pageSize(first: number | null): number {
  const size = first ?? DEFAULT_ROWS;
  if (size >= 1 && size <= MOST_ROWS) return size;
  throw new CodedError('INVALID_PAGE_SIZE', `A page has 1 to ${MOST_ROWS} rows.`, 'first');
}

const cursorOf = (customerKey: string): string => Buffer.from(customerKey).toString('base64url');
