import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { billOneByOne, NAIVE_STATE } from './baselines/bill-one-by-one.ts';
import { CEILING_TABLE, ceilingRows, copyIn, type CeilingRow } from './baselines/copy-events.ts';
import { CEILING_TABLES, copyInvoices, type Month } from './baselines/copy-invoices.ts';
import { fillCompany, makePriceList, monthStart, MODELS } from './billing-company.ts';
import { EventSource } from './events.ts';
import { cpuSecondsOf, cpuSecondsOfChildren, median, print, rateOf, rounded } from './measure.ts';
import { startBenchPlatform, type BenchPlatform } from './platform.ts';
import { wholeWay } from './whole-way.ts';

/**
 * A billing run over many subscriptions with five usage lines each, written and finalized, against a set of queries per customer and against a cursor,
 * BigInt and COPY: same buckets, same rows, one PostgreSQL with fsync on, interleaved, medians. Each round bills another month. Then the whole way, from
 * events over HTTP to final invoices. Prints JSON lines. TARE_BENCH_SUBSCRIPTIONS (100000), TARE_BENCH_ROUNDS (3), TARE_BENCH_EVENTS (1000000; 0 leaves
 * the whole way out) make it shorter or longer.
 */
const SUBSCRIPTIONS = Number(process.env['TARE_BENCH_SUBSCRIPTIONS'] ?? 100_000);
const ROUNDS = Number(process.env['TARE_BENCH_ROUNDS'] ?? 3);
const EVENTS = Number(process.env['TARE_BENCH_EVENTS'] ?? 1_000_000);
/** Customers of the baseline that queries for each: as many as take a while. */
const ONE_BY_ONE = Math.min(SUBSCRIPTIONS, 1_500);
/**
 * Measured in section 4 of the design, on one machine: a set of queries per customer, and bare COPY of events at 1,000 a commit. A run whose baseline is below
 * 70 % of the first, scaled by its own bare COPY, says so.
 */
const DESIGN_BASELINE = 555;
const DESIGN_COPY = 106_000;
const LEAST_SHARE_OF_DESIGN = 0.7;
const COPIED_EVENTS = 50_000;
const EVENTS_A_COMMIT = 1_000;

interface RunFigures {
  readonly invoicesFinalized: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

class BillingBench {
  private readonly figures = new Map<string, number[]>();
  private readonly events: readonly CeilingRow[] = ceilingRows(new EventSource().batch(COPIED_EVENTS));

  constructor(
    private readonly platform: BenchPlatform,
    private readonly clients: { readonly reader: pg.Client; readonly writer: pg.Client },
  ) {}

  async run(): Promise<void> {
    const { databaseUrl, tenantId } = this.platform;
    const { writer } = this.clients;
    const versionId = await makePriceList(databaseUrl, tenantId, writer);
    await fillCompany(writer, tenantId, { versionId, customers: SUBSCRIPTIONS, months: ROUNDS });
    for (const statement of CEILING_TABLES) await writer.query(statement);
    for (const statement of NAIVE_STATE) await writer.query(statement, [tenantId]);
    await writer.query(CEILING_TABLE);
    for (let round = 0; round < ROUNDS; round += 1) await this.round(round);
    this.report();
  }

  private async round(round: number): Promise<void> {
    const month = monthOf(this.platform.tenantId, round);
    const { reader, writer } = this.clients;
    for (const table of ['invoice', 'invoice_line', 'billing_period', 'invoice_outbox', 'usage_pin']) {
      await writer.query(`TRUNCATE bench.${table}`);
    }
    await writer.query('TRUNCATE ceiling');
    this.keep('bare copy', await rateOf(COPIED_EVENTS, () => copyIn(writer, this.platform.tenantId, this.events, EVENTS_A_COMMIT)));
    await this.measured('ceiling', SUBSCRIPTIONS, () => copyInvoices(reader, writer, month, SUBSCRIPTIONS));
    const first = (round * ONE_BY_ONE) % Math.max(1, SUBSCRIPTIONS - ONE_BY_ONE + 1);
    const customers = Array.from({ length: ONE_BY_ONE }, (_, i) => first + i + 1);
    await this.measured('one by one', ONE_BY_ONE, () => billOneByOne(writer, month, customers));
    await this.measured('product', SUBSCRIPTIONS, () => this.bill(month));
    await this.check(month);
  }

  private async bill({ tenantId, to }: Month): Promise<void> {
    const asOf = new Date(Date.parse(to) + 3_600_000).toISOString();
    const script = path.resolve('dist/test/bench/billing-run.js');
    const profile = process.env['TARE_BENCH_PROFILE'] ? ['--cpu-prof', '--cpu-prof-dir', process.env['TARE_BENCH_PROFILE']] : [];
    const { stdout } = await promisify(execFile)(process.execPath, [...profile, script, this.platform.databaseUrl, tenantId, asOf], {
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const { invoicesFinalized, seconds, cpuSeconds, peakMiB } = JSON.parse(stdout) as RunFigures;
    if (invoicesFinalized !== SUBSCRIPTIONS) throw new Error(`${invoicesFinalized} invoices were finalized, not ${SUBSCRIPTIONS}`);
    this.keep('run invoices per second', SUBSCRIPTIONS / seconds);
    this.keep('run node microseconds', (cpuSeconds * 1e6) / SUBSCRIPTIONS);
    this.keep('run peak MiB', peakMiB);
  }

  /** What the product wrote is what the ceiling wrote. */
  private async check({ tenantId, to }: Month): Promise<void> {
    const { rows } = await this.clients.writer.query<{ wrong: number; lines: number }>(
      `SELECT (SELECT count(*) FROM invoice i FULL JOIN bench.invoice b ON b.tenant_id = i.tenant_id AND b.subscription_id = i.subscription_id AND b.billing_at = i.billing_at AND b.sequence = 0
               WHERE coalesce(i.tenant_id, b.tenant_id) = $1 AND coalesce(i.billing_at, b.billing_at) = $2 AND coalesce(b.sequence, 0) = 0
                 AND (i.total IS DISTINCT FROM b.total OR i.status IS DISTINCT FROM 'FINALIZED'))::int4 AS wrong,
         (SELECT count(*) FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id WHERE i.tenant_id = $1 AND i.billing_at = $2)::int4 AS lines`,
      [tenantId, to],
    );
    const [found] = rows;
    if (found?.wrong !== 0 || found.lines !== SUBSCRIPTIONS * MODELS.length)
      throw new Error(`not the same invoices: ${JSON.stringify(found)}`);
  }

  private async measured(name: string, invoices: number, work: () => Promise<void>): Promise<void> {
    const { postgresPid } = this.platform;
    const before = { postgres: cpuSecondsOfChildren(postgresPid), node: cpuSecondsOf(process.pid) };
    this.keep(name, await rateOf(invoices, work));
    this.keep(`${name} postgres microseconds`, ((cpuSecondsOfChildren(postgresPid) - before.postgres) * 1e6) / invoices);
    this.keep(`${name} node microseconds`, ((cpuSecondsOf(process.pid) - before.node) * 1e6) / invoices);
  }

  private keep(name: string, value: number): void {
    this.figures.set(name, [...(this.figures.get(name) ?? []), value]);
  }

  private middle(name: string): number {
    return median(this.figures.get(name) ?? []);
  }

  private report(): void {
    const rate = this.middle('run invoices per second');
    const ratio = (what: string, baseline: string, atLeast: number): void => {
      const base = this.middle(baseline);
      const rates = { perSecond: Math.round(rate), baseline, baselinePerSecond: Math.round(base) };
      print({ bench: 'billing', what, ratio: rounded(rate / base), atLeast, ...rates });
    };
    ratio(`run over ${SUBSCRIPTIONS} subscriptions with ${MODELS.length} usage lines, against queries for each`, 'one by one', 60);
    ratio('the same, as a share of the ceiling', 'ceiling', 0.35);
    const most = this.middle('ceiling') / this.middle('one by one');
    print({ bench: 'billing', what: 'the ceiling itself, against queries for each: as much as there is to gain', ratio: rounded(most) });
    const figure = (what: string, name: string): void => print({ bench: 'billing', what, value: rounded(this.middle(name), 1) });
    print({ bench: 'billing', what: 'peak memory of the run, MiB', value: rounded(this.middle('run peak MiB'), 0), atMost: 400 });
    figure('CPU of the run, microseconds per invoice', 'run node microseconds');
    figure('CPU of Postgres, microseconds per invoice', 'product postgres microseconds');
    for (const way of ['ceiling', 'one by one']) {
      figure(`CPU of Node, ${way}, microseconds per invoice`, `${way} node microseconds`);
      figure(`CPU of Postgres, ${way}, microseconds per invoice`, `${way} postgres microseconds`);
    }
    const cpuOf = (way: string, node: string): number => this.middle(`${way} postgres microseconds`) + this.middle(node);
    const own = cpuOf('product', 'run node microseconds');
    const busy = 'CPU of both, as on a machine that has other work too';
    print({
      bench: 'billing',
      what: `${busy}: of the baseline's`,
      ratio: rounded(cpuOf('one by one', 'one by one node microseconds') / own),
    });
    print({ bench: 'billing', what: `${busy}: the ceiling's share`, ratio: rounded(cpuOf('ceiling', 'ceiling node microseconds') / own) });
    const scaled = (DESIGN_BASELINE * this.middle('bare copy')) / DESIGN_COPY;
    const isValid = this.middle('one by one') >= scaled * LEAST_SHARE_OF_DESIGN;
    print({
      bench: 'billing',
      subscriptions: SUBSCRIPTIONS,
      rounds: ROUNDS,
      bareCopyPerSecond: Math.round(this.middle('bare copy')),
      designScaled: Math.round(scaled),
      valid: isValid,
      ...(isValid ? {} : { INVALID: "the baseline is below 70 % of the design's, scaled by this run's bare COPY" }),
    });
  }
}

function monthOf(tenantId: string, month: number): Month {
  const [from, to, next] = [month, month + 1, month + 2].map((m) => monthStart(m).toISOString());
  return { tenantId, from: from ?? '', to: to ?? '', next: next ?? '' };
}

const platform = await startBenchPlatform();
const clients = {
  reader: new pg.Client({ connectionString: platform.databaseUrl }),
  writer: new pg.Client({ connectionString: platform.databaseUrl }),
};
try {
  await clients.reader.connect();
  await clients.writer.connect();
  if (SUBSCRIPTIONS > 0) await new BillingBench(platform, clients).run();
} finally {
  await clients.reader.end();
  await clients.writer.end();
  await platform.stop();
}
if (EVENTS > 0) await wholeWay(EVENTS);
