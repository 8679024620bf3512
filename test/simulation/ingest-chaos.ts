import { AccessService } from '@tare/access';
import { applyMigrations, Database } from '@tare/database';
import { migrateQueue } from '@tare/jobs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChaosEvents, PRICED_MODELS, seeded, type ChaosEvent } from './chaos-events.ts';
import { MortalPostgres } from './mortal-postgres.ts';
import { RunningApp } from './running-app.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly events: number;
  readonly kills: number;
  readonly clients: number;
  readonly apis: number;
  /** Of the events of a batch, those that were sent before. */
  readonly shareRepeated: number;
}

/** What a run did and what it found. Everything from `lost` on has to be 0. */
export interface ChaosReport {
  readonly acknowledged: number;
  readonly repeatsSent: number;
  readonly batches: number;
  /** Requests that nobody answered: what became of them is known only because they were sent again. */
  readonly unanswered: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Acknowledged events that are not there. */
  readonly lost: number;
  /** Events that are there twice, or were taken a second time. */
  readonly doubled: number;
  /** Customers and models whose tokens or quantities are not what was sent. */
  readonly wrongContents: number;
  /** Cells of buckets that a recount of the events does not give. */
  readonly wrongBuckets: number;
  /** Customers and models whose cost is not the sum over events at the rates. */
  readonly wrongCosts: number;
  /** APIs that ended without being killed. */
  readonly endedByThemselves: number;
}

interface Sums {
  events: number;
  input: number;
  output: number;
  tenths: number;
}

const KEY = 'tare_ingest_chaos_0123456789abcdef';
const LARGEST_BATCH = 1_200;
const FIRST_PRICE = { input: 3, output: 7 };
const SECOND_PRICE = { input: 5, output: 11 };
const SETTLE_MS = 300_000;

/** Sends a seed's events while processes die at random, then compares what is stored with what was acknowledged. */
export class IngestChaos {
  private readonly random: (below: number) => number;
  private readonly events: ChaosEvents;
  private readonly postgres = new MortalPostgres();
  private readonly acknowledged: Uint8Array;
  private readonly killed: Record<string, number> = { api: 0, worker: 0, postgres: 0 };
  private apis: RunningApp[] = [];
  private worker!: RunningApp;
  private database!: Database;
  private tenantId = '';
  private next = 0;
  /** Kills so far. */
  private done = 0;
  private acknowledgedEvents = 0;
  private doubled = 0;
  private repeatsSent = 0;
  private batches = 0;
  private unanswered = 0;

  constructor(
    private readonly options: ChaosOptions,
    private readonly log: (line: string) => void = () => undefined,
  ) {
    this.random = seeded(options.seed);
    this.events = new ChaosEvents(options.events, options.seed);
    this.acknowledged = new Uint8Array(options.events);
  }

  async run(): Promise<ChaosReport> {
    try {
      await this.start();
      const began = Date.now();
      const clients = Array.from({ length: this.options.clients }, (_, i) => this.client(seeded(this.options.seed + i + 1)));
      await Promise.all([...clients, this.killAll(), this.pricesAreSet()]);
      const seconds = (Date.now() - began) / 1000;
      await this.settle();
      return await this.compare(seconds);
    } finally {
      await Promise.all([...this.apis, this.worker].map((app) => app.stop()));
      await this.database.close();
      await this.postgres.remove();
    }
  }

  private async start(): Promise<void> {
    const url = await this.postgres.start();
    await applyMigrations(url, path.resolve('prisma/migrations'));
    await migrateQueue(url);
    this.database = new Database({ url, connections: 4 });
    const access = new AccessService(this.database);
    await access.bootstrap(KEY);
    this.tenantId = (await access.authenticate(KEY))?.tenantId ?? '';
    this.apis = Array.from({ length: this.options.apis }, () => new RunningApp('api', url));
    this.worker = new RunningApp('worker', url);
    await Promise.all([...this.apis, this.worker].map((app) => app.start()));
  }

  /** Takes the next events and some of those that were sent before, in any order, and sends them until they are answered. */
  private async client(own: (below: number) => number): Promise<void> {
    while (this.next < this.options.events) {
      // No further than half way to the kill after the next one: each comes in the midst of requests, whatever the machine's speed.
      if (this.next > (this.options.events * (this.done + 1.5)) / (this.options.kills + 1)) {
        await sleep(5);
        continue;
      }
      const from = this.next;
      const fresh = Math.min(this.options.events - from, 50 + own(LARGEST_BATCH - 50));
      this.next += fresh;
      const repeats = from === 0 ? 0 : Math.round((fresh * this.options.shareRepeated) / (1 - this.options.shareRepeated));
      this.repeatsSent += repeats;
      const indexes = [...Array(fresh).keys()].map((i) => from + i).concat([...Array(repeats).keys()].map(() => own(from)));
      await this.sendUntilAnswered(shuffled(indexes, own));
    }
  }

  private async sendUntilAnswered(indexes: readonly number[]): Promise<void> {
    const body = indexes.map((index) => this.events.at(index));
    const before = new Set(indexes.filter((index) => this.acknowledged[index] === 0)).size;
    const answer = (await this.post('/v1/events', body)) as { accepted: number; duplicates: number; rejected: unknown[] };
    if (answer.rejected.length > 0) throw new Error(`refused: ${JSON.stringify(answer.rejected.slice(0, 3))}`);
    if (answer.accepted + answer.duplicates !== indexes.length) throw new Error(`not all are answered: ${JSON.stringify(answer)}`);
    // More accepted than had not been acknowledged when it was sent: one was taken twice.
    this.doubled += Math.max(0, answer.accepted - before);
    this.batches += 1;
    for (const index of indexes) {
      this.acknowledgedEvents += this.acknowledged[index] === 0 ? 1 : 0;
      this.acknowledged[index] = 1;
    }
  }

  private async post(route: string, body: unknown): Promise<unknown> {
    const text = JSON.stringify(body);
    for (;;) {
      const url = this.apis[this.batches % this.apis.length]?.url ?? this.apis.find((api) => api.url !== null)?.url ?? null;
      const answer = url === null ? null : await this.ask(`${url}${route}`, text);
      if (answer !== null) return answer;
      await sleep(50);
    }
  }

  /** Null for no answer, or one that says to come back. */
  private async ask(url: string, body: string): Promise<unknown> {
    try {
      const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body });
      if (response.status === 200) return await response.json();
      // A database that was killed is an error on our side: nothing was acknowledged, so it is sent again.
      if (response.status !== 429 && response.status < 500) throw new Error(`status ${response.status}: ${await response.text()}`);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('status')) throw error;
    }
    this.unanswered += 1;
    return null;
  }

  /** One process after the other, each some time after the share of events that the seed gave it. */
  private async killAll(): Promise<void> {
    for (let kill = 1; kill <= this.options.kills; kill += 1) {
      const target = this.random(10);
      const delay = this.random(150);
      const due = (this.options.events * kill) / (this.options.kills + 1);
      while (this.acknowledgedEvents < due) await sleep(5);
      await sleep(delay);
      await this.kill(target);
      this.done = kill;
    }
  }

  private async kill(target: number): Promise<void> {
    const name = target < 5 ? 'api' : target < 7 ? 'worker' : 'postgres';
    this.killed[name] = (this.killed[name] ?? 0) + 1;
    this.log(`kill -9 ${name} at ${this.acknowledgedEvents} acknowledged events`);
    if (name === 'postgres') {
      this.postgres.kill();
      await this.postgres.startAgain();
    } else {
      const app = name === 'worker' ? this.worker : (this.apis[target % this.apis.length] as RunningApp);
      await app.kill();
      await app.start();
    }
  }

  /** In the middle of it a rate is set, so that costs are filled in while processes die; later another one, which only restates. */
  private async pricesAreSet(): Promise<void> {
    while (this.acknowledgedEvents < this.options.events / 2) await sleep(20);
    for (const model of PRICED_MODELS) await this.setRate(model, FIRST_PRICE);
  }

  private async setRate(model: string, price: { readonly input: number; readonly output: number }): Promise<void> {
    const input = {
      provider: 'own-lab',
      model,
      currency: 'USD',
      validFrom: '2020-01-01T00:00:00Z',
      input: `${price.input}`,
      output: `${price.output}`,
    };
    const query = 'mutation ($input: CostRateInput!) { setCostRate(input: $input) { id } }';
    const answer = (await this.post('/graphql', { query, variables: { input } })) as { data?: unknown; errors?: unknown };
    // A rate that was stored and not answered is set again: the later of two equal ones counts, and costs the same.
    if (answer.errors !== undefined) {
      await sleep(100);
      await this.setRate(model, price);
    }
  }

  private async settle(): Promise<void> {
    for (const app of [...this.apis, this.worker]) if (!app.isRunning) await app.start();
    await this.setRate(PRICED_MODELS[0] as string, SECOND_PRICE);
    const deadline = Date.now() + SETTLE_MS;
    while ((await this.rows('SELECT 1 FROM costing_task LIMIT 1')).length > 0) {
      if (Date.now() > deadline) throw new Error('costs were not filled in: a costing task is still waiting');
      await sleep(200);
    }
  }

  private async compare(seconds: number): Promise<ChaosReport> {
    const expected = this.expectedSums();
    const [counted] = await this.rows<{ events: number; keys: number }>(
      'SELECT count(*)::int AS events, count(DISTINCT key_hash)::int AS keys FROM usage_event',
    );
    const { events = 0, keys = 0 } = counted ?? {};
    return {
      acknowledged: this.acknowledgedEvents,
      repeatsSent: this.repeatsSent,
      batches: this.batches,
      unanswered: this.unanswered,
      kills: this.killed,
      seconds,
      lost: Math.max(0, this.acknowledgedEvents - keys),
      doubled: this.doubled + Math.max(0, events - keys) + Math.max(0, keys - this.options.events),
      wrongContents: await this.wrongContents(expected),
      wrongBuckets: await this.wrongBuckets(),
      wrongCosts: await this.wrongCosts(expected),
      endedByThemselves: this.apis.reduce((sum, api) => sum + api.endedByItself, 0),
    };
  }

  /** By customer and model, of the events as they were sent. */
  private expectedSums(): Map<string, Sums> {
    const sums = new Map<string, Sums>();
    for (let index = 0; index < this.options.events; index += 1) add(sums, this.events.at(index));
    return sums;
  }

  private async wrongContents(expected: ReadonlyMap<string, Sums>): Promise<number> {
    const rows = await this.rows<Record<'what' | 'events' | 'input' | 'output' | 'tenths', string>>(
      `SELECT k.key || ' ' || d.model AS what, count(*)::text AS events, coalesce(sum(e.uncached_input), 0)::text AS input,
         coalesce(sum(e.plain_output), 0)::text AS output, trunc(coalesce(sum(e.quantity), 0) * 10)::text AS tenths
       FROM usage_event e JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = e.dimension_no
       JOIN customer_key k ON k.tenant_id = e.tenant_id AND k.no = e.customer_no GROUP BY 1`,
    );
    const stored = new Map(rows.map(({ what, ...sums }) => [what, JSON.stringify(Object.values(sums))]));
    const wanted = new Map([...expected].map(([what, s]) => [what, JSON.stringify([s.events, s.input, s.output, s.tenths].map(String))]));
    return differences(stored, wanted);
  }

  private async wrongBuckets(): Promise<number> {
    const sums = ['uncached_input', 'plain_output', 'quantity', 'cost']
      .map((column) => `coalesce(sum(${column}), 0) AS ${column}`)
      .join(', ');
    const recount = `SELECT customer_no, dimension_no, date_bin('15 minutes', at, 'epoch') AS from_at, count(*)::numeric AS events, ${sums}
      FROM usage_event WHERE tenant_id = $1 GROUP BY 1, 2, 3`;
    const kept = `SELECT customer_no, dimension_no, from_at, sum(events)::numeric AS events, ${sums}
      FROM usage_bucket WHERE tenant_id = $1 GROUP BY 1, 2, 3 HAVING sum(events) <> 0`;
    const [row] = await this.rows<{ wrong: number }>(
      `WITH counted AS (${recount}), kept AS (${kept})
       SELECT count(*)::int AS wrong FROM ((TABLE counted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE counted)) AS differing`,
      [this.tenantId],
    );
    return row?.wrong ?? NaN;
  }

  /** Frozen at the first price, restated at the second; in events and in buckets. Of millionths, so that sums here are exact. */
  private async wrongCosts(expected: ReadonlyMap<string, Sums>): Promise<number> {
    const restatedAt = (model: string): typeof FIRST_PRICE => (model === PRICED_MODELS[0] ? SECOND_PRICE : FIRST_PRICE);
    const wanted = new Map<string, string>();
    for (const [what, sums] of expected) {
      const model = what.split(' ')[1] ?? '';
      const isPriced = PRICED_MODELS.includes(model);
      const cost = (price: typeof FIRST_PRICE): number => (isPriced ? sums.input * price.input + sums.output * price.output : 0);
      wanted.set(what, JSON.stringify([cost(FIRST_PRICE), cost(FIRST_PRICE), cost(restatedAt(model))].map(String)));
    }
    const rows = await this.rows<Record<'what' | 'cost' | 'bucket_cost' | 'restated', string>>(
      `WITH events AS (
         SELECT e.customer_no, d.model, coalesce(sum(e.cost), 0) AS cost FROM usage_event e
         JOIN usage_dimension d ON d.tenant_id = e.tenant_id AND d.no = e.dimension_no GROUP BY 1, 2
       ), buckets AS (
         SELECT b.customer_no, d.model, sum(b.cost) AS cost, sum(b.restated_cost) AS restated FROM usage_bucket b
         JOIN usage_dimension d ON d.tenant_id = b.tenant_id AND d.no = b.dimension_no GROUP BY 1, 2
       )
       SELECT k.key || ' ' || model AS what, trunc(events.cost * 1000000)::text AS cost, trunc(buckets.cost * 1000000)::text AS bucket_cost,
         trunc(buckets.restated * 1000000)::text AS restated
       FROM events JOIN buckets USING (customer_no, model) JOIN customer_key k ON k.no = customer_no`,
    );
    const stored = new Map(rows.map(({ what, ...costs }) => [what, JSON.stringify(Object.values(costs))]));
    return differences(stored, wanted);
  }

  private rows<Row extends Record<string, unknown>>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.database.withTenant(this.tenantId, (tx) => tx.query<Row>(sql, values));
  }
}

function add(sums: Map<string, Sums>, event: ChaosEvent): void {
  const what = `${event.customer} ${event.model}`;
  const sum = sums.get(what) ?? { events: 0, input: 0, output: 0, tenths: 0 };
  sum.events += 1;
  sum.input += event.tokens.input;
  sum.output += event.tokens.output;
  sum.tenths += Number(event.quantity.replace('.', ''));
  sums.set(what, sum);
}

function differences(stored: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): number {
  const names = new Set([...stored.keys(), ...wanted.keys()]);
  return [...names].filter((name) => stored.get(name) !== wanted.get(name)).length;
}

function shuffled(indexes: readonly number[], random: (below: number) => number): number[] {
  const order = [...indexes];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const other = random(i + 1);
    [order[i], order[other]] = [order[other] as number, order[i] as number];
  }
  return order;
}
