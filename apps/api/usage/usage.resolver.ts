import { Args, Int, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { UsageLists } from '@tare/usage';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { UnattributedCustomer, UnpricedModel, UsageSpan } from './usage.types.ts';

const FIRST = 100;
const MOST = 1_000;

/** Worklists over usage. */
@Resolver()
export class UsageResolver {
  constructor(private readonly lists: UsageLists) {}

  @Query(() => [UnpricedModel], { description: 'Largest volume first; at most 1,000.' })
  @RequireScope('READ')
  unpricedModels(
    @CurrentPrincipal() principal: Principal,
    @Args('first', { type: () => Int, nullable: true }) first?: number | null,
  ): Promise<UnpricedModel[]> {
    return this.lists.unpricedModels(principal.tenantId, limitOf(first));
  }

  @Query(() => [UnattributedCustomer], { description: 'Most events first; at most 1,000.' })
  @RequireScope('READ')
  unattributedCustomers(
    @CurrentPrincipal() principal: Principal,
    @Args('first', { type: () => Int, nullable: true }) first?: number | null,
  ): Promise<UnattributedCustomer[]> {
    return this.lists.unattributed(principal.tenantId, limitOf(first));
  }

  @Query(() => UsageSpan, { nullable: true, description: 'From the first usage to the last; null where there is none.' })
  @RequireScope('READ')
  async usageSpan(@CurrentPrincipal() principal: Principal): Promise<UsageSpan | null> {
    const span = await this.lists.span(principal.tenantId);
    return span && { from: span.start, to: span.end };
  }
}

function limitOf(first: number | null | undefined): number {
  const limit = first ?? FIRST;
  if (limit < 1 || limit > MOST) throw new CodedError('INVALID_PAGE_SIZE', `Between 1 and ${MOST} rows can be asked for at once.`, 'first');
  return limit;
}
