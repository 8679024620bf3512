import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { parseInstant } from '@tare/core';
import { Database } from './database.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

let test_: TestDatabase;
let acme: string;
let globex: string;

beforeAll(async () => {
  test_ = await createTestDatabase();
  acme = await test_.createTenant();
  globex = await test_.createTenant();
});
afterAll(() => test_.drop());

const insertMeter =
  'INSERT INTO meter (tenant_id, id, key, name, event_type, aggregation, filters, group_by) VALUES ($1, $2, $3, $3, $4, $5, $6, $7)';
const meterValues = (tenantId: string, key: string): unknown[] => [tenantId, randomUUID(), key, '*', 'COUNT', '[]', []];
const meterKeys = (tenantId: string): Promise<string[]> =>
  test_.database.withTenant(tenantId, async (tx) =>
    (await tx.query<{ key: string }>('SELECT key FROM meter ORDER BY key')).map((row) => row.key),
  );

describe('a tenant transaction', () => {
  test('sees only its own tenant, and writes no other', async () => {
    await test_.database.withTenant(acme, (tx) => tx.query(insertMeter, meterValues(acme, 'mine')));
    expect(await meterKeys(acme)).toEqual(['mine']);
    expect(await meterKeys(globex)).toEqual([]);
    await expect(test_.database.withTenant(globex, (tx) => tx.query(insertMeter, meterValues(acme, 'stolen')))).rejects.toThrow(
      /row-level security/,
    );
  });

  test('of several tenants sees exactly those', async () => {
    const counts = await test_.database.withTenants([acme, globex], (tx) =>
      tx.query<{ tenant_id: string }>('SELECT tenant_id FROM tenant_settings'),
    );
    expect(counts.map((row) => row.tenant_id).sort()).toEqual([acme, globex].sort());
  });

  test('without a tenant sees no rows, not all rows', async () => {
    expect(await test_.database.withoutTenant((tx) => tx.query('SELECT 1 FROM tenant_settings'))).toEqual([]);
  });

  test('leaves no tenant behind on its connection, committed or rolled back', async () => {
    const single = new Database({ url: test_.url, connections: 1 });
    try {
      await single.withTenant(acme, (tx) => tx.query('SELECT 1'));
      await expect(single.withTenant(acme, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      expect(await single.withoutTenant((tx) => tx.query('SELECT 1 FROM tenant_settings'))).toEqual([]);
    } finally {
      await single.close();
    }
  });

  test('reads times as microseconds and whole numbers as numbers', async () => {
    const [row] = await test_.database.withoutTenant((tx) =>
      tx.query<{ at: number; n: number; d: string }>(
        "SELECT '2026-10-01T05:45:00.000001+05:45'::timestamptz AS at, 42::int8 AS n, 1.50::numeric AS d",
      ),
    );
    expect(row).toEqual({ at: parseInstant('2026-10-01T00:00:00.000001Z'), n: 42, d: '1.50' });
  });
});

describe('Prisma in a tenant transaction', () => {
  const nestedPlan = (tenantId: string, key: string) => ({
    data: {
      tenantId,
      id: randomUUID(),
      key,
      name: key,
      kind: 'PER_QUERY',
      currency: 'USD',
      versions: { create: { id: randomUUID(), version: 1, name: key, terms: {} } },
    },
  });

  test('a nested write is rolled back with the transaction around it', async () => {
    const work = test_.database.withTenant(acme, async (tx) => {
      await tx.prisma.plan.create(nestedPlan(acme, 'rolled-back'));
      expect(await tx.prisma.planVersion.count()).toBe(1);
      throw new Error('after the nested write');
    });
    await expect(work).rejects.toThrow('after the nested write');
    const left = await test_.database.withTenant(acme, (tx) => tx.query('SELECT 1 FROM plan UNION ALL SELECT 1 FROM plan_version'));
    expect(left).toEqual([]);
  });

  test('a Prisma transaction that fails leaves what was written before it', async () => {
    await test_.database.withTenant(acme, async (tx) => {
      await tx.query(insertMeter, meterValues(acme, 'before'));
      const doomed = tx.prisma.$transaction([
        tx.prisma.plan.create(nestedPlan(acme, 'twice')),
        tx.prisma.plan.create(nestedPlan(acme, 'twice')),
      ]);
      await expect(doomed).rejects.toThrow(/Unique constraint/);
    });
    expect(await meterKeys(acme)).toContain('before');
    expect(await test_.database.withTenant(acme, (tx) => tx.prisma.plan.count())).toBe(0);
  });

  test('is held to the tenant as SQL is', async () => {
    await test_.database.withTenant(acme, (tx) => tx.prisma.plan.create(nestedPlan(acme, 'kept')));
    expect(await test_.database.withTenant(acme, (tx) => tx.prisma.plan.count())).toBe(1);
    expect(await test_.database.withTenant(globex, (tx) => tx.prisma.plan.count())).toBe(0);
  });

  test('look-ups of two tenants in one tick are not mixed', async () => {
    const find = (tenantId: string): Promise<unknown> =>
      test_.database.withTenant(tenantId, (tx) => tx.prisma.plan.findUnique({ where: { tenantId_key: { tenantId: acme, key: 'kept' } } }));
    const [mine, theirs] = await Promise.all([find(acme), find(globex)]);
    expect(mine).not.toBeNull();
    expect(theirs).toBeNull();
  });
});

test('a superuser is refused as the serving role', async () => {
  const client = new pg.Client({ connectionString: test_.url });
  await client.connect();
  try {
    const { requireHeldRole } = await import('./roles.ts');
    await expect(requireHeldRole(client)).rejects.toThrow(/refusing to serve/);
    await client.query('SET ROLE tare_app');
    await expect(requireHeldRole(client)).resolves.toBeUndefined();
  } finally {
    await client.end();
  }
});

describe('statements that are sent together', () => {
  test('run one after the other, and the tenant is set before the first', async () => {
    const answers = await test_.database.withTenant(acme, (tx) =>
      Promise.all([
        tx.query<{ tenants: string }>("SELECT current_setting('app.tenant_ids') AS tenants"),
        tx.query<{ n: number }>('CREATE TEMP TABLE steps ON COMMIT DROP AS SELECT 1 AS n'),
        tx.query<{ n: number }>('UPDATE steps SET n = n + 1 RETURNING n'),
        tx.query<{ n: number }>('UPDATE steps SET n = n * 10 RETURNING n'),
      ]),
    );
    expect(answers).toEqual([[{ tenants: `{${acme}}` }], [], [{ n: 2 }], [{ n: 20 }]]);
  });

  test('one that fails unheard takes the whole transaction back, and the work hears of it', async () => {
    const before = await meterKeys(acme);
    const unheard = test_.database.withTenant(acme, async (tx) => {
      await tx.query(insertMeter, meterValues(acme, 'never'));
      tx.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(unheard).rejects.toThrow(/rolled back/);
    expect(await meterKeys(acme)).toEqual(before);
  });

  test('what is no id of a tenant never gets into a statement', async () => {
    await expect(test_.database.withTenant("'; DROP TABLE meter; --", () => Promise.resolve())).rejects.toThrow(/not the id of a tenant/);
  });

  test('a connection that dies between two statements fails its transaction, not the process', async () => {
    const admin = new pg.Client({ connectionString: test_.url });
    await admin.connect();
    const work = test_.database.withTenant(acme, async (tx) => {
      const [backend] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await admin.query('SELECT pg_terminate_backend($1)', [backend?.pid]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await tx.query('SELECT 1');
    });
    await expect(work).rejects.toThrow();
    await admin.end();
    expect(await test_.database.withTenant(acme, (tx) => tx.query('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
  });
});
