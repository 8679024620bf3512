import { Test, type TestingModule } from '@nestjs/testing';
import { CatalogModule, MeterStore, MetersService, type MeterInput } from '@tare/catalog';
import { CustomersModule, CustomerStore } from '@tare/customers';
import { SLOT, formatInstant, parseInstant, slotStart, type Instant } from '@tare/core';
import { Database, createTestDatabase, DatabaseModule, type TenantTransaction, type TestDatabase } from '@tare/database';
import { IngestService } from '../ingest/ingest.service.ts';
import { UsageBoundaries } from '../buckets/usage-boundaries.ts';
import { UsageModule } from '../usage.module.ts';
import { MeterRollupStore } from './meter-rollup.store.ts';
import { MeterRollups } from './meter-rollups.service.ts';
import { MeterUsageModule } from './meter-usage.module.ts';
import { MeterUsageReader } from './meter-usage-reader.ts';
import { MeterUsageService } from './meter-usage.service.ts';
import { SlotEvents } from './slot-events.store.ts';

const NOW = parseInstant('2026-11-21T12:00:00Z');
const ORIGIN = parseInstant('2026-10-05T00:00:00Z');
const HOUR = 4 * SLOT;

let db: TestDatabase;
let module: TestingModule;

beforeAll(async () => {
  db = await createTestDatabase();
  module = await Test.createTestingModule({
    imports: [DatabaseModule.register({ url: db.url, connections: 6 }), CatalogModule, CustomersModule, UsageModule, MeterUsageModule],
  }).compile();
});
afterAll(async () => {
  await module.close();
  await db.drop();
});

const METERS: readonly Pick<MeterInput, 'key' | 'aggregation' | 'valueProperty' | 'groupBy'>[] = [
  { key: 'calls', aggregation: 'SUM', valueProperty: 'quantity' },
  { key: 'pages', aggregation: 'SUM', valueProperty: 'properties.pages' },
  { key: 'max', aggregation: 'MAX', valueProperty: 'properties.pages' },
  { key: 'latest', aggregation: 'LATEST', valueProperty: 'properties.pages', groupBy: ['user'] },
  { key: 'users', aggregation: 'UNIQUE_COUNT', valueProperty: 'user' },
];

async function makeMeters(tenantId: string): Promise<void> {
  for (const meter of METERS) await module.get(MetersService).create(tenantId, { ...meter, name: meter.key, eventType: '*' });
}

interface Sent {
  readonly slots: number;
  readonly perSlot: number;
  /** So that keys and times of several sendings differ. */
  readonly part?: number;
}

/** Events of two customers, some of ten users each, in every slot; all of them in one commit. */
async function send(tenantId: string, { slots, perSlot, part = 0 }: Sent): Promise<void> {
  const events = Array.from({ length: slots * perSlot }, (_, i) => ({
    key: `event-${part}-${i}`,
    customer: i % 2 === 0 ? 'acme' : 'zoe',
    type: 'call',
    at: formatInstant(ORIGIN + (i % slots) * SLOT + Math.floor(i / slots) * 1_000 + part),
    quantity: '1',
    user: `user-${(i * 7) % 10}`,
    properties: { pages: String(((i + part) % 13) - 6) },
  }));
  const { rejected } = await module.get(IngestService).ingest(tenantId, events, NOW);
  expect(rejected).toEqual([]);
}

async function answers(tenantId: string, to = ORIGIN + 24 * HOUR): Promise<string[]> {
  const rows: string[] = [];
  for (const { key, groupBy } of METERS) {
    const request = { meter: key, from: ORIGIN, to, window: 'HOUR', first: 1_000, groupBy: groupBy ?? null } as const;
    const page = await module.get(MeterUsageService).page(tenantId, request);
    expect(page.hasNextPage).toBe(false);
    rows.push(...page.rows.map(({ customer, from, group, value }) => `${key} ${customer} ${from} ${group.join()} ${value.toString()}`));
  }
  return rows;
}

const progress = async (tenantId: string): Promise<object[]> => {
  const meters = await db.database.withTenant(tenantId, (tx) => module.get(MeterStore).all(tx));
  return [...(await module.get(MeterRollups).backfills(tenantId, meters)).values()];
};

interface Plan {
  readonly 'Relation Name'?: string;
  readonly 'Actual Loops': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[];
}

/** What a read touches: blocks of all its statements, and the tables that they look at. */
async function costOf(tenantId: string, meterKey: string): Promise<{ blocks: number; tables: string[] }> {
  let blocks = 0;
  const tables = new Set<string>();
  const look = (plan: Plan): void => {
    // A branch that was never entered looks at nothing.
    if (plan['Relation Name'] !== undefined && plan['Actual Loops'] > 0) tables.add(plan['Relation Name'].replace(/_y\d+m\d+$/, ''));
    for (const part of plan.Plans ?? []) look(part);
  };
  await db.database.withTenant(tenantId, async (tx) => {
    const meter = await module.get(MeterStore).byKey(tx, meterKey);
    const customerNos = [...(await module.get(CustomerStore).numbersOf(tx, ['acme', 'zoe'])).values()];
    const watched: TenantTransaction = Object.create(tx, {
      query: {
        value: async (text: string, values: unknown[]) => {
          const explained = await tx.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
          const plan = explained[0]?.['QUERY PLAN'][0]?.Plan as Plan;
          blocks += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
          look(plan);
          return tx.query(text, values);
        },
      },
    }) as TenantTransaction;
    const cuts = [ORIGIN, ORIGIN + 5 * HOUR, ORIGIN + 12 * HOUR, ORIGIN + 24 * HOUR];
    if (meter === null) throw new Error(`there is no meter ${meterKey}`);
    const rows = await module
      .get(MeterUsageReader)
      .read(watched, meter, { customerNos, perCustomer: true, cuts, groupBy: [], filters: [] });
    expect(rows).toHaveLength(6);
  });
  return { blocks, tables: [...tables].sort() };
}

test('with ten times the events in the same cells a read touches the same tables and as many blocks, and no event', async () => {
  const costs: Record<string, { blocks: number; tables: string[] }>[] = [];
  for (const perSlot of [5, 50]) {
    const tenantId = await db.createTenant();
    await makeMeters(tenantId);
    await send(tenantId, { slots: 96, perSlot });
    await module.get(MeterRollups).run(tenantId);
    await db.database.withTenant(tenantId, (tx) => tx.query('SELECT 1'));
    costs.push(Object.fromEntries(await Promise.all(METERS.map(async ({ key }) => [key, await costOf(tenantId, key)] as const))));
  }
  for (const { key } of METERS) {
    const [few, many] = costs.map((cost) => cost[key] ?? { blocks: NaN, tables: [] });
    expect(many?.tables).toEqual(few?.tables);
    expect(many?.tables).not.toContain('usage_event');
    expect(many?.blocks).toBeLessThanOrEqual(Math.ceil((few?.blocks ?? NaN) * 1.1) + 10);
  }
});

test('several workers and writers at once leave what a single one would', async () => {
  const tenantId = await db.createTenant();
  await send(tenantId, { slots: 20, perSlot: 6 });
  await makeMeters(tenantId);
  const other = new MeterRollups(
    db.database,
    module.get(MeterStore),
    module.get(MeterRollupStore, { strict: false }),
    module.get(SlotEvents, { strict: false }),
    module.get(UsageBoundaries),
  );
  const sizes = { steps: 40, filledRows: 7, changedRows: 9 };
  await Promise.all([
    ...[1, 2, 3].map((part) => send(tenantId, { slots: 30, perSlot: 4, part })),
    ...[other, module.get(MeterRollups), other].map((rollups) => rollups.run(tenantId, sizes)),
  ]);
  const between = await answers(tenantId);
  await module.get(MeterRollups).run(tenantId);
  expect(await answers(tenantId)).toEqual(between);
  const alone = await db.createTenant();
  await makeMeters(alone);
  await send(alone, { slots: 20, perSlot: 6 });
  for (const part of [3, 2, 1]) await send(alone, { slots: 30, perSlot: 4, part });
  expect(await answers(alone)).toEqual(between);
  await module.get(MeterRollups).run(alone);
  expect(await answers(alone)).toEqual(between);
});

/** Its connections are cut, by the server, at one statement or another. */
class FragileDatabase extends Database {
  cuts = 0;
  private statements = 0;

  override withTenant<Result>(tenantId: string, work: (tx: TenantTransaction) => Promise<Result>): Promise<Result> {
    return super.withTenant(tenantId, (tx) => {
      const query = async (text: string, values?: readonly unknown[]): Promise<object[]> => {
        this.statements += 1;
        if (this.cuts < 40 && this.statements % 23 === this.cuts % 5) {
          this.cuts += 1;
          await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
        }
        return tx.query(text, values);
      };
      return work(Object.create(tx, { query: { value: query } }) as TenantTransaction);
    });
  }
}

test('a worker whose connections are cut at any moment loses nothing and counts nothing twice', async () => {
  const tenantId = await db.createTenant();
  await send(tenantId, { slots: 60, perSlot: 4 });
  await makeMeters(tenantId);
  const expected = await answers(tenantId);
  const fragile = new FragileDatabase({ url: db.url, connections: 2 });
  const rollups = new MeterRollups(
    fragile,
    module.get(MeterStore),
    module.get(MeterRollupStore, { strict: false }),
    module.get(SlotEvents, { strict: false }),
    module.get(UsageBoundaries),
  );
  let failures = 0;
  for (let hasMore = true, runs = 0; hasMore && runs < 200; runs += 1) {
    hasMore = await rollups.run(tenantId, { filledRows: 5 }).catch(() => {
      failures += 1;
      return true;
    });
    expect(await answers(tenantId)).toEqual(expected);
  }
  await fragile.close();
  expect([failures, fragile.cuts]).toEqual([40, 40]);
  expect(await progress(tenantId)).toEqual([
    { state: 'NOT_NEEDED', done: 0, total: 0, missing: 0 },
    ...Array.from({ length: 4 }, () => ({ state: 'DONE', done: 60, total: 60, missing: 0 })),
  ]);
}, 60_000);

/** Events before the instant go, as retention lets them go: the horizon first. Buckets stay. */
async function drop(tenantId: string, before: Instant, withHorizon: boolean): Promise<void> {
  await db.database.withTenant(tenantId, async (tx) => {
    const at = formatInstant(before);
    if (withHorizon) {
      await tx.query('INSERT INTO usage_retention (tenant_id, refused_before, announced_at, dropped_before) VALUES ($1, $2, now(), $2)', [
        tenantId,
        at,
      ]);
    }
    await tx.query('DELETE FROM usage_event WHERE tenant_id = $1 AND at < $2', [tenantId, at]);
  });
}

describe('when events are dropped and buckets kept', () => {
  test.each([
    ['by retention', true],
    ['by somebody', false],
  ])('%s: what was rolled up stays, whatever touches its cells', async (_, withHorizon) => {
    const tenantId = await db.createTenant();
    await makeMeters(tenantId);
    await send(tenantId, { slots: 30, perSlot: 6 });
    await module.get(MeterRollups).run(tenantId);
    const before = await answers(tenantId);
    await drop(tenantId, slotStart(ORIGIN + 10 * SLOT), withHorizon);
    expect(await answers(tenantId)).toEqual(before);
    // A boundary and a commit that touch cells without events: neither may count them anew.
    await db.database.withTenant(tenantId, async (tx) => {
      await tx.query(`INSERT INTO usage_boundary (tenant_id, customer_no, at) SELECT $1, no, $2 FROM customer_key WHERE tenant_id = $1`, [
        tenantId,
        formatInstant(ORIGIN + 61_000_000),
      ]);
      await tx.query('UPDATE usage_clock SET seq = seq + 1, boundary_version = boundary_version + 1 WHERE tenant_id = $1', [tenantId]);
      await tx.query(
        `INSERT INTO usage_bucket SELECT tenant_id, customer_no, from_at, dimension_no, (SELECT seq FROM usage_clock WHERE tenant_id = $1), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1
         FROM usage_bucket WHERE tenant_id = $1 AND from_at < $2`,
        [tenantId, formatInstant(ORIGIN + 5 * SLOT)],
      );
    });
    expect(await answers(tenantId)).toEqual(before);
    await module.get(MeterRollups).run(tenantId);
    expect(await answers(tenantId)).toEqual(before);
  });

  test('a meter that is made afterwards tells what it could not count, and counts the rest', async () => {
    const tenantId = await db.createTenant();
    await send(tenantId, { slots: 30, perSlot: 6 });
    await drop(tenantId, ORIGIN + 12 * SLOT, true);
    await makeMeters(tenantId);
    await module.get(MeterRollups).run(tenantId);
    expect((await progress(tenantId)).slice(1)).toEqual(
      Array.from({ length: 4 }, () => ({ state: 'DONE', done: 30, total: 30, missing: 12 })),
    );
    const rows = await answers(tenantId);
    expect(rows.filter((row) => row.startsWith('calls'))).toHaveLength(16);
    expect(rows.filter((row) => row.startsWith('max')).every((row) => Number(row.split(' ')[2]) >= ORIGIN + 12 * SLOT)).toBe(true);
  });

  test('retention is told from when on roll-ups need events', async () => {
    const tenantId = await db.createTenant();
    const needed = (): Promise<Instant | null> => module.get(MeterRollups).eventsNeededFrom(tenantId);
    await send(tenantId, { slots: 3, perSlot: 2 });
    expect(await needed()).toBeNull();
    await makeMeters(tenantId);
    expect(await needed()).toBe(ORIGIN);
    await module.get(MeterRollups).run(tenantId);
    expect(await needed()).toBeNull();
    const at = ORIGIN + SLOT + 5;
    await module
      .get(IngestService)
      .ingest(tenantId, [{ key: 'late', customer: 'acme', type: 'call', at: formatInstant(at), user: 'u' }], NOW);
    expect(await needed()).toBe(ORIGIN + SLOT);
    await module.get(MeterRollups).run(tenantId);
    expect(await needed()).toBeNull();
  });
});
