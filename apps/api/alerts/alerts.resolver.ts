import { Args, ArgsType, Field, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { AlertEvents, AlertRules, AlertsService, type AlertEventFilter, type AlertRuleKind } from '@tare/alerts';
import { keysetOf, pageOf } from '@tare/catalog';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { connectionOf } from '../graphql/connection.ts';
import { Alert, AlertEvent, AlertEventConnection, AlertRule, AlertRuleKinds } from './alerts.types.ts';

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
  constructor(
    private readonly events: AlertEvents,
    private readonly rules: AlertRules,
    private readonly problems: AlertsService,
  ) {}

  @Query(() => [Alert], {
    description: 'Problems that need a person and are not over, newest first: an alert is there until what it tells of has ended.',
  })
  @RequireScope('READ')
  alerts(@CurrentPrincipal() { tenantId }: Principal): Promise<Alert[]> {
    return this.problems.open(tenantId);
  }

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

  @Query(() => [AlertRule], {
    description: 'At which percents of limits alert events are recorded: your own rules, and the defaults where there is none.',
  })
  @RequireScope('READ')
  alertRules(@CurrentPrincipal() { tenantId }: Principal): Promise<AlertRule[]> {
    return this.rules.list(tenantId);
  }

  @Mutation(() => AlertRule, { description: 'Sets at which percents of a kind of limit an alert event is recorded.' })
  @RequireScope('WRITE')
  setAlertRule(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('kind', { type: () => AlertRuleKinds }) kind: AlertRuleKind,
    @Args('percents', {
      type: () => [Int],
      nullable: true,
      description: 'Whole numbers from 1 to 1000, at most ten; empty: never; none: the default, 80 and 100.',
    })
    percents: number[] | null,
  ): Promise<AlertRule> {
    return this.rules.set(tenantId, kind, percents ?? null);
  }
}
