import { Injectable } from '@nestjs/common';
import type { Customer } from '@tare/customers';
import { Database } from '@tare/database';
import { randomUUID } from 'node:crypto';
import type Stripe from 'stripe';
import { performOnce, reading, type StoredRequest } from './remote-call.ts';
import { StripeClient } from './stripe-client.ts';
import { StripeConfiguration } from './stripe-configuration.ts';
import { StripeCustomerStore, type StripeCustomerRow } from './stripe-customer.store.ts';
import { LeaseLost, Postponed, Refused } from './stripe-failure.ts';
import type { Lease } from './sync-rows.store.ts';
import { after, SyncTiming } from './sync-timing.ts';

const MAX_NAME = 256;

/** Our customers at Stripe, each made once. */
@Injectable()
export class StripeCustomers {
  constructor(
    private readonly database: Database,
    private readonly configuration: StripeConfiguration,
    private readonly client: StripeClient,
    private readonly timing: SyncTiming,
    private readonly store: StripeCustomerStore,
  ) {}

  /** The customer's id at Stripe; made there if need be. Two invoices of one customer make one. @throws Postponed, Refused, LeaseLost */
  async ensure(tenantId: string, customer: Customer): Promise<string> {
    const known = await this.database.withTenant(tenantId, (tx) => this.store.stripeId(tx, customer.id));
    return known ?? this.make(tenantId, customer);
  }

  /** As it is at Stripe now. @throws Postponed, Refused when it was deleted there */
  async current(stripeId: string): Promise<Stripe.Customer> {
    const customer = await reading(() => this.client.customer(stripeId));
    if (customer.deleted === true) throw new Refused(`The customer ${stripeId} was deleted in Stripe.`, 'CUSTOMER_DELETED_AT_STRIPE');
    return customer;
  }

  private async make(tenantId: string, customer: Customer): Promise<string> {
    const now = this.timing.now();
    const lease: Lease = { owner: randomUUID(), until: after(now, this.timing.leaseMs) };
    const row = await this.database.withTenant(tenantId, (tx) => this.store.lease(tx, customer.id, lease, now));
    if (row === null) throw new Postponed('Another invoice is making the customer at Stripe.');
    try {
      return row.stripeId ?? (await this.makeOnce(tenantId, customer, row, lease));
    } finally {
      await this.database.withTenant(tenantId, (tx) => this.store.release(tx, customer.id, lease.owner));
    }
  }

  private async makeOnce(tenantId: string, customer: Customer, row: StripeCustomerRow, { owner }: Lease): Promise<string> {
    let { generation } = row;
    const save = async (stripeId: string | null, request: StoredRequest | null): Promise<void> => {
      const lease = { owner, until: after(this.timing.now(), this.timing.leaseMs) };
      const saved = await this.database.withTenant(tenantId, (tx) =>
        this.store.save(tx, { customerId: customer.id, stripeId, generation, request }, lease),
      );
      if (!saved) throw new LeaseLost(customer.id);
    };
    const metadata = { tare_tenant: tenantId, tare_customer: customer.id };
    const made = await performOnce<Stripe.CustomerCreateParams, Stripe.Customer>(
      {
        step: 'CUSTOMER',
        scope: `${this.configuration.environment}:${tenantId}:${customer.id}`,
        request: row.request,
        generation,
        params: () => ({
          name: customer.name.slice(0, MAX_NAME),
          ...(customer.email === null ? {} : { email: customer.email }),
          metadata: { ...metadata, tare_key: customer.key.slice(0, 500) },
        }),
        send: (params, key) => this.client.createCustomer(params, key),
        find: async () => only(await this.client.customersWith(metadata, row.createdAt / 1_000_000), `customer ${customer.id}`),
        store: (request, next) => {
          generation = next;
          return save(null, request);
        },
      },
      this.timing.now(),
    );
    await save(made.id, null);
    return made.id;
  }
}

/** What is there once, or not at all. @throws Refused when it is there more than once: a person has to look at that */
export function only<Found extends { id: string }>(found: readonly Found[], what: string): Found | null {
  if (found.length > 1)
    throw new Refused(`Stripe has ${found.length} objects for ${what}: ${found.map(({ id }) => id).join(', ')}.`, 'TOO_MANY_AT_STRIPE');
  return found[0] ?? null;
}
