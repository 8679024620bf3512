import { AccessService } from '@tare/access';
import { Decimal } from '@tare/core';
import { WalletChecker } from '@tare/credits';
import { applyMigrations, Database, type TenantTransaction } from '@tare/database';
import { migrateQueue } from '@tare/jobs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from './chaos-events.ts';
import { InsistentClient } from './insistent-client.ts';
import { MortalPostgres } from './mortal-postgres.ts';
import { RunningApp } from './running-app.ts';

export interface WalletChaosOptions {
  readonly seed: number;
  /** Processes of the API, all on one wallet. */
  readonly apis: number;
  readonly clients: number;
  /** Debits and reservations, of 5 credits on average. */
  readonly orders: number;
  /** Credits of each grant: less than what is asked for, so that the wallet runs dry on the way. */
  readonly grants: readonly number[];
  /** kill -9: each of the API processes in turn, and Postgres once in the middle. */
  readonly kills: number;
}

/** Every one of them has to be 0. */
export interface WalletChaosFaults {
  /** Acknowledged, and not there as it was acknowledged. */
  readonly lost: number;
  /** There, and refused or never acknowledged. */
  readonly uncalledFor: number;
  /** The same key answered in two ways. */
  readonly answeredOtherwise: number;
  /** Credits more than were granted, or missing: of what is left, held and burnt. */
  readonly creditsOff: string;
  /** Sums beside the ledger that are not what the ledger says, and transactions that are not zero. */
  readonly mistakes: readonly unknown[];
  readonly openReservations: number;
  readonly endedByThemselves: number;
  readonly hung: number;
}

export interface WalletChaosReport {
  readonly debited: number;
  readonly committed: number;
  readonly released: number;
  readonly refused: number;
  /** Sent again after they were answered, to another process as a rule. */
  readonly repeats: number;
  readonly unanswered: number;
  readonly kills: number;
  readonly seconds: number;
  readonly available: string;
  readonly faults: WalletChaosFaults;
}

/** What was acknowledged of a key: the credits that were taken for it, or that it was refused. */
type Acknowledged = { readonly credits: string } | 'REFUSED';

const KEY = 'tare_wallet_chaos_0123456789abcdef';
const CUSTOMER = 'hot';
const DEBIT =
  'mutation ($key: String!, $credits: Decimal!) { debitCredits(input: { customer: "hot", key: $key, credits: $credits }) { key credits } }';
const RESERVE =
  'mutation ($key: String!, $credits: Decimal!) { reserveCredits(customer: "hot", key: $key, credits: $credits, ttlSeconds: 3600) { id } }';
const COMMIT = 'mutation ($id: ID!, $credits: Decimal!) { commitReservation(reservation: $id, credits: $credits) { available } }';
const RELEASE = 'mutation ($id: ID!) { releaseReservation(reservation: $id) { available } }';

/** Clients of several API processes take from one wallet while processes are killed; then what is stored is compared with what was acknowledged. */
export class WalletChaos {
  private readonly random: (below: number) => number;
  private readonly postgres = new MortalPostgres();
  private readonly acknowledged = new Map<string, Acknowledged>();
  private apis: RunningApp[] = [];
  private client!: InsistentClient;
  private database!: Database;
  private tenantId = '';
  private next = 0;
  private done = 0;
  private kills = 0;
  private isOver = false;
  private readonly counts = { debited: 0, committed: 0, released: 0, refused: 0, repeats: 0, answeredOtherwise: 0 };

  constructor(private readonly options: WalletChaosOptions) {
    this.random = seeded(options.seed);
  }

  async run(): Promise<WalletChaosReport> {
    try {
      await this.start();
      const began = Date.now();
      await this.play();
      const seconds = (Date.now() - began) / 1_000;
      await Promise.all(this.apis.map((api) => api.stop()));
      return await this.compare(seconds);
    } finally {
      this.client.giveUp();
      await Promise.all(this.apis.map((api) => api.kill()));
      await this.database.close();
      await this.postgres.remove();
    }
  }

  private async start(): Promise<void> {
    const url = await this.postgres.start();
    this.apis = Array.from({ length: this.options.apis }, () => new RunningApp('api', url));
    this.client = new InsistentClient(this.apis, KEY);
    this.database = new Database({ url, connections: 2 });
    await applyMigrations(url, path.resolve('prisma/migrations'));
    await migrateQueue(url);
    const access = new AccessService(this.database);
    await access.bootstrap(KEY);
    this.tenantId = (await access.authenticate(KEY))?.tenantId ?? '';
    await Promise.all(this.apis.map((api) => api.start()));
    await this.client.graphql('mutation { createCustomer(input: { key: "hot", name: "Hot", timeZone: "UTC" }) { id } }', {});
    const grant = 'mutation ($input: CreditGrantInput!) { grantCredits(input: $input) { id } }';
    for (const [no, credits] of this.options.grants.entries()) {
      const price = { amount: '7', currency: 'USD' };
      await this.client.graphql(grant, {
        input: { customer: CUSTOMER, key: `pack ${no}`, credits: String(credits), price, priority: no % 2 },
      });
    }
  }

  /** Whoever fails ends it for all, and the first failure is told. */
  private async play(): Promise<void> {
    const all = [...Array.from({ length: this.options.clients }, () => this.takeCredits()), this.killAll()];
    const results = await Promise.allSettled(
      all.map((one) =>
        one.catch((error: unknown) => {
          this.isOver = true;
          this.client.giveUp();
          throw error;
        }),
      ),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason as Error;
  }

  private async takeCredits(): Promise<void> {
    while (this.next < this.options.orders && !this.isOver) {
      const no = this.next;
      // No further than to the next kill: each comes in the midst of requests, whatever the machine's speed.
      if (this.kills < this.options.kills && no > (this.options.orders * (this.kills + 1.5)) / (this.options.kills + 1)) {
        await sleep(5);
        continue;
      }
      this.next += 1;
      const credits = `${1 + this.random(8)}.${this.random(10)}`;
      await (this.random(3) === 0 ? this.reserve(`held ${no}`, credits) : this.debit(`debit ${no}`, credits));
      this.done += 1;
    }
  }

  private async debit(key: string, credits: string): Promise<void> {
    const first = await this.orRefused(DEBIT, { key, credits });
    this.remember(key, first === null ? 'REFUSED' : { credits });
    this.counts[first === null ? 'refused' : 'debited'] += 1;
    // Some send again what has been answered: what was taken is answered the same, however little is left since.
    if (first === null || this.random(4) > 0) return;
    this.counts.repeats += 1;
    const again = await this.orRefused(DEBIT, { key, credits });
    if (JSON.stringify(again) !== JSON.stringify(first)) this.counts.answeredOtherwise += 1;
  }

  private async reserve(key: string, credits: string): Promise<void> {
    const held = (await this.orRefused(RESERVE, { key, credits })) as { id: string } | null;
    if (held === null) {
      this.counts.refused += 1;
      return;
    }
    const again = this.random(4) === 0 ? ((await this.orRefused(RESERVE, { key, credits })) as { id: string } | null) : held;
    if (again !== held) this.counts.repeats += 1;
    if (again?.id !== held.id) this.counts.answeredOtherwise += 1;
    if (this.random(3) === 0) {
      await this.client.graphql(RELEASE, { id: held.id });
      this.counts.released += 1;
      return;
    }
    const used = Decimal.parse(credits)
      .times(Decimal.parse(`0.${1 + this.random(9)}`))
      .toString();
    await this.client.graphql(COMMIT, { id: held.id, credits: used });
    this.remember(`reservation:${held.id}`, { credits: used });
    this.counts.committed += 1;
  }

  private remember(key: string, what: Acknowledged): void {
    this.acknowledged.set(key, what);
  }

  /** Null: there are not so many credits. */
  private async orRefused(query: string, variables: Readonly<Record<string, unknown>>): Promise<unknown> {
    try {
      return await this.client.graphql(query, variables);
    } catch (error) {
      if (error instanceof Error && error.message.includes('"CREDITS_EXHAUSTED"')) return null;
      throw error;
    }
  }

  private async killAll(): Promise<void> {
    const { kills, orders } = this.options;
    for (let no = 0; no < kills && !this.isOver; no += 1) {
      while (this.done < (orders * (no + 1)) / (kills + 1) && !this.isOver) await sleep(2);
      this.kills += 1;
      if (no === Math.floor(kills / 2)) {
        this.postgres.kill();
        await this.postgres.startAgain();
      } else {
        const api = this.apis[no % this.apis.length] as RunningApp;
        await api.kill();
        await api.start();
      }
    }
  }

  private async compare(seconds: number): Promise<WalletChaosReport> {
    const { answeredOtherwise, ...counts } = this.counts;
    const stored = await this.database.withTenant(this.tenantId, (tx) => this.stored(tx));
    const rows = new Map(stored.debits.map(({ key, credits }) => [key, credits]));
    const isThere = ([key, what]: [string, Acknowledged]): boolean =>
      what === 'REFUSED' || Decimal.parse(rows.get(key) ?? '0').equals(Decimal.parse(what.credits));
    const taken = (key: string): boolean => (this.acknowledged.get(key) ?? 'REFUSED') !== 'REFUSED';
    const granted = Decimal.of(this.options.grants.reduce((sum, credits) => sum + credits, 0));
    const debited = Decimal.sum(stored.debits.map(({ credits }) => Decimal.parse(credits)));
    return {
      ...counts,
      unanswered: this.client.unanswered,
      kills: this.kills,
      seconds,
      available: stored.balance.toString(),
      faults: {
        lost: [...this.acknowledged].filter((one) => !isThere(one)).length,
        uncalledFor: stored.debits.filter(({ key }) => !taken(key)).length,
        answeredOtherwise,
        creditsOff: granted.minus(debited).minus(stored.balance).toString(),
        mistakes: await new WalletChecker(this.database).mistakes(this.tenantId),
        openReservations: stored.open,
        endedByThemselves: this.apis.reduce((sum, api) => sum + api.endedByItself, 0),
        hung: this.client.hung,
      },
    };
  }

  private async stored(tx: TenantTransaction): Promise<{ debits: { key: string; credits: string }[]; balance: Decimal; open: number }> {
    const debits = await tx.query<{ key: string; credits: string }>('SELECT key, credits::text AS credits FROM credit_debit', []);
    const [row] = await tx.query<{ balance: string; open: number }>(
      `SELECT (SELECT coalesce(sum(remaining), 0)::text FROM credit_grant) AS balance,
         (SELECT count(*)::int FROM credit_reservation WHERE status = 'OPEN') AS open`,
      [],
    );
    return { debits, balance: Decimal.parse(row?.balance ?? '0'), open: row?.open ?? 0 };
  }
}
