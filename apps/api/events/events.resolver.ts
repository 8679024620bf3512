import { Args, Mutation, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { IngestService } from '@tare/usage';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
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
  ): Promise<IngestResult> {
    return this.ingest.ingest(principal, events);
  }

  @Mutation(() => IngestResult, { description: 'Not available yet: cancels events by their keys.' })
  @RequireScope('INGEST')
  voidEvents(@Args('keys', { type: () => [String] }) _keys: string[]): Promise<IngestResult> {
    throw notAvailable('voided');
  }

  @Mutation(() => IngestResult, { description: 'Not available yet: cancels events and puts others in their place.' })
  @RequireScope('INGEST')
  amendEvents(@Args('events', { type: () => [UsageEventInput] }) _events: UsageEventInput[]): Promise<IngestResult> {
    throw notAvailable('amended');
  }
}

const notAvailable = (what: string): CodedError => new CodedError('NOT_AVAILABLE', `Events cannot be ${what} yet.`);
