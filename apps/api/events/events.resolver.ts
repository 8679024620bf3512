import { Args, Mutation, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { IngestService } from '@tare/usage';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { callerFor } from './backfill-caller.ts';
import { IngestResult, UsageEventInput } from './events.types.ts';

/** Events in, by GraphQL. */
@Resolver()
export class EventsResolver {
  constructor(private readonly ingest: IngestService) {}

  @Mutation(() => IngestResult, {
    description: 'Takes up to 10,000 events. Answers when everything accepted is committed; a bad event never sinks its batch.',
  })
  @RequireScope('INGEST')
  ingestEvents(
    @CurrentPrincipal() principal: Principal,
    @Args('events', { type: () => [UsageEventInput] }) events: UsageEventInput[],
    @Args('backfill', {
      type: () => Boolean,
      nullable: true,
      description:
        'Lifts the window of backdating of live tenants, to bring in history; what retention has dropped stays refused. Needs a key with the scope ADMIN.',
    })
    backfill: boolean | null,
  ): Promise<IngestResult> {
    return this.ingest.ingest(callerFor(principal, backfill), events);
  }
}
