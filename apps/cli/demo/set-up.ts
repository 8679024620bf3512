import type { TareClient } from '@tare/client';
import { CAPACITY_POOL, CUSTOMERS, METERS, PLANS, type DemoCustomer } from './company.ts';

/** Creates the company through the public API. Everything is keyed, so a second run finds what the first one made. */
export async function setUpCompany(client: TareClient): Promise<void> {
  await client.graphql('mutation ($input: CapacityPoolInput!) { createCapacityPool(input: $input) { id } }', { input: CAPACITY_POOL });
  for (const input of METERS) await client.graphql('mutation ($input: MeterInput!) { createMeter(input: $input) { id } }', { input });
  for (const input of PLANS) await client.graphql('mutation ($input: PlanInput!) { createPlan(input: $input) { id version } }', { input });
  for (const customer of CUSTOMERS) await setUpCustomer(client, customer);
}

async function setUpCustomer(client: TareClient, { key, name, timeZone, plan, startsAt }: DemoCustomer): Promise<void> {
  const input = { key, name, timeZone, currency: 'USD', email: `billing@${key}.example` };
  await client.graphql('mutation ($input: CustomerInput!) { createCustomer(input: $input) { id } }', { input });
  // A subscription has no key of its own: it is made only where there is none.
  const { customer } = await client.graphql<{ customer: { subscriptions: unknown[] } | null }>(
    'query ($key: String!) { customer(key: $key) { subscriptions { id } } }',
    { key },
  );
  if (customer && customer.subscriptions.length > 0) return;
  const subscription = { customer: key, plan, startsAt };
  await client.graphql('mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { id } }', { input: subscription });
}
