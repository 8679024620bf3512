import { createTestDatabase, type TestDatabase } from '@tare/database';
import pg from 'pg';
import { InvoiceStore } from '../invoices/invoice.store.ts';
import { BillingPeriodStore } from './billing-period.store.ts';

/** Invoices that a run has written into tables that were empty when it began, and instants that its next page asks for. */
const INVOICES = 4_000;
const ASKED = 300;
const BILLED_AT = Date.UTC(2026, 1, 1) * 1_000;

let db: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  db = await createTestDatabase();
  tenantId = await db.createTenant();
  const admin = new pg.Client({ connectionString: db.url });
  await admin.connect();
  await admin.query('ALTER TABLE invoice SET (autovacuum_enabled = off)');
  await admin.query('VACUUM ANALYZE invoice');
  await admin.end();
  await db.database.withTenant(tenantId, (tx) =>
    tx.query(
      `INSERT INTO invoice (tenant_id, id, number, kind, customer_id, subscription_id, billing_at, status, currency, period_start, period_end, drafted_at, finalize_at)
       SELECT $1, gen_random_uuid(), 'TARE-' || i, 'REGULAR', gen_random_uuid(), md5(i::text)::uuid, '2026-02-01', 'FINALIZED', 'USD', '2026-01-01', '2026-02-01', '2026-02-01', '2026-02-01'
       FROM generate_series(1, $2::int) AS i`,
      [tenantId, INVOICES],
    ),
  );
});
afterAll(() => db.drop());

test('a page of the first run of all reads the invoices of its own instants, not all that the run has written so far', async () => {
  const periods = new BillingPeriodStore();
  await db.database.withTenant(tenantId, (tx) => periods.learnSizes(tx));
  const { found, read } = await db.database.withTenant(tenantId, async (tx) => {
    const rowsRead = async (): Promise<number> => {
      const [row] = await tx.query<{ read: number }>(
        `SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::int8 AS read FROM pg_stat_xact_user_tables WHERE relname = 'invoice'`,
      );
      return row?.read ?? NaN;
    };
    await periods.lookUpByKey(tx);
    const keys = await tx.query<{ id: string }>('SELECT md5(i::text)::uuid AS id FROM generate_series(1, $1::int) AS i', [ASKED]);
    const before = await rowsRead();
    const instants = keys.map(({ id }) => ({ subscriptionId: id, billingAt: BILLED_AT, kind: 'REGULAR' as const }));
    const invoices = await new InvoiceStore().ofInstants(tx, instants);
    return { found: invoices.size, read: (await rowsRead()) - before };
  });
  expect(found).toBe(ASKED);
  expect(read).toBeLessThanOrEqual(2 * ASKED);
});
