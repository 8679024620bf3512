import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import { CorrectionsService } from '@tare/usage';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { EventCorrection } from './event-corrections.types.ts';
import { IngestResult, UsageEventInput } from './events.types.ts';

const REASON = { type: () => String, nullable: true, description: 'Why, for the trail: at most 255 characters.' } as const;

/**
 * Corrections of events. INGEST is enough: who may send an event may take it back, so that a sender can undo its own mistake; it has to know the key, and
 * every correction leaves a trail.
 */
@Resolver()
export class EventCorrectionsResolver {
  constructor(private readonly corrections: CorrectionsService) {}

  @Mutation(() => IngestResult, {
    description:
      'Cancels up to 10,000 events by their keys, however old, as long as they are kept. They count no more, in usage, cost and margin at once; usage that was ' +
      'invoiced already is corrected on the next invoice. accepted: newly cancelled; duplicates: cancelled before; rejected: KEY_UNKNOWN, EVENT_NOT_KEPT, or a ' +
      'key that is none. A cancelled event stays cancelled: sending it again is a duplicate, and its key is not given to another. May be repeated.',
  })
  @RequireScope('INGEST')
  voidEvents(
    @CurrentPrincipal() principal: Principal,
    @Args('keys', { type: () => [String] }) keys: string[],
    @Args('reason', REASON) reason: string | null,
  ): Promise<IngestResult> {
    return this.corrections.voidEvents(principal, keys, { actor: principal.apiKeyId, reason: reason ?? null });
  }

  @Mutation(() => IngestResult, {
    description:
      'Cancels up to 10,000 events by their keys and puts others in their place, in one step: customer, time and everything else may differ. Validated as by ' +
      'ingestEvents; how far back the new time may lie too. accepted: amended; duplicates: contents that the key has or had, so that a late repeat never undoes ' +
      'what came after it; rejected: KEY_UNKNOWN, EVENT_VOIDED, EVENT_NOT_KEPT and the codes of ingestEvents. The same key twice is applied in order. What takes ' +
      'the place is costed at its own time with what is known now; usage that was invoiced already is corrected on the next invoice. May be repeated.',
  })
  @RequireScope('INGEST')
  amendEvents(
    @CurrentPrincipal() principal: Principal,
    @Args('events', { type: () => [UsageEventInput] }) events: UsageEventInput[],
    @Args('reason', REASON) reason: string | null,
  ): Promise<IngestResult> {
    return this.corrections.amendEvents(principal, events, { actor: principal.apiKeyId, reason: reason ?? null });
  }

  @Query(() => [EventCorrection], {
    description: 'What was done to the event of a key, in order. Empty: it stands as it came, or there is no such event.',
  })
  @RequireScope('READ')
  eventCorrections(@CurrentPrincipal() { tenantId }: Principal, @Args('key') key: string): Promise<readonly EventCorrection[]> {
    return this.corrections.trail(tenantId, key);
  }
}
