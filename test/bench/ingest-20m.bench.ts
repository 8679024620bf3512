import pg from 'pg';
import { EventSource, type KeyOrder } from './events.ts';
import { fillWithHistory, hasHistory, sizesOf } from './history.ts';
import { requestBytes, sendAll } from './load-client.ts';
import { cpuSecondsOf, cpuSecondsOfChildren, median, print, rateOf, rounded } from './measure.ts';
import { startBenchServer, type BenchPlatform } from './platform.ts';

/**
 * Ingest into a table of 20 million events against ingest into an empty one: two databases of one PostgreSQL, in turns; the two databases
 * take turns in going first, and the ratio is the median of the rounds' own. Prints JSON lines. TARE_BENCH_ROWS (20000000), TARE_BENCH_ROUNDS (5) and TARE_BENCH_EVENTS (100000, per round,
 * order of keys and database) make it smaller or larger; TARE_BENCH_POSTGRES tries settings of the server; TARE_BENCH_DIRECTORY keeps the data, for other
 * settings in the next run. It needs 700 bytes of disk for each row.
 */
const ROWS = Number(process.env['TARE_BENCH_ROWS'] ?? 20_000_000);
const ROUNDS = Number(process.env['TARE_BENCH_ROUNDS'] ?? 5);
const EVENTS = Number(process.env['TARE_BENCH_EVENTS'] ?? 100_000);
const BATCH = 1_000;
const CONNECTIONS = 8;
const GOALS: Readonly<Record<KeyOrder, number>> = { time: 0.85, random: 0.6 };
const ORDERS = Object.keys(GOALS) as KeyOrder[];

type Fill = 'empty' | 'full';

/** What one round of one order of keys came to in one database. */
interface Round {
  readonly perSecond: number;
  readonly nodeMicros: number;
  readonly postgresMicros: number;
  readonly walBytes: number;
  /** Pages written to the log in full, and what they take there. */
  readonly fullPages: number;
}

class LargeTableBench {
  private readonly sources: Readonly<Record<KeyOrder, EventSource>> = { time: new EventSource('time'), random: new EventSource('random') };
  private readonly rounds = new Map<string, Round[]>();

  constructor(private readonly platforms: Readonly<Record<Fill, { readonly platform: BenchPlatform; readonly client: pg.Client }>>) {}

  async run(): Promise<void> {
    // Customers, dimensions and partitions of the history come from events that were ingested.
    for (const fill of ['empty', 'full'] as const) for (const order of ORDERS) await this.send(fill, order, this.requests(fill, order, 20));
    const { client, platform } = this.platforms.full;
    if (!(await hasHistory(client))) await fillWithHistory(client, platform.tenantId, ROWS);
    // Full pages are written again from here on, in either database.
    await client.query('CHECKPOINT');
    print({ bench: 'ingest-20m', what: 'filled', ...(await sizesOf(client)) });
    for (let round = 0; round < ROUNDS; round += 1) {
      const fills: readonly Fill[] = round % 2 === 0 ? ['full', 'empty'] : ['empty', 'full'];
      for (const order of ORDERS) for (const fill of fills) await this.measure(fill, order);
    }
    for (const order of ORDERS) this.report(order);
  }

  private async measure(fill: Fill, order: KeyOrder): Promise<void> {
    const { platform, client } = this.platforms[fill];
    const requests = this.requests(fill, order, EVENTS / BATCH);
    const cpu = (): [number, number] => [cpuSecondsOf(platform.apiPid), cpuSecondsOfChildren(platform.postgresPid)];
    const [node, postgres] = cpu();
    const wal = await walOf(client);
    const perSecond = await rateOf(EVENTS, () => this.send(fill, order, requests));
    const [nodeAfter, postgresAfter] = cpu();
    const walAfter = await walOf(client);
    const round = {
      perSecond,
      nodeMicros: ((nodeAfter - node) * 1e6) / EVENTS,
      postgresMicros: ((postgresAfter - postgres) * 1e6) / EVENTS,
      walBytes: (walAfter.bytes - wal.bytes) / EVENTS,
      fullPages: (walAfter.fullPages - wal.fullPages) / EVENTS,
    };
    const rounds = this.rounds.get(`${fill} ${order}`) ?? [];
    this.rounds.set(`${fill} ${order}`, [...rounds, round]);
    print({ bench: 'ingest-20m', round: rounds.length + 1, table: fill, keys: order, ...figuresOf([round]) });
  }

  private requests(fill: Fill, order: KeyOrder, batches: number): Buffer[] {
    const { apiUrl, key } = this.platforms[fill].platform;
    return Array.from({ length: batches }, () => requestBytes(apiUrl, '/v1/events', key, JSON.stringify(this.sources[order].batch(BATCH))));
  }

  private async send(fill: Fill, order: KeyOrder, requests: Buffer[]): Promise<void> {
    await sendAll(this.platforms[fill].platform.apiUrl, requests, CONNECTIONS, ({ body }) => {
      const { accepted } = JSON.parse(body) as { accepted?: number };
      if (accepted !== BATCH) throw new Error(`expected ${BATCH} accepted events with ${order} keys: ${body.slice(0, 500)}`);
    });
  }

  private report(order: KeyOrder): void {
    const [full, empty] = (['full', 'empty'] as const).map((fill) => this.rounds.get(`${fill} ${order}`) ?? []) as [Round[], Round[]];
    const each = full.map(({ perSecond }, i) => perSecond / (empty[i]?.perSecond ?? NaN));
    print({
      bench: 'ingest-20m',
      what: order === 'time' ? 'time-ordered keys' : 'random keys',
      ratio: rounded(median(each)),
      atLeast: GOALS[order],
      ratioOfEachRound: each.map((ratio) => rounded(ratio)),
      rows: ROWS,
      full: figuresOf(full),
      empty: figuresOf(empty),
    });
  }
}

const middle = (rounds: readonly Round[], figure: keyof Round): number => median(rounds.map((round) => round[figure]));

function figuresOf(rounds: readonly Round[]): Record<keyof Round, number> {
  return {
    perSecond: rounded(middle(rounds, 'perSecond'), 0),
    nodeMicros: rounded(middle(rounds, 'nodeMicros'), 1),
    postgresMicros: rounded(middle(rounds, 'postgresMicros'), 1),
    walBytes: rounded(middle(rounds, 'walBytes'), 0),
    fullPages: rounded(middle(rounds, 'fullPages'), 3),
  };
}

async function walOf(client: pg.Client): Promise<{ bytes: number; fullPages: number }> {
  const { rows } = await client.query<{ bytes: string; pages: string }>(
    "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes, wal_fpi AS pages FROM pg_stat_wal",
  );
  return { bytes: Number(rows[0]?.bytes), fullPages: Number(rows[0]?.pages) };
}

const server = await startBenchServer();
const opened: { readonly platform: BenchPlatform; readonly client: pg.Client }[] = [];
const open = async (fill: Fill) => {
  const platform = await server.open(fill);
  const client = new pg.Client({ connectionString: platform.databaseUrl });
  opened.push({ platform, client });
  await client.connect();
  return { platform, client };
};
try {
  await new LargeTableBench({ empty: await open('empty'), full: await open('full') }).run();
} finally {
  for (const { platform, client } of opened) {
    await client.end();
    await platform.stop();
  }
  await server.stop();
}
