import { createTestDatabase, type TestDatabase } from '@tare/database';
import pg from 'pg';
import { migrateQueue, Queues } from './index.ts';

let db: TestDatabase;
let queues: Queues;

beforeAll(async () => {
  db = await createTestDatabase();
  await migrateQueue(db.url);
});
beforeEach(() => {
  queues = new Queues({ databaseUrl: db.url });
});
afterEach(() => queues?.close());
afterAll(() => db.drop());

/** A promise and its resolver. */
function signal<Value>(): { readonly given: Promise<Value>; give(value: Value): void } {
  let give: (value: Value) => void = () => undefined;
  const given = new Promise<Value>((resolve) => (give = resolve));
  return { given, give: (value) => give(value) };
}

test('a job reaches its handler with its payload', async () => {
  const received = signal<string>();
  await queues.enqueue('billing.run', { tenantId: 'a' });
  await queues.work('billing.run', ({ tenantId }) => Promise.resolve(received.give(tenantId)));
  expect(await received.given).toBe('a');
});

test('a job that is waiting already is not added a second time, and once it is done it can be added again', async () => {
  const seen: string[] = [];
  let done = signal<void>();
  const enqueue = (): Promise<void> => queues.enqueue('costs.recost', { tenantId: 't' }, { jobId: 't' });
  await enqueue();
  await enqueue();
  await queues.work('costs.recost', ({ tenantId }) => {
    seen.push(tenantId);
    if (tenantId === 'end') done.give();
    return Promise.resolve();
  });
  await queues.enqueue('costs.recost', { tenantId: 'end' });
  await done.given;
  expect(seen).toEqual(['t', 'end']);
  done = signal<void>();
  await enqueue();
  await queues.enqueue('costs.recost', { tenantId: 'end' });
  await done.given;
  expect(seen).toEqual(['t', 'end', 't', 'end']);
});

test('a handler that throws is called again', async () => {
  const succeeded = signal<number>();
  let calls = 0;
  await queues.enqueue('stripe.sync', { tenantId: 't', invoiceId: 'i' });
  await queues.work('stripe.sync', () => {
    calls += 1;
    if (calls === 1) return Promise.reject(new Error('not yet'));
    return Promise.resolve(succeeded.give(calls));
  });
  expect(await succeeded.given).toBe(2);
});

test('a job that failed for good is listed with its reason and does not keep the next one out', async () => {
  const failures: string[] = [];
  const recovered = signal<void>();
  let down = true;
  const enqueue = (): Promise<void> => queues.enqueue('stripe.sync', { tenantId: 't', invoiceId: 'i2' }, { jobId: 'i2', attempts: 1 });
  const failed = signal<void>();
  await queues.work('stripe.sync', () => (down ? Promise.reject(new Error('no answer')) : Promise.resolve(recovered.give())), {
    onFailure: (error, attempt) => {
      failures.push(`${error.message} ${attempt}`);
      failed.give();
    },
  });
  await enqueue();
  await failed.given;
  expect(failures).toEqual(['no answer 1']);
  expect(await queues.deadLetters()).toMatchObject([
    { name: 'stripe.sync', reason: 'no answer', attempts: 1, payload: { tenantId: 't', invoiceId: 'i2' } },
  ]);
  down = false;
  await enqueue();
  await recovered.given;
});

test('a schedule adds its job once for all processes', async () => {
  const other = new Queues({ databaseUrl: db.url });
  const ran = signal<void>();
  await queues.every('sweep', 3_600_000);
  await other.every('sweep', 3_600_000);
  let runs = 0;
  await queues.work('sweep', () => {
    runs += 1;
    return Promise.resolve(ran.give());
  });
  await ran.given;
  await queues.close();
  await other.close();
  expect(runs).toBe(1);
});

test('the queue is used as the application role, which may not change its tables', async () => {
  const client = new pg.Client({ connectionString: db.url, options: '-c role=tare_app -c search_path=bullmq' });
  await client.connect();
  try {
    await queues.enqueue('stripe.sweep', {});
    const { rows } = await client.query("SELECT schemaname FROM pg_tables WHERE schemaname = 'bullmq' AND tableowner = 'tare_owner'");
    expect(rows.length).toBeGreaterThan(0);
    await expect(client.query('CREATE TABLE mine (id int)')).rejects.toThrow(/permission denied/);
  } finally {
    await client.end();
  }
});

test('migrating the queue again changes nothing', async () => {
  await expect(migrateQueue(db.url)).resolves.toBeUndefined();
});
