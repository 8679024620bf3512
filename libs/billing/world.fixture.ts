import 'reflect-metadata';
import { Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MetersService, PlansService } from '@tare/catalog';
import { parseInstant } from '@tare/core';
import type { PlanInput } from '@tare/core';
import { CostsModule } from '@tare/costs';
import { CreditsService, type CreditBalance } from '@tare/credits';
import { CustomersService, SubscriptionsService, type SubscriptionInput } from '@tare/customers';
import { Database, DatabaseModule, type TestDatabase } from '@tare/database';
import { IngestService } from '@tare/usage';
import { BillingModule } from './billing.module.ts';
import { BillingService, type BillingRun } from './runs/billing.service.ts';
import { InvoicesService, type InvoiceView } from './invoices/invoices.service.ts';

/** An event as a story writes it; key and type may be left out. */
export interface StoryEvent {
  readonly at: string;
  readonly key?: string;
  readonly type?: string;
  readonly [field: string]: unknown;
}

/**
 * One tenant with the services that a business story needs, on a test database. Times are RFC 3339 text. For specs and for the stories of test/scenarios.
 */
export class TestWorld {
  private events = 0;

  private constructor(
    readonly tenantId: string,
    readonly app: INestApplicationContext,
  ) {}

  /** `slices`: modules to the right of billing that a spec is about too. */
  static async open(
    test: TestDatabase,
    tenant: { live?: boolean } = {},
    slices: readonly (Type | DynamicModule)[] = [],
  ): Promise<TestWorld> {
    const app = await NestFactory.createApplicationContext(worldModule(test.url, slices), { logger: ['error'], abortOnError: false });
    return new TestWorld(await test.createTenant(tenant), app);
  }

  /** Another tenant in the same application. */
  async neighbour(test: TestDatabase, tenant: { live?: boolean } = {}): Promise<TestWorld> {
    return new TestWorld(await test.createTenant(tenant), this.app);
  }

  close(): Promise<void> {
    return this.app.close();
  }

  get<Service>(type: new (...args: never[]) => Service): Service {
    return this.app.get<Service>(type, { strict: false });
  }

  get database(): Database {
    return this.app.get(Database);
  }

  /** A meter of requests: every event of its type counts its quantity. */
  async meter(key: string, more: Record<string, unknown> = {}): Promise<void> {
    const input = { key, name: key, eventType: key, aggregation: 'SUM' as const, valueProperty: 'quantity', ...more };
    await this.get(MetersService).create(this.tenantId, input);
  }

  async plan(input: Partial<PlanInput> & Pick<PlanInput, 'key' | 'kind'>): Promise<void> {
    const plan = { name: input.key, currency: 'USD', interval: 'MONTH' as const, prices: [], ...input };
    await this.get(PlansService).create(this.tenantId, plan);
  }

  async customer(key: string, timeZone = 'UTC'): Promise<void> {
    await this.get(CustomersService).create(this.tenantId, { key, name: key, timeZone });
  }

  /** Answers the id of the subscription. */
  async subscribe(
    customer: string,
    plan: string,
    startsAt: string,
    more: Omit<SubscriptionInput, 'customer' | 'plan' | 'startsAt'> = {},
  ): Promise<string> {
    const input = { customer, plan, startsAt: parseInstant(startsAt), ...more };
    return (await this.get(SubscriptionsService).create(this.tenantId, input)).id;
  }

  async change(subscription: string, plan: string, at: string): Promise<void> {
    await this.get(SubscriptionsService).change(this.tenantId, { subscription, plan, at: parseInstant(at) });
  }

  async cancel(subscription: string, at: string, immediately = false): Promise<void> {
    await this.get(SubscriptionsService).cancel(this.tenantId, { subscription, at: parseInstant(at), immediately });
  }

  /** Sends events of a customer; whatever is refused fails. */
  async use(customer: string, ...events: StoryEvent[]): Promise<void> {
    const raw = events.map((event) => ({ key: `event ${(this.events += 1)}`, type: 'request', customer, ...event }));
    const { rejected } = await this.get(IngestService).ingest(this.tenantId, raw);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  }

  bill(asOf: string): Promise<BillingRun> {
    return this.get(BillingService).run(this.tenantId, parseInstant(asOf));
  }

  /** All invoices of a customer in the order of their billing instants. */
  async invoices(customer: string): Promise<InvoiceView[]> {
    const { rows } = await this.get(InvoicesService).list(this.tenantId, { customer, first: 500 });
    return [...rows].sort((a, b) => a.billingAt - b.billingAt || a.sequence - b.sequence || (a.kind < b.kind ? -1 : 1));
  }

  balance(customer: string, at: string): Promise<CreditBalance> {
    return this.get(CreditsService).balance(this.tenantId, customer, parseInstant(at));
  }
}

function worldModule(url: string, slices: readonly (Type | DynamicModule)[]): Type {
  @Module({ imports: [DatabaseModule.register({ url, connections: 8 }), CostsModule, BillingModule, ...slices] })
  class TestWorldModule {}
  return TestWorldModule;
}
