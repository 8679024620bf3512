import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { Database } from '@tare/database';
import { SubscriptionEditor, presentInstant, requireRunning, type SubscriptionView } from './subscription-editor.ts';
import { revised, timelineOf, type Stretch } from './timeline.ts';

/**
 * Pauses and trials: time of a subscription that is not charged. A pause credits the unused part of the fee to the second and rates no usage; what was used
 * before it and after it in one billing period counts together. The calendar goes on meanwhile.
 */
@Injectable()
export class PausesService {
  constructor(
    private readonly database: Database,
    private readonly editor: SubscriptionEditor,
  ) {}

  /**
   * Pauses a subscription at `at` (now), until `resumesAt` or until it is resumed.
   * @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED | ALREADY_PAUSED | INVALID_TIME, and those of the guards
   */
  pause(
    tenantId: string,
    input: { readonly subscription: string; readonly at?: Instant | null; readonly resumesAt?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, input.subscription);
      const at = Math.max(input.at ?? presentInstant(), held.subscription.startsAt);
      const until = input.resumesAt ?? null;
      if (requireRunning(held, at).paused) throw new CodedError('ALREADY_PAUSED', 'The subscription is paused by then.', 'at');
      if (until !== null && until <= at) throw new CodedError('INVALID_TIME', 'A pause ends after it begins.', 'resumesAt');
      await this.editor.apply(
        tx,
        held,
        revised(timelineOf(held.segments), { from: at, until }, () => ({ paused: true })),
        at,
      );
      return this.editor.done(tx, held.subscription.id, { actor, action: 'subscription.pause', detail: { at, resumesAt: until } });
    });
  }

  /**
   * Ends the pause that runs at `at` (now): the rest of the billing period is charged, by the calendar of before.
   * @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED | NOT_PAUSED | AMBIGUOUS_METER, and those of the guards
   */
  resume(
    tenantId: string,
    input: { readonly subscription: string; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, input.subscription);
      const at = Math.max(input.at ?? presentInstant(), held.subscription.startsAt);
      if (!requireRunning(held, at).paused) throw notPaused(timelineOf(held.segments), at);
      const timeline = timelineOf(held.segments);
      const until = timeline.find(({ start, paused }) => start > at && !paused)?.start ?? null;
      await this.editor.apply(
        tx,
        held,
        revised(timeline, { from: at, until }, () => ({ paused: false })),
        at,
      );
      return this.editor.done(tx, held.subscription.id, { actor, action: 'subscription.resume', detail: { at } });
    });
  }

  /**
   * Lets the trial that runs at `at` (now) end at `trialEndsAt`: later, earlier, or at `at` itself. Billing periods are counted from there (SEMANTICS 6.4).
   * @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED | NOT_TRIALING | INVALID_TIME, and those of the guards
   */
  setTrialEnd(
    tenantId: string,
    input: { readonly subscription: string; readonly trialEndsAt: Instant; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, input.subscription);
      const at = Math.max(input.at ?? presentInstant(), held.subscription.startsAt);
      const { trialEnd } = requireRunning(held, at);
      const { trialEndsAt } = input;
      if (trialEnd === null || trialEnd <= at) throw new CodedError('NOT_TRIALING', 'No trial runs by then.', 'at');
      if (trialEndsAt < at) throw new CodedError('INVALID_TIME', 'A trial that runs does not end in the past.', 'trialEndsAt');
      const agreed = { trialEnd: trialEndsAt > at ? trialEndsAt : null, anchor: trialEndsAt, termStart: trialEndsAt };
      await this.editor.apply(
        tx,
        held,
        revised(timelineOf(held.segments), { from: at }, () => agreed),
        at,
      );
      return this.editor.done(tx, held.subscription.id, { actor, action: 'subscription.set_trial_end', detail: { trialEndsAt } });
    });
  }
}

function notPaused(timeline: readonly Stretch[], at: Instant): CodedError {
  const isPlanned = timeline.some(({ start, paused }) => paused && start > at);
  const why = isPlanned ? 'Its pause begins later: say at, when it begins or after.' : 'The subscription is not paused by then.';
  return new CodedError('NOT_PAUSED', why, 'at');
}
