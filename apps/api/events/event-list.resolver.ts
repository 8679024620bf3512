import { Args, ArgsType, Field, Int, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { cursorOf } from '@tare/catalog';
import type { CostState, EventOutcome, Instant } from '@tare/core';
import { EventList, type EventFilter } from '@tare/usage';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { CostStates } from '../cost-rates/cost-state.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { EventConnection, UsageEvent, eventView } from './event.types.ts';
import { EventOutcomes } from './events.types.ts';

@ArgsType()
class EventsArgs implements EventFilter {
  @Field(() => String, { nullable: true, description: 'Your own key of a customer; none: of all.' }) customer?: string | null;
  @Field(() => String, { nullable: true }) type?: string | null;
  @Field(() => String, { nullable: true }) provider?: string | null;
  @Field(() => String, { nullable: true }) model?: string | null;
  @Field(() => String, { nullable: true }) feature?: string | null;
  @Field(() => String, { nullable: true }) traceId?: string | null;
  @Field(() => String, { nullable: true, description: 'The end user inside the customer.' }) user?: string | null;
  @Field(() => EventOutcomes, { nullable: true }) outcome?: EventOutcome | null;
  @Field(() => CostStates, { nullable: true }) costState?: CostState | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'At this time or later.' }) from?: Instant | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Before this time.' }) to?: Instant | null;
  @Field(() => [String], { nullable: true, description: 'Events of these keys, at most 100, as they stand now.' }) keys?: string[] | null;
  @Field(() => Int, { nullable: true }) first?: number | null;
  @Field(() => String, { nullable: true }) after?: string | null;
}

/** Events one by one. */
@Resolver(() => UsageEvent)
export class EventListResolver {
  constructor(private readonly list: EventList) {}

  @Query(() => EventConnection, {
    description:
      'Events that all filters hold for, newest first; 50 unless `first` says otherwise, at most 500. A page that looked at much and found little may be ' +
      'short, or empty: read on from `endCursor` while there is a next page. Events that retention has dropped are not there.',
  })
  @RequireScope('READ')
  async events(@CurrentPrincipal() { tenantId }: Principal, @Args() { first, after, ...filter }: EventsArgs): Promise<EventConnection> {
    const { events, hasNextPage, endCursor } = await this.list.page(tenantId, filter, { first, after });
    const edges = events.map((event) => ({ cursor: cursorOf({ createdAt: event.at, id: event.id }), node: eventView(event) }));
    return { edges, pageInfo: { hasNextPage, endCursor } };
  }

  @Query(() => UsageEvent, { nullable: true, description: 'The event that a key names now: voided, or the last that took its place.' })
  @RequireScope('READ')
  async event(@CurrentPrincipal() { tenantId }: Principal, @Args('key') key: string): Promise<UsageEvent | null> {
    const event = await this.list.byKey(tenantId, key);
    return event && eventView(event);
  }
}
