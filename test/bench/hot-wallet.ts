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

/**
 * Debits on one wallet by 64 clients, durable, with the ledger and with keys: against one UPDATE for each request, on as many connections as serve it best, which
 * has neither. Medians of interleaved rounds. The wallet's sums are compared with the ledger at the end.
 */
export async function benchHotWallet(platform: Pick<BenchPlatform, 'databaseUrl' | 'tenantId'>): Promise<void> {
  const { databaseUrl, tenantId } = platform;
  class BenchModule {}
  Module({ imports: [DatabaseModule.register({ url: databaseUrl, connections: 6 }), CreditsModule] as never[] })(BenchModule);
  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  const baseline = await UpdatePerRequest.open(databaseUrl);
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
    const rounds: { coalesced: Measured; update: Measured }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const update = await load(() => baseline.debit(), SECONDS);
      rounds.push({ coalesced: await load(debit, SECONDS), update });
    }
    const mistakes = await app.get(WalletChecker).mistakes(tenantId);
    if (mistakes.length > 0) throw new Error(`the wallet is not what its ledger says: ${JSON.stringify(mistakes[0])}`);
    const of = (read: (round: (typeof rounds)[number]) => number): number => rounded(median(rounds.map(read)));
    print({
      bench: 'billing',
      what: 'hot wallet',
      clients: CLIENTS,
      debits: next,
      perSecond: of(({ coalesced }) => coalesced.perSecond),
      p50Millis: of(({ coalesced }) => coalesced.p50),
      p99Millis: of(({ coalesced }) => coalesced.p99),
      updatePerRequest: of(({ update }) => update.perSecond),
      updateConnections: baseline.connections,
      updateP99Millis: of(({ update }) => update.p99),
      times: of(({ coalesced, update }) => coalesced.perSecond / update.perSecond),
    });
  } finally {
    await baseline.close();
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

/** What one writes first: a balance in a row, and one statement for each request that takes from it. */
class UpdatePerRequest {
  private constructor(
    private readonly pool: pg.Pool,
    readonly connections: number,
  ) {}

  /** On the number of connections that does most, so that the ratio is not won by a bad choice. */
  static async open(url: string): Promise<UpdatePerRequest> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('CREATE TABLE IF NOT EXISTS plain_wallet (id int PRIMARY KEY, balance numeric NOT NULL)');
    await client.query('INSERT INTO plain_wallet VALUES (1, 1e12) ON CONFLICT DO NOTHING');
    await client.end();
    let best: { wallet: UpdatePerRequest; perSecond: number } | null = null;
    for (const connections of [1, 4, 16, CLIENTS]) {
      const wallet = new UpdatePerRequest(new pg.Pool({ connectionString: url, max: connections }), connections);
      const { perSecond } = await load(() => wallet.debit(), 1);
      if (best === null || perSecond > best.perSecond) {
        await best?.wallet.close();
        best = { wallet, perSecond };
      } else await wallet.close();
    }
    if (best === null) throw new Error('no number of connections was tried');
    return best.wallet;
  }

  async debit(): Promise<void> {
    const text = 'UPDATE plain_wallet SET balance = balance - $2 WHERE id = $1 AND balance >= $2';
    await this.pool.query({ name: 'debit', text, values: [1, '1'] });
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
