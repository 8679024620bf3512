import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Decimal } from '@tare/core';
import { CreditsModule, CreditsService, DebitsService, WalletChecker } from '@tare/credits';
import { CustomersService } from '@tare/customers';
import { DatabaseModule } from '@tare/database';
import pg from 'pg';
import { median, percentile, print, rounded } from './measure.ts';
import type { BenchPlatform } from './platform.ts';

/** Debits a second, and what one took, of clients that each wait for their answer. */
interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const CLIENTS = 64;
const ROUNDS = Number(process.env['TARE_BENCH_ROUNDS'] ?? 5);
const SECONDS = Number(process.env['TARE_BENCH_SECONDS'] ?? 3);
const CUSTOMER = 'hot';
const GOAL = 20;
const P99_GOAL = 10;

/**
 * Debits on one wallet by 64 clients, each a loop of this process that asks `DebitsService` and waits for the commit; durable, with the ledger and with keys. Against
 * what one writes first, with 64 clients of the same kind and on the same durable server:
 *
 * - `update`: one UPDATE of a balance for each request and nothing else, on a connection for each client;
 * - `updateBestPool`: the same on as many connections as serve it best, for a pool that somebody has tuned;
 * - `sameWork`: key, UPDATE and two rows of a ledger for each request in one statement, on as many connections as serve it best.
 *
 * Medians of interleaved rounds. What a flush of the log costs decides much: each request of theirs waits for one, a batch of ours for one. So `aloneMillis`, one UPDATE that nobody
 * disturbs, is printed too.
 * The wallet's sums are compared with the ledger at the end.
 */
export async function benchHotWallet(platform: Pick<BenchPlatform, 'databaseUrl' | 'tenantId'>): Promise<void> {
  const { databaseUrl, tenantId } = platform;
  class BenchModule {}
  Module({ imports: [DatabaseModule.register({ url: databaseUrl, connections: 6 }), CreditsModule] as never[] })(BenchModule);
  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const baselines = await openBaselines(databaseUrl);
  try {
    await app.get(CustomersService, { strict: false }).create(tenantId, { key: CUSTOMER, name: CUSTOMER, timeZone: 'UTC' });
    const grants = app.get(CreditsService);
    for (let pack = 0; pack < 3; pack += 1) {
      const price = { amount: Decimal.of(1_000_000), currency: 'USD' };
      await grants.grant(tenantId, {
        customer: CUSTOMER,
        key: `pack ${pack}`,
        credits: Decimal.of(pack === 2 ? 900_000_000 : 20_000),
        price,
      });
    }
    const debits = app.get(DebitsService);
    let next = 0;
    const debit = async (): Promise<void> => {
      next += 1;
      await debits.debit(tenantId, { customer: CUSTOMER, key: `request ${next}`, credits: Decimal.ONE, feature: 'chat' });
    };
    await load(debit, 0.5);
    const rounds: Record<'coalesced' | Baseline, Measured>[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const theirs = {} as Record<Baseline, Measured>;
      for (const name of BASELINES) theirs[name] = await load(() => baselines[name].debit(), SECONDS);
      rounds.push({ ...theirs, coalesced: await load(debit, SECONDS) });
    }
    const mistakes = await app.get(WalletChecker).mistakes(tenantId);
    if (mistakes.length > 0) throw new Error(`the wallet is not what its ledger says: ${JSON.stringify(mistakes[0])}`);
    const of = (read: (round: (typeof rounds)[number]) => number): number => rounded(median(rounds.map(read)));
    const figures = (name: keyof (typeof rounds)[number]): Record<string, number> => ({
      perSecond: of((round) => round[name].perSecond),
      p50Millis: of((round) => round[name].p50),
      p99Millis: of((round) => round[name].p99),
    });
    print({
      bench: 'billing',
      what: 'hot wallet',
      clients: CLIENTS,
      debits: next,
      ...figures('coalesced'),
      ...Object.fromEntries(
        BASELINES.map((name) => [
          name,
          {
            connections: baselines[name].connections,
            ...figures(name),
            times: of((round) => round.coalesced.perSecond / round[name].perSecond),
          },
        ]),
      ),
      aloneMillis: await baselines.update.aloneMillis(),
      atLeast: { times: GOAL, p99MillisAtMost: P99_GOAL },
    });
  } finally {
    for (const name of BASELINES) await baselines[name].close();
    await app.close();
  }
}

async function load(work: () => Promise<void>, seconds: number): Promise<Measured> {
  const times: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1_000;
  const client = async (): Promise<void> => {
    for (let start = performance.now(); start < until; start = performance.now()) {
      await work();
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const perSecond = (times.length * 1_000) / (performance.now() - began);
  return { perSecond, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

const BASELINES = ['update', 'updateBestPool', 'sameWork'] as const;
type Baseline = (typeof BASELINES)[number];

const TABLES = `
CREATE TABLE IF NOT EXISTS plain_wallet (id int PRIMARY KEY, balance numeric NOT NULL);
CREATE TABLE IF NOT EXISTS plain_debit (wallet int, key text, credits numeric NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (wallet, key));
CREATE TABLE IF NOT EXISTS plain_posting (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, wallet int NOT NULL, account text NOT NULL, credits numeric NOT NULL,
  at timestamptz NOT NULL DEFAULT now());
INSERT INTO plain_wallet VALUES (1, 1e12) ON CONFLICT DO NOTHING`;

const UPDATE = 'UPDATE plain_wallet SET balance = balance - $2 WHERE id = $1 AND balance >= $2 AND $3::text IS NOT NULL';

const SAME_WORK = `
WITH debit AS (
  INSERT INTO plain_debit (wallet, key, credits) VALUES ($1, $3, $2) ON CONFLICT DO NOTHING RETURNING 1
), taken AS (
  UPDATE plain_wallet SET balance = balance - $2 FROM debit WHERE id = $1 AND balance >= $2 RETURNING 1
)
INSERT INTO plain_posting (wallet, account, credits) SELECT $1, p.account, p.credits FROM taken, (VALUES ('GRANT', -$2::numeric), ('BURNT', $2::numeric)) AS p (account, credits)`;

async function openBaselines(url: string): Promise<Record<Baseline, StatementPerRequest>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(TABLES);
  await client.end();
  return {
    update: new StatementPerRequest(url, UPDATE, CLIENTS),
    updateBestPool: await StatementPerRequest.best(url, UPDATE),
    sameWork: await StatementPerRequest.best(url, SAME_WORK),
  };
}

/** One statement for each request that takes from a balance in a row. */
class StatementPerRequest {
  private static requests = 0;
  private readonly pool: pg.Pool;

  constructor(
    url: string,
    private readonly text: string,
    readonly connections: number,
  ) {
    this.pool = new pg.Pool({ connectionString: url, max: connections });
  }

  /** On the number of connections that does most, so that the ratio is not won by a bad choice. */
  static async best(url: string, text: string): Promise<StatementPerRequest> {
    let best: { one: StatementPerRequest; perSecond: number } | null = null;
    for (const connections of [1, 2, 4, 8, 16]) {
      const one = new StatementPerRequest(url, text, connections);
      const { perSecond } = await load(() => one.debit(), 1);
      if (best === null || perSecond > best.perSecond) {
        await best?.one.close();
        best = { one, perSecond };
      } else await one.close();
    }
    if (best === null) throw new Error('no number of connections was tried');
    return best.one;
  }

  async debit(): Promise<void> {
    StatementPerRequest.requests += 1;
    await this.pool.query({ name: 'debit', text: this.text, values: [1, '1', `request ${StatementPerRequest.requests}`] });
  }

  /** What one that nobody else disturbs waits for: nearly all of it is the flush of the log. The median, in milliseconds. */
  async aloneMillis(): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < 200; i += 1) {
      const began = performance.now();
      await this.debit();
      times.push(performance.now() - began);
    }
    return rounded(median(times));
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
