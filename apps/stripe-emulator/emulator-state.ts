import { existsSync } from 'node:fs';
import { Account, type Change } from './account.ts';
import { Counters } from './counters.ts';
import { Faults } from './faults.ts';
import { Idempotency } from './idempotency.ts';
import { Journal, readJournal } from './journal.ts';
import { type StripeEvent } from './objects/event.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';
import { WebhookDelivery } from './webhook-delivery.ts';

/** Everything that one running emulator holds. */
export class EmulatorState {
  readonly counters = new Counters();
  readonly faults = new Faults();
  readonly idempotency = new Idempotency(() => this.nowMs());
  readonly delivery = new WebhookDelivery(
    () => this.settings,
    this.counters,
    (account, changes) => this.commit(account, changes),
  );
  settings: Settings = DEFAULT_SETTINGS;

  private readonly accounts: Map<string, Account>;
  private readonly journal: Journal | null;
  private advancedMs = 0;

  /** `dataFile` null keeps everything in memory only; `clock` gives milliseconds since the epoch. */
  constructor(
    dataFile: string | null,
    private readonly clock: () => number,
  ) {
    const found = dataFile !== null && existsSync(dataFile);
    this.accounts = found ? readJournal(dataFile) : new Map<string, Account>();
    this.journal = dataFile === null ? null : new Journal(dataFile);
    if (found) this.journal?.rewrite(this.accounts.values());
    for (const account of this.accounts.values()) this.delivery.resume(account);
  }

  nowMs(): number {
    return this.clock() + this.advancedMs;
  }

  advanceClock(ms: number): void {
    this.advancedMs += ms;
  }

  account(id: string): Account {
    const account = this.accounts.get(id) ?? new Account(id);
    this.accounts.set(id, account);
    return account;
  }

  allAccounts(): Account[] {
    return [...this.accounts.values()];
  }

  /** Journals the changes, makes them visible, and announces their events: in that order, and before any answer. */
  commit(account: Account, changes: readonly Change[]): void {
    this.journal?.append(account.id, changes);
    account.apply(changes);
    for (const change of changes) {
      if (change.table === 'events' && change.row !== null) this.announce(account, change.row);
    }
  }

  /** Back to an emulator that nobody has talked to, its journal included. */
  reset(): void {
    this.delivery.clear();
    this.accounts.clear();
    this.faults.clear();
    this.counters.clear();
    this.settings = DEFAULT_SETTINGS;
    this.advancedMs = 0;
    this.journal?.rewrite([]);
  }

  stop(): void {
    this.delivery.stop();
    this.journal?.close();
  }

  private announce(account: Account, event: StripeEvent): void {
    this.counters.count(`event ${event.type}`);
    this.delivery.announce(account, event);
  }
}
