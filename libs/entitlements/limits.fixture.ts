import 'reflect-metadata';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AlertsModule } from '@tare/alerts';
import { MetersService, PlansService } from '@tare/catalog';
import { parseInstant, type PlanInput } from '@tare/core';
import { CustomersService, SubscriptionsService } from '@tare/customers';
import { DatabaseModule, type TestDatabase } from '@tare/database';
import { IngestService } from '@tare/usage';
import type { Entitlement } from './entitlement.ts';
import { EntitlementsModule } from './entitlements.module.ts';
import { EntitlementsService } from './entitlements.service.ts';

/** An answer as a test reads it: amounts and times as text. */
export interface ReadAnswer {
  readonly allowed: boolean;
  readonly reason: string | null;
  readonly remaining: string | null;
  readonly resetsAt: string | null;
}

/** One tenant with what decides about its customers, on a test database. */
export class LimitedWorld {
  private events = 0;

  private constructor(
    readonly tenantId: string,
    readonly app: INestApplicationContext,
  ) {}

  static async open(test: TestDatabase): Promise<LimitedWorld> {
    const app = await NestFactory.createApplicationContext(worldModule(test.url), { logger: ['error'], abortOnError: false });
    return new LimitedWorld(await test.createTenant(), app);
  }

  /** Another tenant in the same application. */
  async neighbour(test: TestDatabase): Promise<LimitedWorld> {
    return new LimitedWorld(await test.createTenant(), this.app);
  }

  close(): Promise<void> {
    return this.app.close();
  }

  get<Service>(type: new (...args: never[]) => Service): Service {
    return this.app.get<Service>(type);
  }

  /** Every event of its type counts its quantity. */
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
  async subscribe(customer: string, plan: string, startsAt: string, more: { seats?: number; overlap?: boolean } = {}): Promise<string> {
    const input = { customer, plan, startsAt: parseInstant(startsAt), ...more };
    return (await this.get(SubscriptionsService).create(this.tenantId, input)).id;
  }

  async use(customer: string, type: string, quantity: string, at: string, more: Record<string, unknown> = {}): Promise<void> {
    this.events += 1;
    const event = { key: `event-${this.events}`, customer, type, quantity, at, ...more };
    const { rejected } = await this.get(IngestService).ingest(this.tenantId, [event]);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  }

  answer(customer: string, feature: string, at: string): Promise<Entitlement> {
    return this.get(EntitlementsService).entitlementAt(this.tenantId, customer, feature, parseInstant(at));
  }

  async ask(customer: string, feature: string, at: string): Promise<ReadAnswer> {
    return readAnswer(await this.answer(customer, feature, at));
  }
}

export function readAnswer({ allowed, reason, remaining, resetsAt }: Entitlement): ReadAnswer {
  return {
    allowed,
    reason,
    remaining: remaining?.toString() ?? null,
    resetsAt: resetsAt === null ? null : new Date(resetsAt / 1_000).toISOString(),
  };
}

function worldModule(url: string): new () => object {
  @Module({ imports: [DatabaseModule.register({ url, connections: 4 }), EntitlementsModule, AlertsModule] })
  class WorldModule {}
  return WorldModule;
}
