import { Test } from '@nestjs/testing';
import { AccessService, type Principal } from '@tare/access';
import { MeterStore, MetersService } from '@tare/catalog';
import { Decimal } from '@tare/core';
import { PurchasesService } from '@tare/credits';
import { CustomersService } from '@tare/customers';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { migrateQueue, Queues, type EnqueueOptions } from '@tare/jobs';
import { Handlers } from './handlers.ts';
import { startWorker } from './worker.ts';
import { WorkerModule } from './worker.module.ts';

let db: TestDatabase;
let testTenant: Principal;
let liveTenant: Principal;

beforeAll(async () => {
  db = await createTestDatabase();
  await migrateQueue(db.url);
  const access = new AccessService(db.database);
  const principal = async (secret: string | null): Promise<Principal> => (await access.authenticate(secret ?? ''))!;
  testTenant = await principal(await access.bootstrap());
  liveTenant = await principal((await access.createTenant(testTenant, 'Live', true)).secret);
});
afterAll(() => db.drop());

/** Remembers what was added to it. */
class RecordedQueues {
  readonly added: [string, object, EnqueueOptions][] = [];
  enqueue(name: string, payload: object, options: EnqueueOptions): Promise<void> {
    this.added.push([name, payload, options]);
    return Promise.resolve();
  }
  onModuleDestroy(): void {}
}

test('the sweep bills live tenants only, each once at a time, and fills in costs for all', async () => {
  const queues = new RecordedQueues();
  const module = await Test.createTestingModule({ imports: [WorkerModule.register({ databaseUrl: db.url })] })
    .overrideProvider(Queues)
    .useValue(queues)
    .compile();
  await module.get(Handlers).byName.sweep.handle({});
  await module.close();
  const job = (name: string, { tenantId }: Principal): [string, object, EnqueueOptions] => [name, { tenantId }, { jobId: tenantId }];
  expect(queues.added).toEqual([job('costs.recost', testTenant), job('billing.run', liveTenant), job('costs.recost', liveTenant)]);
});

test('a worker works off what a job points at', async () => {
  const tasks = (): Promise<object[]> => db.database.withTenant(testTenant.tenantId, (tx) => tx.query('SELECT id FROM costing_task'));
  await db.database.withTenant(testTenant.tenantId, (tx) =>
    tx.query(
      "INSERT INTO costing_task (tenant_id, id, provider, model, valid_from) VALUES ($1, gen_random_uuid(), 'openai', 'gpt-5', now())",
      [testTenant.tenantId],
    ),
  );
  expect(await tasks()).toHaveLength(1);
  const worker = await startWorker({ databaseUrl: db.url });
  const queues = new Queues({ databaseUrl: db.url });
  await queues.enqueue('costs.recost', { tenantId: testTenant.tenantId });
  while ((await tasks()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await queues.deadLetters()).toEqual([]);
  await queues.close();
  await worker.stop();
});

test('a worker fills in the history of a meter that was made today', async () => {
  const { tenantId } = testTenant;
  const meters = new MetersService(db.database, new MeterStore());
  const meter = await meters.create(tenantId, {
    key: 'users',
    name: 'Users',
    eventType: '*',
    aggregation: 'UNIQUE_COUNT',
    valueProperty: 'user',
  });
  const filledAt = async (): Promise<unknown> => {
    const rows = await db.database.withTenant(tenantId, (tx) =>
      tx.query<{ filled_at: unknown }>('SELECT filled_at FROM meter_rollup WHERE tenant_id = $1 AND meter_id = $2', [tenantId, meter.id]),
    );
    return rows[0]?.filled_at ?? null;
  };
  expect(await filledAt()).toBeNull();
  const worker = await startWorker({ databaseUrl: db.url });
  const queues = new Queues({ databaseUrl: db.url });
  await queues.enqueue('meters.roll-up', {});
  while ((await filledAt()) === null) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await queues.deadLetters()).toEqual([]);
  await queues.close();
  await worker.stop();
});

test('the sweep of wallets makes the invoices of credits that were asked for, where the real clock counts', async () => {
  const module = await Test.createTestingModule({ imports: [WorkerModule.register({ databaseUrl: db.url })] }).compile();
  const statuses: string[] = [];
  for (const { tenantId } of [testTenant, liveTenant]) {
    await module.get(CustomersService).create(tenantId, { key: 'acme', name: 'Acme', timeZone: 'UTC' });
    const price = { amount: Decimal.of(50), currency: 'USD' };
    await module.get(PurchasesService).purchase(tenantId, { customer: 'acme', key: 'top up', credits: Decimal.of(100), price });
  }
  await module.get(Handlers).byName['credits.draw'].handle({});
  for (const { tenantId } of [testTenant, liveTenant]) {
    const page = { beforeTime: null, beforeId: null, limit: 5 };
    statuses.push(...(await module.get(PurchasesService).list(tenantId, 'acme', page)).map(({ status }) => status));
  }
  await module.close();
  expect(statuses).toEqual(['REQUESTED', 'INVOICED']);
});
