import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { Database } from '@tare/database';
import { readOverrides, withOverrides, withoutOverrides, type DatedOverrideInput } from './price-overrides.ts';
import { SubscriptionEditor, presentInstant, requireRunning, type SubscriptionView } from './subscription-editor.ts';
import { timelineOf } from './timeline.ts';

/** Prices that one subscription has agreed beside its plan's. A price that changes inside a period is billed like any change: fees to the second, usage from then on. */
@Injectable()
export class AgreedPricesService {
  constructor(
    private readonly database: Database,
    private readonly editor: SubscriptionEditor,
  ) {}

  /**
   * Sets amounts for prices of the plan or of its add-ons, from `at` (now) or from their own `validFrom` on; other prices stay as they are.
   * @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED | UNKNOWN_PRICE | INVALID_TIME, those of parsePrice and of the guards
   */
  override(
    tenantId: string,
    input: { readonly subscription: string; readonly overrides: readonly DatedOverrideInput[]; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, input.subscription);
      const at = Math.max(input.at ?? presentInstant(), held.subscription.startsAt);
      const current = requireRunning(held, at);
      const overrides = readOverrides(input.overrides, await this.editor.termsOf(tx, current), at);
      await this.editor.apply(tx, held, withOverrides(timelineOf(held.segments), overrides), at);
      return this.editor.done(tx, held.subscription.id, { actor, action: 'subscription.override_prices', detail: { overrides } });
    });
  }

  /** The plan's own amounts again from `at` (now) on. @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED, and those of the guards */
  remove(
    tenantId: string,
    input: { readonly subscription: string; readonly prices: readonly string[]; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const held = await this.editor.hold(tx, input.subscription);
      const at = Math.max(input.at ?? presentInstant(), held.subscription.startsAt);
      requireRunning(held, at);
      const timeline = timelineOf(held.segments);
      const agreed = timeline.filter(({ end }) => end === null || end > at).flatMap(({ overrides }) => overrides.map(({ price }) => price));
      const unknown = input.prices.find((price) => !agreed.includes(price));
      if (unknown !== undefined) throw new CodedError('NOT_FOUND', `Nothing is agreed for price "${unknown}" from then on.`, 'prices');
      await this.editor.apply(tx, held, withoutOverrides(timeline, input.prices, at), at);
      const detail = { prices: input.prices, at };
      return this.editor.done(tx, held.subscription.id, { actor, action: 'subscription.remove_overrides', detail });
    });
  }
}
