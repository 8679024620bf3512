import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { EventSource } from './events.ts';
import { LoadConnection, requestBytes, type Answer } from './load-client.ts';
import { median, peakMemoryMiB, percentile, print, rounded } from './measure.ts';
import { startBenchPlatform, type BenchPlatform } from './platform.ts';

/**
 * What a tenant notices of another that sends 50 times its share: its rate and the time of its acknowledgements alone, and beside the flood, in turns of the
 * same run. The flood comes from a process of its own. Once with agreed rates, once without any. Prints JSON lines.
 * TARE_BENCH_ROUNDS (5), TARE_BENCH_SECONDS (4, of each turn) and TARE_BENCH_SHARE (1000 events a second) make it shorter or longer.
 */
const ROUNDS = Number(process.env['TARE_BENCH_ROUNDS'] ?? 5);
const SECONDS = Number(process.env['TARE_BENCH_SECONDS'] ?? 4);
const SHARE = Number(process.env['TARE_BENCH_SHARE'] ?? 1_000);
const FLOOD = 50;
const BATCH = 20;
const FLOOD_BATCH = 1_000;
const FLOOD_CONNECTIONS = 50;
/** Bodies are made before the clock runs and sent again under the same keys only after so many: repeats would be cheaper than events. */
const FLOOD_BODIES = 250;
const MS = 1_000;

interface Turn {
  /** Events a second that were accepted. */
  readonly rate: number;
  readonly latencies: readonly number[];
  readonly refused: number;
}

interface FloodOrder {
  readonly url: string;
  readonly key: string;
}

interface FloodReport {
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
}

/** A batch at each of its times, over as many connections as it takes. What is late is sent at once. */
async function sendSteadily(url: URL, key: string, source: EventSource, perSecond: number): Promise<Turn> {
  const count = Math.floor((perSecond * SECONDS) / BATCH);
  const requests = Array.from({ length: count }, () => requestBytes(url, '/v1/events', key, JSON.stringify(source.batch(BATCH))));
  const idle: LoadConnection[] = await Promise.all(Array.from({ length: 4 }, () => LoadConnection.open(url)));
  const latencies: number[] = [];
  let [accepted, refused] = [0, 0];
  const began = performance.now();
  const each = requests.map(async (request, i) => {
    const due = began + (i * BATCH * MS) / perSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    const connection = idle.pop() ?? (await LoadConnection.open(url));
    const answer = await connection.send(request);
    idle.push(connection);
    if (answer.status === 200) accepted += (JSON.parse(answer.body) as { accepted: number }).accepted;
    else refused += 1;
    latencies.push(performance.now() - due);
  });
  await Promise.all(each);
  const seconds = (performance.now() - began) / MS;
  for (const connection of idle) connection.close();
  return { rate: accepted / seconds, latencies, refused };
}

/** The flood: 50 times the share, whatever is answered, over 50 connections, until it is told to stop. */
async function flood({ url, key }: FloodOrder): Promise<FloodReport> {
  const source = new EventSource('time', Date.now() % 1_000_000);
  const target = new URL(url);
  const make = (): Buffer => requestBytes(target, '/v1/events', key, JSON.stringify(source.batch(FLOOD_BATCH)));
  const bodies = Array.from({ length: FLOOD_BODIES }, make);
  const connections = await Promise.all(Array.from({ length: FLOOD_CONNECTIONS }, () => LoadConnection.open(target)));
  let [sent, accepted, refused, isOver] = [0, 0, 0, false];
  process.once('message', () => (isOver = true));
  process.send?.('ready');
  const began = performance.now();
  const drive = async (connection: LoadConnection): Promise<void> => {
    while (!isOver) {
      const due = began + (sent * FLOOD_BATCH * MS) / (SHARE * FLOOD);
      sent += 1;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const answer: Answer = await connection.send(bodies.shift() ?? make());
      if (answer.status === 200) accepted += FLOOD_BATCH;
      else refused += FLOOD_BATCH;
    }
  };
  await Promise.all(connections.map(drive));
  for (const connection of connections) connection.close();
  return { accepted, refused, seconds: (performance.now() - began) / MS };
}

async function startFlood(order: FloodOrder): Promise<ChildProcess> {
  const child = fork(new URL(import.meta.url), { env: { ...process.env, TARE_BENCH_FLOOD: JSON.stringify(order) } });
  await once(child, 'message');
  return child;
}

async function stopFlood(child: ChildProcess): Promise<FloodReport> {
  const report = once(child, 'message');
  child.send('stop');
  const [answer] = (await report) as [FloodReport];
  await once(child, 'exit');
  return answer;
}

async function ask<Data>({ apiUrl }: BenchPlatform, key: string, query: string): Promise<Data> {
  const response = await fetch(new URL('/graphql', apiUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

class FairnessBench {
  private readonly source = new EventSource();

  constructor(
    private readonly platform: BenchPlatform,
    private readonly small: string,
    private readonly big: string,
  ) {}

  async run(): Promise<void> {
    await this.turn();
    for (const [what, rate] of [
      ['agreed rates: each its share', SHARE],
      ['no agreed rates: shares of the queue alone', null],
    ] as const) {
      for (const key of [this.small, this.big]) {
        await ask(this.platform, key, `mutation { updateTenantSettings(input: { ingestEventsPerSecond: ${rate} }) { graceSeconds } }`);
      }
      await this.compare(what);
      print({
        bench: 'fairness',
        what: 'peak memory of the API so far, MiB',
        value: rounded(peakMemoryMiB(this.platform.apiPid), 0),
        atMost: 400,
      });
    }
  }

  private async compare(what: string): Promise<void> {
    const [alone, beside, floods]: [Turn[], Turn[], FloodReport[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await this.turn());
      const child = await startFlood({ url: this.platform.apiUrl.href, key: this.big });
      await new Promise((resolve) => setTimeout(resolve, MS));
      beside.push(await this.turn());
      floods.push(await stopFlood(child));
    }
    const middle = (turns: readonly Turn[], of: (turn: Turn) => number): number => median(turns.map(of));
    const time = (turns: readonly Turn[], share: number): number => middle(turns, ({ latencies }) => percentile(latencies, share));
    const compared = (name: string, a: number, b: number): object => ({ [name]: [rounded(a, 1), rounded(b, 1)] });
    print({
      bench: 'fairness',
      what: `a tenant at its share beside one at ${FLOOD} times its share; ${what}`,
      ratio: rounded(middle(beside, ({ rate }) => rate) / middle(alone, ({ rate }) => rate)),
      atLeast: 0.8,
      ...compared(
        'perSecondAloneAndBeside',
        middle(alone, ({ rate }) => rate),
        middle(beside, ({ rate }) => rate),
      ),
      ...compared('p50MsAloneAndBeside', time(alone, 0.5), time(beside, 0.5)),
      ...compared('p99MsAloneAndBeside', time(alone, 0.99), time(beside, 0.99)),
      refusedBeside: beside.reduce((sum, { refused }) => sum + refused, 0),
      floodOfferedPerSecond: SHARE * FLOOD,
      floodAcceptedPerSecond: Math.round(median(floods.map(({ accepted, seconds }) => accepted / seconds))),
      floodRefusedPerSecond: Math.round(median(floods.map(({ refused, seconds }) => refused / seconds))),
    });
  }

  private turn(): Promise<Turn> {
    // A little below the share: the clock of the sender is not that of the rate.
    return sendSteadily(this.platform.apiUrl, this.small, this.source, SHARE * 0.95);
  }
}

const order = process.env['TARE_BENCH_FLOOD'];
if (order !== undefined) {
  const report = await flood(JSON.parse(order) as FloodOrder);
  process.send?.(report, () => process.exit(0));
} else {
  const platform = await startBenchPlatform();
  try {
    const made = (): Promise<{ createTenant: { secret: string } }> =>
      ask(platform, platform.key, 'mutation { createTenant(name: "bench", live: false) { secret } }');
    await new FairnessBench(platform, (await made()).createTenant.secret, (await made()).createTenant.secret).run();
  } finally {
    await platform.stop();
  }
}
