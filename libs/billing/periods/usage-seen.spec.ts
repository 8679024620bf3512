import { MICROS_PER_DAY, formatInstant, instantOfDate } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { UsageCompaction } from '@tare/usage';
import { NeededUsage, RECOMPUTE_DAYS } from './needed-usage.store.ts';
import { InvoiceRecomputation } from '../explain/recompute-invoice.ts';
import { TestWorld } from '../world.fixture.ts';

const HOUR = 3_600_000_000;

let db: TestDatabase;
let first: TestWorld;
let world: TestWorld;

beforeAll(async () => {
  db = await createTestDatabase();
  first = await TestWorld.open(db);
});
afterAll(async () => {
  await first.close();
  await db.drop();
});
beforeEach(async () => {
  world = await first.neighbour(db);
  await world.meter('request');
  const tiers = [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.5' }];
  await world.plan({ key: 'tiered', kind: 'PER_QUERY', prices: [{ key: 'usage', model: 'GRADUATED', meter: 'request', tiers }] });
});

const query = <Row extends Record<string, unknown>>(sql: string): Promise<Row[]> =>
  world.database.withTenant(world.tenantId, (tx) => tx.query<Row>(sql, [world.tenantId]));
const rowsOfBuckets = async (): Promise<number> =>
  (await query<{ n: number }>('SELECT count(*)::int AS n FROM usage_bucket WHERE tenant_id = $1'))[0]?.n ?? -1;

/** Commit by commit: many deltas of one cell, on both sides of each invoice. */
async function use(customer: string, at: string, quantities: readonly string[]): Promise<void> {
  for (const quantity of quantities) await world.use(customer, { at, quantity });
}

/** Months of a customer, with usage that comes late for each. */
async function story(customer: string): Promise<string> {
  await world.customer(customer);
  const subscription = await world.subscribe(customer, 'tiered', '2026-01-01T00:00:00Z');
  await use(customer, '2026-01-05T00:00:00Z', ['3', '2', '3']);
  await world.bill('2026-02-01T00:30:00Z');
  await use(customer, '2026-01-05T00:01:00Z', ['1', '1']);
  await world.bill('2026-02-01T01:00:00Z');
  await use(customer, '2026-01-05T00:02:00Z', ['2', '2']);
  await use(customer, '2026-02-06T00:00:00Z', ['1', '4']);
  await world.bill('2026-03-01T01:00:00Z');
  await use(customer, '2026-01-05T00:03:00Z', ['1', '1']);
  return subscription;
}

describe('what invoices have seen of usage', () => {
  test('8.4 every commit that a table remembers is pinned: drafts, final invoices, corrections, periods', async () => {
    await world.cancel(await story('acme'), '2026-03-20T00:00:00Z');
    await world.bill('2026-04-01T01:00:00Z');
    await use('acme', '2026-01-05T00:04:00Z', ['5']);
    await world.bill('2026-04-02T01:00:00Z');
    const kinds = (await world.invoices('acme')).map(({ kind }) => kind);
    expect(kinds).toContain('SUPPLEMENTARY');
    const columns = await world.database.withoutTenant((tx) =>
      tx.query<{ name: string }>(
        `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name LIKE '%seq' AND table_name NOT LIKE 'usage\\_%' ORDER BY 1`,
      ),
    );
    // A column that is new here remembers commits too: pin them where it is written, or keep its rows at the floor as roll-ups of meters do.
    expect(columns.map(({ name }) => name)).toEqual([
      'billing_period.rated_seq',
      'billing_period.seen_seq',
      'cost_adjustment.seq',
      // Asks only what changed since, which merging does not hide.
      'credit_sweep.seq',
      // Below the floor the sums are made anew; the other two compare commits of these sums and read no usage.
      'entitlement_cursor.seq',
      'entitlement_customer.alerted_seq',
      'entitlement_customer.changed_seq',
      'invoice.seen_seq',
      'meter_rollup.seq',
      // Tells a person what names of subscriptions came since: a number of events in an alert, which merging may make too high.
      'name_watch.seq',
      // Below the floor nothing is read as of it: then all that is open is compared with the ledger.
      'wallet.drawn_seq',
    ]);
    const unpinned = await query(
      `WITH remembered AS (
         SELECT c.no, i.seen_seq AS seq FROM invoice i JOIN customer c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id WHERE i.tenant_id = $1
         UNION SELECT c.no, unnest(ARRAY[p.seen_seq, p.rated_seq]) FROM billing_period p
           JOIN subscription s ON s.tenant_id = p.tenant_id AND s.id = p.subscription_id JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id
           WHERE p.tenant_id = $1
       ) SELECT * FROM remembered r WHERE r.seq IS NOT NULL AND NOT EXISTS (SELECT 1 FROM usage_pin u WHERE u.tenant_id = $1 AND u.customer_no = r.no AND u.seq = r.seq)`,
    );
    expect(unpinned).toEqual([]);
    expect((await query('SELECT seq FROM usage_pin WHERE tenant_id = $1')).length).toBeGreaterThan(3);
  });

  test('8.3 8.4 compaction changes neither an invoice that is recomputed nor what comes late', async () => {
    for (const customer of ['acme', 'plain']) await story(customer);
    const before = await rowsOfBuckets();
    const compaction = world.get(UsageCompaction);
    const now = instantOfDate(new Date());
    await compaction.run(world.tenantId, now);
    const { absorbed } = await compaction.run(world.tenantId, now + 2 * HOUR);
    expect(absorbed).toBeGreaterThan(5);
    expect(await rowsOfBuckets()).toBe(before - absorbed);
    for (const invoice of await world.invoices('acme')) {
      const again = await world.database.withTenant(world.tenantId, (tx) => world.get(InvoiceRecomputation).recompute(tx, invoice));
      expect(again.lines.map(({ quantity, amount }) => [quantity, amount].map(String))).toEqual(
        invoice.lines.map(({ quantity, amount }) => [quantity, amount].map(String)),
      );
    }
    await world.bill('2026-04-01T01:00:00Z');
    const [acme, plain] = await Promise.all(['acme', 'plain'].map((customer) => world.invoices(customer)));
    const lines = (acme ?? []).map((invoice) =>
      invoice.lines.map(({ kind, quantity, amount }) => `${kind} ${quantity.toString()} = ${amount.toString()}`),
    );
    expect(lines).toEqual([['USAGE 10 = 10'], ['USAGE 5 = 5', 'DELTA 14 = 2'], ['DELTA 16 = 1']]);
    expect((plain ?? []).map(({ total }) => total.toString())).toEqual((acme ?? []).map(({ total }) => total.toString()));
  });
});

describe('which events billing still needs', () => {
  const needed = async (daysAhead = 0): Promise<string | null> => {
    const from = await world.get(NeededUsage).from(world.tenantId, instantOfDate(new Date()) + daysAhead * MICROS_PER_DAY);
    return from === null ? null : formatInstant(from).slice(0, 10);
  };

  test('8.4 those of invoices younger than 18 months, and those that are not billed yet', async () => {
    expect(await needed()).toBeNull();
    await world.customer('acme');
    const subscription = await world.subscribe('acme', 'tiered', '2026-01-01T00:00:00Z');
    expect(await needed()).toBe('2026-01-01');
    await use('acme', '2026-01-05T00:00:00Z', ['3']);
    await world.bill('2026-02-01T01:00:00Z');
    expect(await needed()).toBe('2026-01-01');
    expect(await needed(RECOMPUTE_DAYS + 1)).toBe('2026-02-01');
    await world.cancel(subscription, '2026-02-10T00:00:00Z', true);
    await world.bill('2026-03-01T01:00:00Z');
    expect(await needed(RECOMPUTE_DAYS + 1)).toBeNull();
  });
});
