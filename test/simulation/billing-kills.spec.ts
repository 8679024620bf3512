import { AccessService } from '@tare/access';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillCompany, makePriceList } from '../bench/billing-company.ts';
import { seeded } from './chaos-events.ts';
import { RunningApp } from './running-app.ts';

/**
 * The API is killed with -9 in the midst of billing runs, again and again: after some invoices are there and before all of them are. What stands in the end
 * is what a run makes that nobody disturbs: each invoice once, every number once (SEMANTICS 8.5).
 */
const CUSTOMERS = 1_200;
const MONTHS = 3;
const KILLS = 4;
/** With the grace period after the last month. */
const AS_OF = '2026-04-01T01:00:00Z';
const INVOICES = CUSTOMERS * MONTHS;
/** Whenever a run is killed, it was at most so many milliseconds after the invoices that were waited for were seen. */
const LATEST_MS = 40;
const WAIT_MS = 120_000;

interface Standing {
  readonly numbers: readonly number[];
  /** Each with its customer, its time and its lines, in their order. */
  readonly invoices: readonly string[];
  /** What is told to the world about them. */
  readonly announced: number;
  readonly openBefore: number;
}

const INVOICES_WITH_LINES = `
SELECT k.key || ' ' || i.billing_at || ' ' || i.kind || ' ' || i.sequence || ' ' || i.status || ' ' || i.total || ': ' || coalesce(string_agg(
  l.price_key || ' ' || l.quantity || ' ' || l.exact_amount || ' ' || l.amount, ', ' ORDER BY l.position), '') AS invoice
FROM invoice i JOIN customer c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id JOIN customer_key k ON k.tenant_id = c.tenant_id AND k.no = c.no
LEFT JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
GROUP BY i.tenant_id, i.id, k.key, i.billing_at, i.kind, i.sequence, i.status, i.total ORDER BY invoice`;

/** A company with usage of some months, nothing of it billed, in a database of its own. */
class BilledCompany {
  private constructor(
    private readonly test: TestDatabase,
    private readonly client: pg.Client,
    private readonly key: string,
    private readonly api: RunningApp,
  ) {}

  static async found(): Promise<BilledCompany> {
    const test = await createTestDatabase();
    const key = (await new AccessService(test.database).bootstrap()) ?? '';
    const client = new pg.Client({ connectionString: test.url });
    await client.connect();
    const { rows } = await client.query<{ id: string }>('SELECT id FROM tenant');
    const tenantId = rows[0]?.id ?? '';
    const versionId = await makePriceList(test.url, tenantId, client);
    await fillCompany(client, tenantId, { versionId, customers: CUSTOMERS, months: MONTHS });
    return new BilledCompany(test, client, key, new RunningApp('api', test.url));
  }

  /** A whole run, nobody disturbs it. Answers how many invoices it made. */
  async bill(): Promise<number> {
    if (!this.api.isRunning) await this.api.start();
    return this.run();
  }

  /** A run that is cut off `after` so many invoices are there, and some milliseconds. Answers how many are there then. */
  async billUntilKilled(after: number, milliseconds: number): Promise<number> {
    await this.api.start();
    const run = this.run().then(
      () => 'ended',
      () => 'cut off',
    );
    for (const deadline = Date.now() + WAIT_MS; (await this.count()) < after && Date.now() < deadline;) await sleep(2);
    await sleep(milliseconds);
    await this.api.kill();
    expect(await run).toBe('cut off');
    return this.count();
  }

  async standing(): Promise<Standing> {
    const numbers = await this.client.query<{ number: string }>('SELECT number FROM invoice WHERE number IS NOT NULL');
    const invoices = await this.client.query<{ invoice: string }>(INVOICES_WITH_LINES);
    const announced = await this.client.query<{ count: number }>('SELECT count(*)::int AS count FROM invoice_outbox');
    const open = await this.client.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM billing_period WHERE closed_at IS NULL AND end_at < $1::timestamptz',
      [AS_OF],
    );
    return {
      numbers: numbers.rows.map(({ number }) => Number(number.replace('TARE-', ''))).sort((a, b) => a - b),
      invoices: invoices.rows.map(({ invoice }) => invoice),
      announced: announced.rows[0]?.count ?? 0,
      openBefore: open.rows[0]?.count ?? 0,
    };
  }

  async close(): Promise<void> {
    await this.api.stop();
    await this.client.end();
    await this.test.drop();
  }

  private async run(): Promise<number> {
    const query = `mutation { runBilling(asOf: "${AS_OF}") { invoicesFinalized } }`;
    const response = await fetch(`${this.api.url ?? ''}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.key}` },
      body: JSON.stringify({ query }),
    });
    const { data, errors } = (await response.json()) as { data?: { runBilling: { invoicesFinalized: number } } | null; errors?: unknown };
    if (errors !== undefined || !data) throw new Error(JSON.stringify(errors));
    return data.runBilling.invoicesFinalized;
  }

  private async count(): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>('SELECT count(*)::int AS count FROM invoice');
    return rows[0]?.count ?? 0;
  }
}

describe('billing runs under kill -9', () => {
  const companies: BilledCompany[] = [];
  const seenAtKills: number[] = [];
  let undisturbed: Standing;
  let killed: Standing;
  let again: number;

  beforeAll(async () => {
    const calm = await BilledCompany.found();
    companies.push(calm);
    await calm.bill();
    undisturbed = await calm.standing();

    const troubled = await BilledCompany.found();
    companies.push(troubled);
    const random = seeded(8);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const after = Math.max(kill === 0 ? 0 : 1, Math.floor((INVOICES * kill) / KILLS), (seenAtKills.at(-1) ?? 0) + (kill === 0 ? 0 : 1));
      seenAtKills.push(await troubled.billUntilKilled(Math.min(after, INVOICES - 1), random(LATEST_MS)));
    }
    await troubled.bill();
    killed = await troubled.standing();
    again = await troubled.bill();
  }, 600_000);
  afterAll(async () => {
    for (const company of companies) await company.close();
  });

  test('the undisturbed run billed every month of every customer', () => {
    expect(undisturbed.invoices).toHaveLength(INVOICES);
    expect(undisturbed.openBefore).toBe(0);
  });

  test('runs were killed with some of their invoices made, and some not', () => {
    expect(new Set(seenAtKills.filter((count) => count > 0 && count < INVOICES)).size).toBeGreaterThan(1);
  });

  test('8.5 each invoice is there once, with the lines and totals of a run that nobody disturbed', () => {
    expect(killed.invoices).toEqual(undisturbed.invoices);
  });

  test('numbers have no gap and none is there twice', () => {
    expect(killed.numbers).toEqual(Array.from({ length: INVOICES }, (_, index) => index + 1));
  });

  test('each invoice is announced once, no period is left open, and a further run finds nothing to do', () => {
    expect(killed.announced).toBe(undisturbed.announced);
    expect(killed.openBefore).toBe(0);
    expect(again).toBe(0);
  });
});
