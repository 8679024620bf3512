import { Injectable } from '@nestjs/common';
import type { Segment } from '@tare/core';
import { CustomerStore, SubscriptionStore, type Customer, type Subscription } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { BillingPeriodStore, type BillingPeriod } from './billing-period.store.ts';
import { groupedBy } from '../grouped-by.ts';

/** A customer with all that it subscribes to. */
export interface Standing {
  readonly customer: Customer;
  /** Oldest first. */
  readonly subscriptions: readonly Subscription[];
  /** Of all subscriptions, each one's in order of time. */
  readonly segments: readonly Segment[];
}

/** A subscription and how far it is billed. */
export interface Course {
  readonly subscription: Subscription;
  /** Its own, in order of time. */
  readonly segments: readonly Segment[];
  /** From where billing goes on: `BillingPeriodStore.unfinished`. */
  readonly periods: readonly BillingPeriod[];
}

/** Loads where customers stand: a fixed number of queries for a whole page of them. */
@Injectable()
export class Standings {
  constructor(
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly periods: BillingPeriodStore,
  ) {}

  /** With the customers held until the transaction ends: what is decided of a customer is decided once (SEMANTICS 8.5). In the order of their numbers. */
  async lock(tx: TenantTransaction, customerIds: readonly string[]): Promise<Standing[]> {
    return this.of(tx, await this.customers.lockMany(tx, customerIds));
  }

  async of(tx: TenantTransaction, customers: readonly Customer[]): Promise<Standing[]> {
    const filter = { customerIds: customers.map(({ id }) => id) };
    const [subscriptions, segments] = await Promise.all([
      this.subscriptions.subscriptions(tx, filter),
      this.subscriptions.segments(tx, filter),
    ]);
    const ofCustomer = groupedBy(subscriptions, ({ customerId }) => customerId);
    const ofSubscription = groupedBy(segments, ({ subscriptionId }) => subscriptionId);
    return customers.map((customer) => {
      const own = ofCustomer.get(customer.id) ?? [];
      return { customer, subscriptions: own, segments: own.flatMap(({ id }) => ofSubscription.get(id) ?? []) };
    });
  }

  /** By subscription; ids of nothing are left out. */
  async ofSubscriptions(tx: TenantTransaction, subscriptionIds: readonly string[]): Promise<Map<string, Standing>> {
    const wanted = await this.subscriptions.subscriptions(tx, { subscriptionIds });
    const customers = await this.customers.byIds(
      tx,
      wanted.map(({ customerId }) => customerId),
    );
    const standings = await this.of(tx, [...customers.values()]);
    return new Map(standings.flatMap((standing) => standing.subscriptions.map(({ id }) => [id, standing] as const)));
  }

  /** How far each subscription is billed, by customer. */
  async courses(tx: TenantTransaction, standings: readonly Standing[]): Promise<Map<Standing, Course[]>> {
    const ids = standings.flatMap(({ subscriptions }) => subscriptions.map(({ id }) => id));
    const periods = await this.periods.unfinished(tx, ids);
    return new Map(
      standings.map((standing) => [
        standing,
        standing.subscriptions.map((subscription) => ({
          subscription,
          segments: standing.segments.filter(({ subscriptionId }) => subscriptionId === subscription.id),
          periods: periods.get(subscription.id) ?? [],
        })),
      ]),
    );
  }
}
