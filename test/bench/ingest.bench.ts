import pg from 'pg';
import { CEILING_TABLE, ceilingRows, copyIn } from './baselines/copy-events.ts';
import { insertOneByOne, PrismaRows } from './baselines/insert-rows.ts';
import { EventSource, type BenchEvent } from './events.ts';
import { requestBytes, sendAll, type Answer } from './load-client.ts';
import { cpuSecondsOf, cpuSecondsOfChildren, median, peakMemoryMiB, percentile, print, rateOf, rounded } from './measure.ts';
import { startBenchPlatform, type BenchPlatform } from './platform.ts';

/**
 * Ingest against ceilings and baselines of the same run, on the same Postgres: fsync on, interleaved, the median of the rounds. Prints JSON lines.
 * TARE_BENCH_ROUNDS (5) and TARE_BENCH_EVENTS (40000, per round and way) make it shorter or longer.
 */
const ROUNDS = Number(process.env['TARE_BENCH_ROUNDS'] ?? 5);
const EVENTS = Number(process.env['TARE_BENCH_EVENTS'] ?? 40_000);
const BATCH = 1_000;
const CONNECTIONS = 8;
const SINGLE_CONNECTIONS = 64;
const SINGLE_SHARE = 0.1;
const ONLY = process.env['TARE_BENCH_ONLY']?.split(',');
/** Measured in section 4 of the design: bare COPY at 1,000 a commit. A run below 70 % of it says so. */
const DESIGN_CEILING = 106_000;
const LEAST_SHARE_OF_DESIGN = 0.7;

const GRAPHQL = 'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted duplicates rejected { index code } } }';

class IngestBench {
  private readonly source = new EventSource();
  private readonly rates = new Map<string, number[]>();
  private sent: Buffer[] = [];
  private first: BenchEvent | null = null;

  constructor(
    private readonly platform: BenchPlatform,
    private readonly client: pg.Client,
    private readonly prisma: PrismaRows,
  ) {}

  async run(): Promise<void> {
    await this.rest('warm-up', this.batches(EVENTS), BATCH);
    this.rates.clear();
    for (let round = 1; round <= ROUNDS; round += 1) await this.round();
    this.keep('disk bytes', await this.diskBytes());
    this.report();
  }

  private async round(): Promise<void> {
    const few = Math.max(1, Math.floor(EVENTS * SINGLE_SHARE));
    await this.way('copy', async () => {
      const rows = ceilingRows(this.source.batch(EVENTS));
      this.keep('copy', await rateOf(EVENTS, () => copyIn(this.client, this.platform.tenantId, rows, BATCH)));
    });
    await this.way('rest', () => this.measuredRest());
    await this.way('graphql', async () => {
      const bodies = this.batches(EVENTS).map((events) => JSON.stringify({ query: GRAPHQL, variables: { events } }));
      const requests = bodies.map((body) => this.request('/graphql', body));
      await this.send('graphql', requests, CONNECTIONS, EVENTS, (answer) =>
        expectAccepted(JSON.parse(answer.body).data.ingestEvents, BATCH),
      );
    });
    await this.way('rest, one repeat in every batch', async () => {
      const repeated = this.first as BenchEvent;
      const batches = this.batches(EVENTS).map((events) => [...events.slice(0, -1), repeated]);
      await this.rest('rest, one repeat in every batch', batches, BATCH - 1);
    });
    await this.way('rest, everything repeated', async () => {
      await this.send('rest, everything repeated', this.sent, CONNECTIONS, EVENTS, (answer) => expectAccepted(JSON.parse(answer.body), 0));
    });
    await this.way('insert per event', async () => {
      const rows = ceilingRows(this.source.batch(few));
      this.keep('insert per event', await rateOf(few, () => insertOneByOne(this.client, this.platform.tenantId, rows)));
    });
    await this.way('single', async () => {
      const requests = this.source.batch(few).map((event) => this.request('/v1/events', JSON.stringify([event])));
      const { apiPid, postgresPid } = this.platform;
      const before = { node: cpuSecondsOf(apiPid), postgres: cpuSecondsOfChildren(postgresPid) };
      await this.send('single', requests, SINGLE_CONNECTIONS, few, (answer) => expectAccepted(JSON.parse(answer.body), 1));
      this.keep('single node microseconds', ((cpuSecondsOf(apiPid) - before.node) * 1e6) / few);
      this.keep('single postgres microseconds', ((cpuSecondsOfChildren(postgresPid) - before.postgres) * 1e6) / few);
    });
    await this.way('createMany', async () => {
      const rows = ceilingRows(this.source.batch(few));
      this.keep('createMany', await rateOf(few, () => this.prisma.create(this.platform.tenantId, rows, BATCH)));
    });
    await this.way('half load', () => this.halfLoad());
  }

  /** With what it cost: CPU of Node and of Postgres, and bytes of the log. */
  private async measuredRest(): Promise<void> {
    const { apiPid, postgresPid } = this.platform;
    const before = { node: cpuSecondsOf(apiPid), postgres: cpuSecondsOfChildren(postgresPid), wal: await this.walBytes() };
    const batches = this.batches(EVENTS);
    this.first = batches[0]?.[0] ?? null;
    this.sent = await this.rest('rest', batches, BATCH);
    this.keep('node microseconds', ((cpuSecondsOf(apiPid) - before.node) * 1e6) / EVENTS);
    this.keep('postgres microseconds', ((cpuSecondsOfChildren(postgresPid) - before.postgres) * 1e6) / EVENTS);
    this.keep('wal bytes', ((await this.walBytes()) - before.wal) / EVENTS);
  }

  /** Batches at half of the rate just measured: what a sender waits when there is room. */
  private async halfLoad(): Promise<void> {
    const rate = (this.rates.get('rest')?.at(-1) ?? 0) / 2;
    const requests = this.batches(EVENTS / 2).map((events) => this.request('/v1/events', JSON.stringify(events)));
    const latencies: number[] = [];
    const began = performance.now();
    const each = requests.map(async (request, i) => {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + (i * BATCH * 1000) / rate - performance.now())));
      latencies.push(...(await sendAll(this.platform.apiUrl, [request], 1, (answer) => expectAccepted(JSON.parse(answer.body), BATCH))));
    });
    await Promise.all(each);
    this.keep('p50 ms', percentile(latencies, 0.5));
    this.keep('p99 ms', percentile(latencies, 0.99));
  }

  private async rest(name: string, batches: readonly (readonly BenchEvent[])[], accepted: number): Promise<Buffer[]> {
    const requests = batches.map((events) => this.request('/v1/events', JSON.stringify(events)));
    await this.send(name, requests, CONNECTIONS, batches.length * BATCH, (answer) => expectAccepted(JSON.parse(answer.body), accepted));
    return requests;
  }

  private async send(
    name: string,
    requests: Buffer[],
    connections: number,
    events: number,
    check: (answer: Answer) => void,
  ): Promise<void> {
    const send = async (): Promise<void> => void (await sendAll(this.platform.apiUrl, requests, connections, check));
    this.keep(name, await rateOf(events, send));
  }

  private way(name: string, work: () => Promise<void>): Promise<void> {
    return ONLY === undefined || ONLY.includes(name) ? work() : Promise.resolve();
  }

  private keep(name: string, value: number): void {
    this.rates.set(name, [...(this.rates.get(name) ?? []), value]);
  }

  private batches(events: number): BenchEvent[][] {
    return Array.from({ length: Math.floor(events / BATCH) }, () => this.source.batch(BATCH));
  }

  private request(path: string, body: string): Buffer {
    return requestBytes(this.platform.apiUrl, path, this.platform.key, body);
  }

  private async walBytes(): Promise<number> {
    const { rows } = await this.client.query<{ bytes: string }>("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes");
    return Number(rows[0]?.bytes);
  }

  /** Of events, keys and buckets with their indexes, for each event that is there. */
  private async diskBytes(): Promise<number> {
    const { rows } = await this.client.query<{ bytes: string }>(
      `SELECT sum(pg_total_relation_size(c.oid)) / (SELECT count(*) FROM usage_event_key) AS bytes
       FROM pg_class c WHERE c.relkind = 'r' AND (c.relname LIKE 'usage\\_event\\_y%' OR c.relname IN ('usage_event_key', 'usage_bucket'))`,
    );
    return Number(rows[0]?.bytes);
  }

  private report(): void {
    const ratio = (what: string, way: string, baseline: string, atLeast: number): void => {
      const [rate, base] = [this.middle(way), this.middle(baseline)];
      if (Number.isNaN(rate / base)) return;
      print({
        bench: 'ingest',
        what,
        ratio: rounded(rate / base),
        atLeast,
        perSecond: Math.round(rate),
        baseline,
        baselinePerSecond: Math.round(base),
      });
    };
    ratio('REST, batches of 1,000', 'rest', 'copy', 0.5);
    ratio('GraphQL, batches of 1,000', 'graphql', 'copy', 0.4);
    ratio('REST against Prisma createMany', 'rest', 'createMany', 15);
    ratio('single events, 64 connections', 'single', 'insert per event', 3);
    ratio('every batch holds a repeat', 'rest, one repeat in every batch', 'rest', 0.4);
    ratio('everything is a repeat', 'rest, everything repeated', 'rest', 0.8);
    const figure = (what: string, name: string): void => print({ bench: 'ingest', what, value: rounded(this.middle(name), 1) });
    figure('CPU of the API, microseconds per event', 'node microseconds');
    figure('CPU of Postgres, microseconds per event', 'postgres microseconds');
    figure('CPU of the API, microseconds per single-event request', 'single node microseconds');
    figure('CPU of Postgres, microseconds per single-event request', 'single postgres microseconds');
    figure('WAL bytes per event', 'wal bytes');
    figure('disk bytes per event, indexes and buckets included', 'disk bytes');
    figure('acknowledgement at half load, p50 ms', 'p50 ms');
    figure('acknowledgement at half load, p99 ms', 'p99 ms');
    print({ bench: 'ingest', what: 'peak memory of the API, MiB', value: rounded(peakMemoryMiB(this.platform.apiPid), 0), atMost: 400 });
    const isValid = this.middle('copy') >= DESIGN_CEILING * LEAST_SHARE_OF_DESIGN;
    print({
      bench: 'ingest',
      rounds: ROUNDS,
      eventsPerRound: EVENTS,
      valid: isValid,
      ...(isValid ? {} : { INVALID: 'the ceiling is below 70 % of the design' }),
    });
  }

  private middle(name: string): number {
    return median(this.rates.get(name) ?? []);
  }
}

function expectAccepted(result: { accepted: number; rejected: unknown[] }, accepted: number): void {
  if (result.accepted === accepted && result.rejected.length === 0) return;
  throw new Error(`expected ${accepted} accepted events: ${JSON.stringify(result).slice(0, 500)}`);
}

const platform = await startBenchPlatform();
const client = new pg.Client({ connectionString: platform.databaseUrl });
const prisma = new PrismaRows(platform.databaseUrl);
try {
  await client.connect();
  await client.query(CEILING_TABLE);
  await new IngestBench(platform, client, prisma).run();
} finally {
  await client.end();
  await prisma.close();
  await platform.stop();
}
