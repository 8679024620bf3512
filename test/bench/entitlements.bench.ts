import pg from 'pg';
import { EventSource } from './events.ts';
import { fillWithHistory, hasHistory } from './history.ts';
import { getBytes, requestBytes, sendAll, type Answer } from './load-client.ts';
import { median, percentile, print, rounded } from './measure.ts';
import { startBenchServer, type BenchPlatform } from './platform.ts';

/**
 * The entitlement check over HTTP against an endpoint of the same process that answers a constant: in turns, the ratio is the median of the rounds' own. By REST the
 * constant is /healthz, which asks for no key, so that the check pays for knowing its caller too; by GraphQL it is `__typename` under the same key. The client is this
 * process, 64 connections with a request each: on two cores it takes one, and what PostgreSQL reads again every second shares the other with the API. Half of the
 * customers are limited by a feature and a cap on spend, half by a feature alone; every one is asked for. Then the same with a history of events stored, and
 * while usage comes in. Prints JSON lines. TARE_BENCH_ROWS (20000000; 0: none), TARE_BENCH_ROUNDS (7) TARE_BENCH_REQUESTS (20000, per round and endpoint) and
 * TARE_BENCH_CUSTOMERS (500, at most) make it shorter or longer; TARE_BENCH_DIRECTORY keeps the data for the next run. A history needs 700 bytes of disk for each row.
 */
const ROWS = Number(process.env['TARE_BENCH_ROWS'] ?? 20_000_000);
const ROUNDS = Number(process.env['TARE_BENCH_ROUNDS'] ?? 7);
const REQUESTS = Number(process.env['TARE_BENCH_REQUESTS'] ?? 20_000);
const CONNECTIONS = 64;
const GOAL = 0.5;
const CUSTOMERS = Number(process.env['TARE_BENCH_CUSTOMERS'] ?? 500);
const BATCH = 1_000;
/** A history takes its customers, dimensions and months from events that were ingested. */
const WARM_BATCHES = ROWS > 0 ? 20 : 2;

type Endpoint = 'constant' | 'rest' | 'graphqlConstant' | 'graphql';
const ENDPOINTS: readonly Endpoint[] = ['constant', 'rest', 'graphqlConstant', 'graphql'];

interface Round {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

class EntitlementBench {
  private readonly source = new EventSource('time');

  constructor(
    private readonly platform: BenchPlatform,
    private readonly client: pg.Client,
  ) {}

  async run(): Promise<void> {
    if (!(await this.isSetUp())) await this.setUp();
    await this.compare('few events stored');
    if (ROWS > 0) {
      if (!(await hasHistory(this.client))) await fillWithHistory(this.client, this.platform.tenantId, ROWS);
      // The history was written past the product: what is summed is counted anew, as after a long stop.
      await this.client.query(`UPDATE entitlement_customer SET cuts = '{}'`);
      await this.compare(`${ROWS} events stored`);
      print({ bench: 'entitlements', what: 'scans of events by the checks', ...(await this.scansOf(() => this.round('rest'))) });
    }
    await this.compareWhileUsageComesIn();
  }

  private async compare(what: string): Promise<void> {
    for (const endpoint of ENDPOINTS) await this.round(endpoint);
    const rounds = new Map<Endpoint, Round[]>(ENDPOINTS.map((endpoint) => [endpoint, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      const order = round % 2 === 0 ? ENDPOINTS : [...ENDPOINTS].reverse();
      for (const endpoint of order) {
        const done = await this.round(endpoint);
        rounds.get(endpoint)?.push(done);
        print({ bench: 'entitlements', round: round + 1, endpoint, ...figuresOf([done]) });
      }
    }
    const of = (endpoint: Endpoint): Round[] => rounds.get(endpoint) ?? [];
    this.report(`REST, ${what}`, of('rest'), of('constant'));
    this.report(`GraphQL, ${what}`, of('graphql'), of('graphqlConstant'));
    const each = ratios(of('graphql'), of('constant'));
    print({ bench: 'entitlements', what: `GraphQL against the constant by REST, ${what}`, ratio: rounded(median(each)) });
  }

  private report(what: string, checks: readonly Round[], constants: readonly Round[]): void {
    const each = ratios(checks, constants);
    print({
      bench: 'entitlements',
      what,
      ratio: rounded(median(each)),
      atLeast: GOAL,
      ratioOfEachRound: each.map((ratio) => rounded(ratio)),
      check: figuresOf(checks),
      constant: figuresOf(constants),
    });
  }

  private async compareWhileUsageComesIn(): Promise<void> {
    const [checks, constants]: [Round[], Round[]] = [[], []];
    let isOver = false;
    let events = 0;
    const began = performance.now();
    const usage = (async () => {
      while (!isOver) {
        await this.ingest(this.source.batch(100));
        events += 100;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    for (let round = 0; round < ROUNDS; round += 1) {
      checks.push(await this.round('rest'));
      constants.push(await this.round('constant'));
    }
    isOver = true;
    await usage;
    const eventsPerSecond = rounded((events * 1000) / (performance.now() - began), 0);
    this.report(`REST, while ${eventsPerSecond} events a second come in`, checks, constants);
  }

  private async round(endpoint: Endpoint): Promise<Round> {
    const requests = Array.from({ length: REQUESTS }, (_, i) => this.request(endpoint, `customer-${(i * 7) % CUSTOMERS}`));
    const began = performance.now();
    const latencies = await sendAll(this.platform.apiUrl, requests, CONNECTIONS, (answer) => requireAnswer(endpoint, answer));
    const perSecond = (REQUESTS * 1000) / (performance.now() - began);
    return { perSecond, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  }

  private request(endpoint: Endpoint, customer: string): Buffer {
    const { apiUrl, key } = this.platform;
    switch (endpoint) {
      case 'constant':
        return getBytes(apiUrl, '/healthz', key);
      case 'rest':
        return getBytes(apiUrl, `/v1/entitlements/${customer}/chat`, key);
      case 'graphqlConstant':
        return requestBytes(apiUrl, '/graphql', key, JSON.stringify({ query: '{ __typename }' }));
      case 'graphql':
        return requestBytes(apiUrl, '/graphql', key, JSON.stringify({ query: CHECK, variables: { customer } }));
      default:
        return endpoint satisfies never;
    }
  }

  /** Rows of events and buckets that Postgres read meanwhile. */
  private async scansOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await this.rowsRead();
    await work();
    // Postgres tells what a connection read when it is idle for a second.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const after = await this.rowsRead();
    return { requests: REQUESTS, eventRows: after.events - before.events, bucketRows: after.buckets - before.buckets };
  }

  private async rowsRead(): Promise<{ events: number; buckets: number }> {
    const { rows } = await this.client.query<{ events: string; buckets: string }>(`
      SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FILTER (WHERE relname LIKE 'usage_event_y%'), 0) AS events,
        coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FILTER (WHERE relname = 'usage_bucket'), 0) AS buckets
      FROM pg_stat_user_tables`);
    return { events: Number(rows[0]?.events), buckets: Number(rows[0]?.buckets) };
  }

  private async isSetUp(): Promise<boolean> {
    return (await this.client.query('SELECT FROM plan LIMIT 1')).rowCount === 1;
  }

  private async setUp(): Promise<void> {
    for (let batch = 0; batch < WARM_BATCHES; batch += 1) await this.ingest(this.source.batch(BATCH));
    await this.ask(
      'mutation { createMeter(input: { key: "tokens", name: "Tokens", eventType: "llm.completion", aggregation: SUM, valueProperty: "tokens.total" }) { id } }',
    );
    await this.ask(`mutation { createPlan(input: { key: "pro", name: "Pro", kind: SUBSCRIPTION, currency: "USD", interval: MONTH,
      prices: [{ key: "tokens", model: GRADUATED, meter: "tokens", tiers: [{ upTo: "1000000", unitPrice: "0.00001" }, { unitPrice: "0.000005" }] }],
      features: [{ key: "chat", meter: "tokens", limit: "1000000000000" }, { key: "sso" }] }) { id } }`);
    const startsAt = new Date(Math.floor(Date.now() / 86_400_000 - 40) * 86_400_000).toISOString();
    const customers = Array.from({ length: CUSTOMERS }, (_, no) => ({ customer: `customer-${no}`, at: startsAt }));
    await this.askEach(NEW_CUSTOMER, customers);
    await this.askEach(NEW_SUBSCRIPTION, customers);
    await this.askEach(
      CAP,
      customers.filter((_, no) => no % 2 === 0),
    );
  }

  private async ingest(events: readonly unknown[]): Promise<void> {
    const { apiUrl, key } = this.platform;
    await sendAll(apiUrl, [requestBytes(apiUrl, '/v1/events', key, JSON.stringify(events))], 1, ({ status, body }) => {
      if (status !== 200 || !body.includes(`"accepted":${events.length}`)) throw new Error(`events were not taken: ${body.slice(0, 500)}`);
    });
  }

  private ask(query: string): Promise<void> {
    return this.askEach(query, [{}]);
  }

  private async askEach(query: string, variables: readonly object[]): Promise<void> {
    const { apiUrl, key } = this.platform;
    const requests = variables.map((own) => requestBytes(apiUrl, '/graphql', key, JSON.stringify({ query, variables: own })));
    await sendAll(apiUrl, requests, 16, ({ body }) => {
      if (body.includes('"errors"')) throw new Error(body.slice(0, 500));
    });
  }
}

const CHECK = 'query ($customer: String!) { entitlement(customer: $customer, feature: "chat") { allowed reason remaining resetsAt } }';
const NEW_CUSTOMER = 'mutation ($customer: String!) { createCustomer(input: { key: $customer, name: $customer }) { id } }';
const NEW_SUBSCRIPTION =
  'mutation ($customer: String!, $at: DateTime!) { createSubscription(input: { customer: $customer, plan: "pro", startsAt: $at }) { id } }';
const CAP =
  'mutation ($customer: String!) { setCap(customer: $customer, input: { key: "day", kind: SPEND, limit: "1000000", period: DAY }) { key } }';

function requireAnswer(endpoint: Endpoint, { status, body }: Answer): void {
  const isCheck = endpoint === 'rest' || endpoint === 'graphql';
  if (status !== 200 || (isCheck && !body.includes('"allowed":true'))) throw new Error(`${endpoint}: ${status} ${body.slice(0, 500)}`);
}

const ratios = (checks: readonly Round[], constants: readonly Round[]): number[] =>
  checks.map(({ perSecond }, i) => perSecond / (constants[i]?.perSecond ?? NaN));

function figuresOf(rounds: readonly Round[]): Record<keyof Round, number> {
  return {
    perSecond: rounded(median(rounds.map(({ perSecond }) => perSecond)), 0),
    p50: rounded(median(rounds.map(({ p50 }) => p50))),
    p99: rounded(median(rounds.map(({ p99 }) => p99))),
  };
}

const server = await startBenchServer();
const platform = await server.open('entitlements');
const client = new pg.Client({ connectionString: platform.databaseUrl });
try {
  await client.connect();
  await new EntitlementBench(platform, client).run();
} finally {
  await client.end();
  await platform.stop();
  await server.stop();
}
