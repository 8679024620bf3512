import 'reflect-metadata';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MetersService, PlansService } from '@tare/catalog';
import { Decimal, parseInstant } from '@tare/core';
import type { PlanInput } from '@tare/core';
import { CustomersService, SubscriptionsService } from '@tare/customers';
import { Database, DatabaseModule, type TestDatabase } from '@tare/database';
import { IngestService } from '@tare/usage';
import { CreditsModule } from './credits.module.ts';
import { CreditsService } from './credits.service.ts';
import { DebitsService } from './debits.service.ts';
import { DrawDown } from './draw-down.ts';
import { PurchasesService } from './purchases.service.ts';
import { WalletChecker } from './wallet-checker.ts';

/** A tenant with wallets and usage, without billing: what this slice does by itself. */
export class WalletWorld {
  private events = 0;

  private constructor(
    readonly tenantId: string,
    readonly apps: readonly INestApplicationContext[],
  ) {}

  /** `processes`: applications side by side on one database, each with its own memory of wallets. */
  static async open(test: TestDatabase, processes = 1): Promise<WalletWorld> {
    const apps: INestApplicationContext[] = [];
    for (let i = 0; i < processes; i += 1) {
      apps.push(await NestFactory.createApplicationContext(worldModule(test.url), { logger: ['error'], abortOnError: false }));
    }
    return new WalletWorld(await test.createTenant(), apps);
  }

  async neighbour(test: TestDatabase): Promise<WalletWorld> {
    return new WalletWorld(await test.createTenant(), this.apps);
  }

  async close(): Promise<void> {
    for (const app of this.apps) await app.close();
  }

  get<Service>(type: new (...args: never[]) => Service, process = 0): Service {
    const app = this.apps[process];
    if (app === undefined) throw new Error(`there is no process ${process}`);
    return app.get<Service>(type);
  }

  get database(): Database {
    return this.get(Database);
  }

  get debits(): DebitsService {
    return this.get(DebitsService);
  }

  get purchases(): PurchasesService {
    return this.get(PurchasesService);
  }

  /** A meter of requests, a plan that burns a credit for each, and a customer who has it from 2026 on. */
  async burning(customer: string, terms: Partial<PlanInput> = {}, timeZone = 'UTC'): Promise<void> {
    const { database } = this;
    const has = await database.withTenant(this.tenantId, (tx) => tx.query("SELECT 1 FROM meter WHERE key = 'request'"));
    const meter = { key: 'request', name: 'request', eventType: 'request', aggregation: 'SUM' as const, valueProperty: 'quantity' };
    if (has.length === 0) await this.get(MetersService).create(this.tenantId, meter);
    const plan = {
      key: `burn-${customer}`,
      name: 'burn',
      kind: 'CREDIT' as const,
      currency: 'USD',
      interval: 'MONTH' as const,
      prices: [],
    };
    await this.get(PlansService).create(this.tenantId, { ...plan, burnRates: [{ meter: 'request', creditsPerUnit: '1' }], ...terms });
    await this.customer(customer, timeZone);
    const startsAt = parseInstant('2026-01-01T00:00:00Z');
    await this.get(SubscriptionsService).create(this.tenantId, { customer, plan: plan.key, startsAt });
  }

  async customer(key: string, timeZone = 'UTC'): Promise<void> {
    await this.get(CustomersService).create(this.tenantId, { key, name: key, timeZone });
  }

  async grant(
    customer: string,
    key: string,
    credits: string,
    more: { price?: string; from?: string; until?: string; priority?: number } = {},
  ) {
    return this.get(CreditsService).grant(this.tenantId, {
      ...{ customer, key, credits: Decimal.parse(credits), priority: more.priority ?? 0 },
      price: more.price === undefined ? null : { amount: Decimal.parse(more.price), currency: 'USD' },
      effectiveAt: parseInstant(more.from ?? '2026-01-01T00:00:00Z'),
      expiresAt: more.until === undefined ? null : parseInstant(more.until),
    });
  }

  async use(customer: string, ...events: { at: string; quantity: string; key?: string; user?: string; feature?: string }[]): Promise<void> {
    const raw = events.map((event) => ({ key: `event ${(this.events += 1)}`, type: 'request', customer, ...event }));
    const { rejected } = await this.get(IngestService).ingest(this.tenantId, raw);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  }

  async draw(customer: string): Promise<void> {
    const customerId = await this.idOf(customer);
    await this.database.withTenant(this.tenantId, (tx) => this.get(DrawDown).draw(tx, { customerId }));
  }

  async idOf(customer: string): Promise<string> {
    const [row] = await this.database.withTenant(this.tenantId, (tx) =>
      tx.query<{ id: string }>(
        'SELECT c.id FROM customer c JOIN customer_key k ON k.tenant_id = c.tenant_id AND k.no = c.no WHERE k.key = $1',
        [customer],
      ),
    );
    return row?.id ?? '';
  }

  async available(customer: string, at = '2027-06-01T00:00:00Z'): Promise<string> {
    return (await this.get(CreditsService).balance(this.tenantId, customer, parseInstant(at))).available.toString();
  }

  /** "ACCOUNT grant credits revenue", in the order in which they were posted. */
  async ledger(customer: string, cause: string): Promise<string[]> {
    const customerId = await this.idOf(customer);
    const rows = await this.database.withTenant(this.tenantId, (tx) =>
      tx.query<{ account: string; key: string | null; credits: string; revenue: string }>(
        `SELECT p.account, g.key, trim_scale(p.credits)::text AS credits, trim_scale(p.revenue)::text AS revenue
         FROM credit_posting p LEFT JOIN credit_grant g ON g.tenant_id = p.tenant_id AND g.id = p.grant_id
         WHERE p.customer_id = $1 AND p.cause = $2 ORDER BY p.no`,
        [customerId, cause],
      ),
    );
    return rows.map(({ account, key, credits, revenue }) =>
      [account, key, credits, revenue === '0' ? null : revenue].filter(Boolean).join(' '),
    );
  }

  mistakes() {
    return this.get(WalletChecker).mistakes(this.tenantId);
  }
}

function worldModule(url: string): new () => object {
  @Module({ imports: [DatabaseModule.register({ url, connections: 8 }), CreditsModule] })
  class WalletWorldModule {}
  return WalletWorldModule;
}
