import { Injectable } from '@nestjs/common';
import { MICROS_PER_DAY } from '@tare/core';
import { SubscriptionsService, type SubscriptionView } from '@tare/customers';
import { Database } from '@tare/database';
import { UsageBoundaries } from '@tare/usage';
import { log } from '../log.ts';
import { subscriptionOfView } from './subscription-of-view.ts';
import type { Subscription } from './subscriptions.types.ts';

/** Billing instants this far around the present are told to usage; a cut that was not told is read from events, exactly too, only slower (SEMANTICS 12). */
const REACH = 400 * MICROS_PER_DAY;

/** After a subscription began, changed or ended: tells usage where its time is cut off the grid, so that cells are cut there. */
@Injectable()
export class RegisterBoundaries {
  constructor(
    private readonly database: Database,
    private readonly subscriptions: SubscriptionsService,
    private readonly boundaries: UsageBoundaries,
  ) {}

  /** Gives the subscription back, as the API shows it. It is committed already, and bills are right without this: a failure is only logged. */
  async of(tenantId: string, subscription: SubscriptionView): Promise<Subscription> {
    try {
      await this.database.withTenant(tenantId, async (tx) => {
        const now = Date.now() * 1_000;
        const instants = await this.subscriptions.offGridBoundaries(tx, subscription.id, { start: now - REACH, end: now + REACH });
        if (instants.length > 0) await this.boundaries.register(tx, subscription.customer.no, instants);
      });
    } catch (error) {
      log('error', 'boundaries were not registered', { tenantId, subscription: subscription.id, error: String(error) });
    }
    return subscriptionOfView(subscription);
  }
}
