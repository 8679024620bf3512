import { TareClient } from '@tare/client';
import { Decimal } from '@tare/core';
import type { RunningTare } from './running-tare.ts';

/** A line of an invoice as the API tells it. */
export interface ToldLine {
  readonly kind: string;
  readonly priceKey: string | null;
  readonly quantity: string;
  readonly exactAmount: string;
  readonly amount: string;
  readonly discount: string;
  readonly periodStart: string;
  readonly periodEnd: string;
}

const PLAN = 'mutation ($input: PlanInput!) { createPlan(input: $input) { id } }';
const CUSTOMER = 'mutation ($input: CustomerInput!) { createCustomer(input: $input) { id } }';
const SUBSCRIBE = 'mutation ($input: SubscriptionInput!) { createSubscription(input: $input) { id } }';
const METER = 'mutation ($input: MeterInput!) { createMeter(input: $input) { id } }';
const INGEST = 'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { rejected { code message } } }';
const BILL = 'mutation ($asOf: DateTime!) { runBilling(asOf: $asOf) { invoicesFinalized } }';
const LINES = `{
  invoices(customer: "customer", first: 500) {
    edges { node { lines { kind priceKey quantity exactAmount amount discount periodStart periodEnd } } }
  }
}`;

/** A company with one customer, all by the public API: each example has one of its own, so that it is billed by its own clock. */
export class ExampleCompany {
  private events = 0;

  private constructor(readonly client: TareClient) {}

  static async found(tare: RunningTare, name: string, timeZone = 'UTC'): Promise<ExampleCompany> {
    const { createTenant } = await tare.client.graphql<{ createTenant: { secret: string } }>(
      'mutation ($name: String!) { createTenant(name: $name, live: false) { secret } }',
      { name },
    );
    const company = new ExampleCompany(new TareClient({ url: tare.url, apiKey: createTenant.secret, timeoutMs: 120_000 }));
    await company.client.graphql(CUSTOMER, { input: { key: 'customer', name, timeZone } });
    return company;
  }

  async plan(key: string, terms: Readonly<Record<string, unknown>>): Promise<void> {
    const input = {
      key,
      name: key,
      kind: 'SUBSCRIPTION',
      currency: 'USD',
      interval: 'MONTH',
      alignment: 'ANNIVERSARY',
      prices: [],
      ...terms,
    };
    await this.client.graphql(PLAN, { input });
  }

  /** A meter of that key, which counts the quantity of the events of that type. */
  async meter(key: string): Promise<void> {
    await this.client.graphql(METER, { input: { key, name: key, eventType: key, aggregation: 'SUM', valueProperty: 'quantity' } });
  }

  /** Answers the id of the subscription. */
  async subscribe(plan: string, startsAt: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const input = { customer: 'customer', plan, startsAt, ...more };
    return (await this.client.graphql<{ createSubscription: { id: string } }>(SUBSCRIBE, { input })).createSubscription.id;
  }

  /** Whatever is refused fails. */
  async use(type: string, at: string, quantity: string): Promise<void> {
    const event = { key: `event ${(this.events += 1)}`, customer: 'customer', type, at, quantity };
    const { ingestEvents } = await this.client.graphql<{ ingestEvents: { rejected: object[] } }>(INGEST, { events: [event] });
    if (ingestEvents.rejected.length > 0) throw new Error(JSON.stringify(ingestEvents.rejected));
  }

  async bill(asOf: string): Promise<void> {
    await this.client.graphql(BILL, { asOf });
  }

  /** All lines of all invoices, those of the earliest period first. */
  async lines(): Promise<ToldLine[]> {
    const { invoices } = await this.client.graphql<{ invoices: { edges: { node: { lines: ToldLine[] } }[] } }>(LINES);
    return invoices.edges.flatMap(({ node }) => node.lines).sort((a, b) => (a.periodStart < b.periodStart ? -1 : 1));
  }
}

/** What lines come to, their discounts taken off. */
export const dueOf = (lines: readonly ToldLine[]): Decimal =>
  Decimal.sum(lines.map(({ amount, discount }) => Decimal.parse(amount).minus(Decimal.parse(discount))));
