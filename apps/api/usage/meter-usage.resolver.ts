import { Args, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { MeterUsageService, type MeterUsageRow } from '@tare/usage';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { MeterUsageArgs, MeterUsageConnection, type MeterUsage } from './meter-usage.types.ts';

/** Usage over time. */
@Resolver()
export class MeterUsageResolver {
  constructor(private readonly service: MeterUsageService) {}

  @Query(() => MeterUsageConnection, {
    description:
      'Usage over time as a meter counts it: by customer, window and group. Exact at every moment, for late, voided and amended events and for meters made ' +
      'today; what it costs grows with time and groups, not with the number of events.',
  })
  @RequireScope('READ')
  async usage(@CurrentPrincipal() { tenantId }: Principal, @Args() args: MeterUsageArgs): Promise<MeterUsageConnection> {
    const { rows, hasNextPage } = await this.service.page(tenantId, args);
    const edges = rows.map((row) => ({ cursor: row.cursor, node: nodeOf(row, args.groupBy ?? []) }));
    return { edges, pageInfo: { hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } };
  }
}

function nodeOf({ group, ...row }: MeterUsageRow, groupBy: readonly string[]): MeterUsage {
  return { ...row, group: groupBy.map((property, i) => ({ property, value: group[i] ?? null })) };
}
