import { Args, ArgsType, Field, Int, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { AlertEvents, type AlertEventFilter } from '@tare/alerts';
import { keysetOf, pageOf } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { AlertEvent, AlertEventConnection } from './alerts.types.ts';

@ArgsType()
class AlertEventsArgs implements AlertEventFilter {
  @Field(() => String, { nullable: true, description: 'Only events of this type.' }) type?: string | null;
  @Field(() => String, { nullable: true, description: 'Only events about this; your own key of a customer.' }) subject?: string | null;
  @Field(() => Int, { nullable: true }) first?: number | null;
  @Field(() => String, { nullable: true }) after?: string | null;
}

/** What happened that somebody may want to be told. */
@Resolver(() => AlertEvent)
export class AlertsResolver {
  constructor(private readonly events: AlertEvents) {}

  @Query(() => AlertEventConnection, {
    description:
      'What happened that you may want to act on: shares of allowances, caps and credits that were reached. Newest first; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async alertEvents(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args() { first, after, ...filter }: AlertEventsArgs,
  ): Promise<AlertEventConnection> {
    const { afterTime, afterId, limit } = keysetOf({ first, after });
    const found = await this.events.page(tenantId, filter, { beforeTime: afterTime, beforeId: afterId, limit });
    return connectionOf(pageOf(found, limit), (event) => event);
  }
}
