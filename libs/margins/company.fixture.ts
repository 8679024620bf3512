import 'reflect-metadata';
import { Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BillingService, InvoicesService, type BillingRun, type InvoiceView } from '@tare/billing';
import { CostRatesService, ExchangeRatesService, MetersService, PlansService } from '@tare/catalog';
import { Decimal, parseInstant } from '@tare/core';
import type { PlanInput } from '@tare/core';
import { CreditsService } from '@tare/credits';
import { CustomersService, SubscriptionsService, type DiscountInput } from '@tare/customers';
import { DatabaseModule, type TestDatabase } from '@tare/database';
import { IngestService } from '@tare/usage';

/** A tenant for specs of margins and simulations: whatever a story needs, in a line each. Times are RFC 3339 text, costs are reported with the events. */
export class TestCompany {
  private events = 0;

  private constructor(
    readonly tenantId: string,
    readonly app: INestApplicationContext,
  ) {}

  /** `slice`: the module under test. */
  static async open(test: TestDatabase, slice: Type): Promise<TestCompany> {
    @Module({ imports: [DatabaseModule.register({ url: test.url, connections: 8 }), slice] })
    class TestCompanyModule {}
    const app = await NestFactory.createApplicationContext(TestCompanyModule, { logger: ['error'], abortOnError: false });
    return new TestCompany(await test.createTenant(), app);
  }

  async neighbour(test: TestDatabase): Promise<TestCompany> {
    return new TestCompany(await test.createTenant(), this.app);
  }

  get<Service>(type: new (...args: never[]) => Service): Service {
    return this.app.get<Service>(type);
  }

  /** Meters `tokens` (inclusive totals) and `calls` of llm.completion. */
  async meters(): Promise<void> {
    const meter = { eventType: 'llm.completion', name: 'meter' };
    await this.get(MetersService).create(this.tenantId, { ...meter, key: 'tokens', aggregation: 'SUM', valueProperty: 'tokens.total' });
    await this.get(MetersService).create(this.tenantId, { ...meter, key: 'calls', aggregation: 'COUNT' });
  }

  async plan(input: Partial<PlanInput> & Pick<PlanInput, 'key' | 'kind'>): Promise<void> {
    await this.get(PlansService).create(this.tenantId, { name: input.key, currency: 'USD', interval: 'MONTH', prices: [], ...input });
  }

  async customer(key: string, timeZone = 'UTC'): Promise<void> {
    await this.get(CustomersService).create(this.tenantId, { key, name: key.toUpperCase(), timeZone });
  }

  async subscribe(customer: string, plan: string, startsAt: string, discounts: DiscountInput[] = []): Promise<string> {
    const input = { customer, plan, startsAt: parseInstant(startsAt), discounts };
    return (await this.get(SubscriptionsService).create(this.tenantId, input)).id;
  }

  async change(subscription: string, plan: string, at: string): Promise<void> {
    await this.get(SubscriptionsService).change(this.tenantId, { subscription, plan, at: parseInstant(at) });
  }

  async grant(
    customer: string,
    credits: string,
    price: string | null,
    effectiveAt: string,
    expiresAt: string | null = null,
  ): Promise<void> {
    await this.get(CreditsService).grant(this.tenantId, {
      customer,
      key: `grant ${(this.events += 1)}`,
      credits: Decimal.parse(credits),
      price: price === null ? null : { amount: Decimal.parse(price), currency: 'USD' },
      effectiveAt: parseInstant(effectiveAt),
      expiresAt: expiresAt === null ? null : parseInstant(expiresAt),
    });
  }

  /** A call with input tokens and what it cost; null: nobody knows. */
  async use(customer: string, at: string, input: number, cost: string | null, more: Record<string, unknown> = {}): Promise<void> {
    const reportedCost = cost === null ? {} : { reportedCost: { amount: cost, currency: 'USD' } };
    const event = {
      key: `event ${(this.events += 1)}`,
      type: 'llm.completion',
      customer,
      at,
      provider: 'lab',
      model: 'm1',
      tokens: { input: String(input) },
      ...reportedCost,
      ...more,
    };
    const { rejected } = await this.get(IngestService).ingest(this.tenantId, [event]);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  }

  async costRate(provider: string, model: string, prices: Record<string, string>): Promise<void> {
    const decimals = Object.fromEntries(Object.entries(prices).map(([kind, price]) => [kind, Decimal.parse(price)]));
    await this.get(CostRatesService).set(this.tenantId, { provider, model, currency: 'USD', validFrom: 0, ...decimals });
  }

  async exchangeRate(from: string, to: string, rate: string, validFrom: string): Promise<void> {
    await this.get(ExchangeRatesService).set(this.tenantId, { from, to, rate: Decimal.parse(rate), validFrom: parseInstant(validFrom) });
  }

  bill(asOf: string): Promise<BillingRun> {
    return this.get(BillingService).run(this.tenantId, parseInstant(asOf));
  }

  async invoices(customer: string): Promise<InvoiceView[]> {
    const { rows } = await this.get(InvoicesService).list(this.tenantId, { customer, first: 500 });
    return [...rows].sort((a, b) => a.billingAt - b.billingAt || a.sequence - b.sequence);
  }
}
