import { AccessService } from '@tare/access';
import { applyMigrations, Database } from '@tare/database';
import { migrateQueue } from '@tare/jobs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AcknowledgementLedger } from './acknowledgement-ledger.ts';
import { ChaosEvents, PRICED_MODELS, seeded } from './chaos-events.ts';
import { FIRST_PRICE, RESTATED_MODEL, SECOND_PRICE, type ChaosPrice } from './chaos-prices.ts';
import { CorrectionQueue, type CorrectionStep } from './correction-queue.ts';
import { InsistentClient, type BatchAnswer } from './insistent-client.ts';
import { CHAOS_METERS, wrongMeterRows } from './meter-comparison.ts';
import { MortalPostgres } from './mortal-postgres.ts';
import { RunningApp } from './running-app.ts';
import { StoredComparison, type StoredDifferences } from './stored-comparison.ts';
import { UpkeepRequests, type UpkeepProgress } from './upkeep-requests.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly events: number;
  readonly kills: number;
  readonly clients: number;
  readonly apis: number;
  /** Of the events of a batch, those that were sent before. */
  readonly shareRepeated: number;
}

/** What a run found. Every one of them has to be 0. */
export interface ChaosFaults extends StoredDifferences {
  /** Rows of meters' usage, by customer and window, that are not what a count of the events gives. */
  readonly wrongMeters: number;
  /** Processes that ended without being killed, or would not end when told to. */
  readonly endedByThemselves: number;
  /** Requests that an API neither answered nor dropped. */
  readonly hung: number;
}

/** What a run did. */
export interface ChaosDeeds {
  readonly acknowledged: number;
  readonly repeatsSent: number;
  readonly batches: number;
  /** Voids and amendments that were acknowledged, and those that were sent again. */
  readonly corrections: number;
  readonly correctionRepeatsSent: number;
  /** Requests that nobody answered: what became of them is known only because they were sent again. */
  readonly unanswered: number;
  readonly kills: Readonly<Record<string, number>>;
  /** Until the last event was acknowledged, and until costs, roll-ups and compaction had caught up. */
  readonly seconds: number;
  readonly settledSeconds: number;
  /** How far upkeep had come when the last event was acknowledged. */
  readonly upkeep: UpkeepProgress;
}

export type ChaosReport = ChaosDeeds & { readonly faults: ChaosFaults };

const KEY = 'tare_ingest_chaos_0123456789abcdef';
const LARGEST_BATCH = 1_200;
const LARGEST_CORRECTION = 400;
const CORRECTORS = 2;
const UPKEEP_EVERY_MS = 2_000;
const SETTLE_MS = 900_000;
/** Until it is looked whether a rate was stored. */
const RATE_PATIENCE_MS = 5_000;
/** What is wrong is told one by one up to here. */
const MOST_LINES = 50;

const INGEST =
  'mutation ($events: [UsageEventInput!]!) { ingestEvents(events: $events) { accepted duplicates rejected { code message } } }';
const VOID = 'mutation ($keys: [String!]!) { voidEvents(keys: $keys, reason: "chaos") { accepted duplicates rejected { code message } } }';
const SET_RATE = 'mutation ($input: CostRateInput!) { setCostRate(input: $input) { id } }';
const CREATE_METER = 'mutation ($input: MeterInput!) { createMeter(input: $input) { id } }';

/**
 * Sends a seed's events and corrections while processes die at random, then compares what is stored with what was acknowledged. `run` is all of it; a test may
 * stand between `play` and `compare`.
 */
export class IngestChaos {
  /** Where every acknowledgement is written down. */
  readonly ledger: AcknowledgementLedger;
  private readonly random: (below: number) => number;
  private readonly events: ChaosEvents;
  private readonly corrections: CorrectionQueue;
  private readonly postgres = new MortalPostgres();
  private readonly acknowledged: Uint8Array;
  private readonly killed: Record<string, number> = { api: 0, worker: 0, postgres: 0 };
  private apis: RunningApp[] = [];
  private processes: RunningApp[] = [];
  private client!: InsistentClient;
  private database: Database | null = null;
  private upkeep: UpkeepRequests | null = null;
  private tenantId = '';
  private next = 0;
  /** Kills so far. */
  private done = 0;
  private acknowledgedEvents = 0;
  private takenTwice = 0;
  private repeatsSent = 0;
  private correctionRepeatsSent = 0;
  private batches = 0;
  /** Something failed: all stop. */
  private isOver = false;
  private seconds = 0;
  private settledSeconds = 0;
  private upkeepWhenSent: UpkeepProgress = { commits: 0, compacted: 0, rolledUp: 0 };

  constructor(
    private readonly options: ChaosOptions,
    private readonly log: (line: string) => void = () => undefined,
  ) {
    this.random = seeded(options.seed);
    this.events = new ChaosEvents(options.events, options.seed);
    this.corrections = new CorrectionQueue(this.events);
    this.acknowledged = new Uint8Array(options.events);
    this.ledger = new AcknowledgementLedger(`seed-${options.seed}`);
  }

  /** The ledger is kept when something is wrong. */
  async run(): Promise<ChaosReport> {
    this.log(`acknowledgements are written down in ${this.ledger.path}`);
    try {
      await this.play();
      const report = await this.compare();
      await this.stop();
      const faults = { ...report.faults, endedByThemselves: this.endings };
      if (isClean(faults)) this.ledger.remove();
      return { ...report, faults };
    } finally {
      await this.stop();
    }
  }

  /** Everything up to the moment when all is acknowledged and nothing waits. */
  async play(): Promise<void> {
    await this.start();
    const began = Date.now();
    const secondsSince = (): number => (Date.now() - began) / 1000;
    const clients = Array.from({ length: this.options.clients }, (_, i) => this.sendEvents(i, seeded(this.options.seed + i + 1)));
    const correctors = Array.from({ length: CORRECTORS }, (_, i) => this.correctEvents(seeded(this.options.seed + 1_000 + i)));
    const all = [...clients, ...correctors, this.killAll(), this.changeCatalogue(), this.askForUpkeep()];
    try {
      await Promise.all(all);
    } catch (error) {
      this.isOver = true;
      this.client.giveUp();
      await Promise.allSettled(all);
      throw error;
    }
    this.seconds = secondsSince();
    this.upkeepWhenSent = await this.upkeepRequests.progress();
    await this.settle();
    this.settledSeconds = secondsSince();
  }

  /** Whatever stands there now, against what was acknowledged. */
  async compare(): Promise<ChaosReport> {
    let lines = 0;
    const tell = (line: string): void => {
      lines += 1;
      if (lines <= MOST_LINES) this.log(line);
    };
    const stored = await new StoredComparison(this.tenantDatabase, this.tenantId, this.events, tell).differences();
    const wrongMeters = await wrongMeterRows(this.client, this.events, tell);
    return {
      acknowledged: this.acknowledgedEvents,
      repeatsSent: this.repeatsSent,
      batches: this.batches,
      corrections: this.corrections.done,
      correctionRepeatsSent: this.correctionRepeatsSent,
      unanswered: this.client.unanswered,
      kills: this.killed,
      seconds: this.seconds,
      settledSeconds: this.settledSeconds,
      upkeep: this.upkeepWhenSent,
      faults: {
        ...stored,
        doubled: stored.doubled + this.takenTwice,
        wrongMeters,
        endedByThemselves: this.endings,
        hung: this.client.hung,
      },
    };
  }

  /** May be called again. */
  async stop(): Promise<void> {
    this.ledger.close();
    await Promise.all(this.processes.map((app) => app.stop()));
    const { upkeep, database } = this;
    [this.upkeep, this.database] = [null, null];
    await upkeep?.close();
    await database?.close();
    await this.postgres.remove();
  }

  /** Where the database is, for tests that tamper with it. */
  get databaseUrl(): string {
    return this.postgres.url;
  }

  private get endings(): number {
    return this.processes.reduce((sum, app) => sum + app.endedByItself, 0);
  }

  /** Every event and every correction is acknowledged. */
  private get isAcknowledged(): boolean {
    return this.acknowledgedEvents === this.options.events && this.corrections.isEmpty;
  }

  private get tenantDatabase(): Database {
    if (this.database === null) throw new Error('the run has not been started');
    return this.database;
  }

  private get upkeepRequests(): UpkeepRequests {
    if (this.upkeep === null) throw new Error('the run has not been started');
    return this.upkeep;
  }

  private async start(): Promise<void> {
    const url = await this.postgres.start();
    await applyMigrations(url, path.resolve('prisma/migrations'));
    await migrateQueue(url);
    this.database = new Database({ url, connections: 4 });
    const access = new AccessService(this.database);
    await access.bootstrap(KEY);
    this.tenantId = (await access.authenticate(KEY))?.tenantId ?? '';
    this.upkeep = new UpkeepRequests(url, this.database, this.tenantId, CHAOS_METERS.length);
    this.apis = Array.from({ length: this.options.apis }, () => new RunningApp('api', url));
    this.processes = [...this.apis, new RunningApp('worker', url)];
    this.client = new InsistentClient(this.apis, KEY);
    await Promise.all(this.processes.map((app) => app.start()));
    // All but one: that has a history to fill in while processes die.
    for (const { input } of CHAOS_METERS.slice(1)) await this.createMeter(input);
  }

  /** Takes the next events and some of those that were sent before, in any order, and sends them until they are answered. */
  private async sendEvents(clientNo: number, own: (below: number) => number): Promise<void> {
    while (this.next < this.options.events && !this.isOver) {
      // No further than half way to the kill after the next one: each comes in the midst of requests, whatever the machine's speed.
      if (this.next > (this.options.events * (this.done + 1.5)) / (this.options.kills + 1) && this.done < this.options.kills) {
        await sleep(5);
        continue;
      }
      const from = this.next;
      const fresh = Math.min(this.options.events - from, 50 + own(LARGEST_BATCH - 50));
      this.next += fresh;
      const repeats = from === 0 ? 0 : Math.round((fresh * this.options.shareRepeated) / (1 - this.options.shareRepeated));
      this.repeatsSent += repeats;
      const repeated = Array.from({ length: repeats }, () => own(from));
      const indexes = shuffled([...Array(fresh).keys()].map((i) => from + i).concat(repeated), own);
      const unknown = new Set(indexes.filter((index) => this.acknowledged[index] === 0)).size;
      const body = indexes.map((index) => this.events.at(index));
      // One of four by GraphQL.
      const answer = await (clientNo % 4 === 3 ? this.client.graphql(INGEST, { events: body }) : this.client.post('/v1/events', body));
      this.ledger.write({ what: 'EVENTS', fresh: [from, from + fresh], others: repeated, answer });
      this.takenTwice += takenTwice(answer as BatchAnswer, indexes.length, unknown);
      this.batches += 1;
      for (const index of indexes) this.acknowledge(index);
    }
  }

  private acknowledge(index: number): void {
    if (this.acknowledged[index] === 1) return;
    this.acknowledged[index] = 1;
    this.acknowledgedEvents += 1;
    this.corrections.eventAcknowledged(index);
  }

  /** Voids and amends what was acknowledged, with repeats of earlier corrections, until there is nothing left to correct. */
  private async correctEvents(own: (below: number) => number): Promise<void> {
    while (!this.isAcknowledged && !this.isOver) {
      const steps = this.corrections.take(1 + own(LARGEST_CORRECTION));
      if (steps.length === 0) {
        await sleep(20);
        continue;
      }
      const repeats = this.corrections.repeats(Math.ceil(steps.length * this.options.shareRepeated), own);
      this.correctionRepeatsSent += repeats.length;
      const all = shuffled([...steps, ...repeats], own);
      for (const kind of ['AMEND', 'VOID'] as const) {
        const part = all.filter(({ correction }) => correction.kind === kind);
        const fresh = steps.filter(({ correction }) => correction.kind === kind);
        if (part.length > 0) await this.sendCorrections(kind, part, fresh, own(2) === 0);
      }
    }
  }

  private async sendCorrections(
    kind: 'AMEND' | 'VOID',
    all: readonly CorrectionStep[],
    fresh: readonly CorrectionStep[],
    byGraphql: boolean,
  ): Promise<void> {
    const revisionOf = ({ correction }: CorrectionStep): number => (correction.kind === 'AMEND' ? correction.revision : 0);
    const bodies = all.map((step) => this.events.at(step.index, revisionOf(step)));
    const keys = bodies.map(({ key }) => key);
    const send = (): Promise<unknown> => {
      if (kind === 'AMEND') return this.client.post('/v1/events/amend?reason=chaos', bodies);
      return byGraphql ? this.client.graphql(VOID, { keys }) : this.client.post('/v1/events/void?reason=chaos', keys);
    };
    const answer = await send();
    this.ledger.write({
      what: kind,
      others: all.map((step) => (kind === 'VOID' ? step.index : `${step.index}/${revisionOf(step)}`)),
      answer,
    });
    this.takenTwice += takenTwice(answer as BatchAnswer, all.length, fresh.length);
    for (const step of fresh) this.corrections.stepAcknowledged(step);
  }

  /** One process after the other, each some time after the share of events that the seed gave it. */
  private async killAll(): Promise<void> {
    for (let kill = 1; kill <= this.options.kills; kill += 1) {
      const target = this.random(10);
      const delay = this.random(150);
      await this.acknowledgedAre((this.options.events * kill) / (this.options.kills + 1));
      await sleep(delay);
      await this.kill(target);
      this.done = kill;
    }
  }

  private async kill(target: number): Promise<void> {
    const name = target < 5 ? 'api' : target < 7 ? 'worker' : 'postgres';
    this.killed[name] = (this.killed[name] ?? 0) + 1;
    const line = `kill -9 ${name} at ${this.acknowledgedEvents} acknowledged events`;
    this.log(line);
    this.ledger.write({ what: 'KILL', answer: line });
    if (name === 'postgres') {
      this.postgres.kill();
      await this.postgres.startAgain();
    } else {
      const app = (name === 'worker' ? this.processes.at(-1) : this.apis[target % this.apis.length]) as RunningApp;
      await app.kill();
      await app.start();
    }
  }

  /** In the midst of it a meter is made, and a rate is set: history is rolled up and costs are filled in while processes die. */
  private async changeCatalogue(): Promise<void> {
    await this.acknowledgedAre(this.options.events / 3);
    for (const { input } of CHAOS_METERS.slice(0, 1)) await this.createMeter(input);
    await this.acknowledgedAre(this.options.events / 2);
    for (const model of PRICED_MODELS) await this.setRate(model, FIRST_PRICE);
  }

  /** One that was made and not answered is there already. */
  private async createMeter(input: Readonly<Record<string, unknown>>): Promise<void> {
    await this.client.graphql(CREATE_METER, { input }).catch((error: unknown) => {
      if (!String(error).includes('ALREADY_EXISTS')) throw error;
    });
  }

  /**
   * It answers when stored events are brought up to it, which takes minutes for a million: what is stored is looked at instead of setting it again, as each
   * setting would go through all events anew. Who is killed leaves that to the worker.
   */
  private async setRate(model: string, price: ChaosPrice): Promise<void> {
    const [input, output] = [`${price.input}`, `${price.output}`];
    const rate = { provider: 'own-lab', model, currency: 'USD', validFrom: '2020-01-01T00:00:00Z', input, output };
    while (!(await this.hasRate(model, price)) && !this.isOver) await this.client.tryGraphql(SET_RATE, { input: rate }, RATE_PATIENCE_MS);
  }

  /** False while the database is down. */
  private async hasRate(model: string, { input, output }: ChaosPrice): Promise<boolean> {
    const sql = `SELECT 1 FROM cost_rate WHERE tenant_id = $1 AND provider = 'own-lab' AND model = $2 AND input = $3 AND output = $4 LIMIT 1`;
    const rows = this.tenantDatabase.withTenant(this.tenantId, (tx) => tx.query(sql, [this.tenantId, model, input, output]));
    return (await rows.catch(() => [])).length > 0;
  }

  private async askForUpkeep(): Promise<void> {
    while (!this.isAcknowledged && !this.isOver) {
      await this.upkeepRequests.ask();
      await sleep(UPKEEP_EVERY_MS);
    }
  }

  private async settle(): Promise<void> {
    for (const app of this.processes) if (!app.isRunning) await app.start();
    // Not before: what has no cost yet would be frozen at the later price.
    await this.everythingIsCaughtUp();
    await this.setRate(RESTATED_MODEL, SECOND_PRICE);
    await this.everythingIsCaughtUp();
  }

  private async everythingIsCaughtUp(): Promise<void> {
    const deadline = Date.now() + SETTLE_MS;
    for (;;) {
      const tasks = await this.tenantDatabase.withTenant(this.tenantId, (tx) => tx.query('SELECT 1 FROM costing_task LIMIT 1'));
      const { commits, compacted, rolledUp } = await this.upkeepRequests.progress();
      if (tasks.length === 0 && compacted === commits && rolledUp === commits) return;
      if (Date.now() > deadline) {
        const waiting = `${tasks.length === 0 ? 'none' : 'some'} to cost, compacted ${compacted} and rolled up ${rolledUp} of ${commits} commits`;
        throw new Error(`not everything was caught up with: ${waiting}. Acknowledgements are in ${this.ledger.path}`);
      }
      await this.upkeepRequests.ask();
      await sleep(500);
    }
  }

  private async acknowledgedAre(events: number): Promise<void> {
    while (this.acknowledgedEvents < events) {
      if (this.isOver) throw new Error('the run is over');
      await sleep(5);
    }
  }
}

export const isClean = (faults: ChaosFaults): boolean => Object.values(faults).every((figure) => figure === 0);

/** How many more were accepted than could be new. @throws Error when something was refused or not answered */
function takenTwice({ accepted, duplicates, rejected }: BatchAnswer, sent: number, couldBeNew: number): number {
  if (rejected.length > 0) throw new Error(`refused: ${JSON.stringify(rejected.slice(0, 3))}`);
  if (accepted + duplicates !== sent) throw new Error(`not all are answered: ${accepted} and ${duplicates} of ${sent}`);
  return Math.max(0, accepted - couldBeNew);
}

function shuffled<Item>(items: readonly Item[], random: (below: number) => number): Item[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const other = random(i + 1);
    [order[i], order[other]] = [order[other] as Item, order[i] as Item];
  }
  return order;
}
