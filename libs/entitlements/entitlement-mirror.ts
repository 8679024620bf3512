import type { Instant } from '@tare/core';
import { CustomerView } from './customer-view.ts';
import { NOBODY } from './decide-entitlement.ts';
import type { Entitlement } from './entitlement.ts';
import type { LoadedFacts } from './facts-loader.ts';

/** Reads what decides about customers; those that do not exist are left out. */
export interface FactsReader {
  /** All of it, by their keys. */
  read(keys: readonly string[], at: Instant): Promise<ReadonlyMap<string, LoadedFacts>>;
  /** Their usage and credits; all else is as it was. */
  reread(known: readonly LoadedFacts[], at: Instant): Promise<ReadonlyMap<string, LoadedFacts>>;
}

/** Milliseconds for which what was read is answered without looking again: what other processes did in the meantime is not seen. */
export const FRESH_MS = 1_000;
/** From this age on it is read again in the background, so that those who ask all the time seldom wait. */
const REFRESH_MS = 600;
const MOST_CUSTOMERS = 50_000;
/** Customers of one read. */
const BATCH = 500;

const NO_FACTS: ReadonlyMap<string, LoadedFacts> = new Map();

interface Entry {
  /** Null: there is no such customer. */
  readonly view: CustomerView | null;
  /** The state of the mirror when reading began: what happened after it is not in the view. */
  readonly state: number;
  /** When all of it was read; usage and credits may have been read since. */
  readonly readAtMs: number;
}

interface Waiter {
  readonly resolve: (entry: Entry) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What a process knows of one tenant's customers. What this process commits (it hears of usage by customer, of everything else by tenant) is seen by the next
 * question; what others commit at most a second later. Questions that have to wait for a read share it with all others that came since the last one began.
 */
export class EntitlementMirror {
  private readonly entries = new Map<string, Entry>();
  private readonly waiting = new Map<string, Waiter[]>();
  private isReading = false;
  /** Counts what was heard. */
  private state = 0;
  /** Everything read before this state is out of date. */
  private changedAt = 0;
  /** By the number of the customer: its usage moved at this state. */
  private readonly movedAt = new Map<number, number>();
  /** By the key of the customer: something else of it changed at this state. */
  private readonly changedCustomers = new Map<string, number>();

  constructor(
    private readonly reader: FactsReader,
    private readonly clock: { readonly now: () => Instant; readonly ms: () => number },
  ) {}

  entitlement(customer: string, feature: string): Entitlement | Promise<Entitlement> {
    const entry = this.entries.get(customer);
    const ageMs = entry === undefined ? Infinity : this.clock.ms() - entry.readAtMs;
    if (entry === undefined || ageMs >= FRESH_MS || this.isOutdated(customer, entry)) {
      return this.next(customer).then(({ view }) => view?.entitlement(feature) ?? NOBODY);
    }
    if (ageMs >= REFRESH_MS && !this.waiting.has(customer)) this.next(customer).catch(() => undefined);
    return entry.view?.entitlement(feature) ?? NOBODY;
  }

  /** Usage of these customers was committed. */
  moved(customerNos: readonly number[]): void {
    this.state += 1;
    if (this.movedAt.size + customerNos.length > 2 * MOST_CUSTOMERS) return this.changed();
    for (const no of customerNos) this.movedAt.set(no, this.state);
  }

  /** Something else of one customer was committed. */
  customerChanged(customer: string): void {
    this.state += 1;
    if (this.changedCustomers.size >= MOST_CUSTOMERS) return this.changed();
    this.changedCustomers.set(customer, this.state);
  }

  /** Anything may be different. */
  changed(): void {
    this.state += 1;
    this.changedAt = this.state;
    this.movedAt.clear();
    this.changedCustomers.clear();
  }

  private isOutdated(customer: string, { view, state }: Entry): boolean {
    if (state < this.changedAt || state < (this.changedCustomers.get(customer) ?? 0)) return true;
    if (view === null) return false;
    // Counting single events anew for each of them would cost more than it tells: their age alone decides.
    const isMoved = !view.fromEvents && state < (this.movedAt.get(view.customerNo) ?? 0);
    return isMoved || this.clock.now() >= view.until;
  }

  /** Where nothing but usage or time has gone on since all was read, and that is not long ago. */
  private entryToReread(customer: string, at: Instant, now: number): [string, { facts: LoadedFacts; readAtMs: number }][] | null {
    const entry = this.entries.get(customer);
    if (entry?.view == null || now - entry.readAtMs >= REFRESH_MS || at >= entry.view.until) return null;
    if (entry.state < this.changedAt || entry.state < (this.changedCustomers.get(customer) ?? 0)) return null;
    return [[customer, { facts: entry.view.facts, readAtMs: entry.readAtMs }]];
  }

  /** The entry as of a read that begins after the call. */
  private next(customer: string): Promise<Entry> {
    return new Promise((resolve, reject) => {
      const waiters = this.waiting.get(customer);
      if (waiters === undefined) this.waiting.set(customer, [{ resolve, reject }]);
      else waiters.push({ resolve, reject });
      if (this.isReading) return;
      this.isReading = true;
      // Those who ask in the same turn of the event loop share the first read too.
      setImmediate(() => void this.readAll());
    });
  }

  private async readAll(): Promise<void> {
    while (this.waiting.size > 0) {
      const batch = [...this.waiting].slice(0, BATCH);
      for (const [customer] of batch) this.waiting.delete(customer);
      await this.readBatch(batch);
    }
    this.isReading = false;
  }

  /** One customer that cannot be read keeps nobody else from an answer. */
  private async readBatch(batch: readonly (readonly [string, readonly Waiter[]])[]): Promise<void> {
    const { state } = this;
    const [at, now] = [this.clock.now(), this.clock.ms()];
    try {
      const known = new Map(batch.flatMap(([customer]) => this.entryToReread(customer, at, now) ?? []));
      const keys = batch.flatMap(([customer]) => (known.has(customer) ? [] : [customer]));
      const [read, reread] = await Promise.all([
        keys.length === 0 ? NO_FACTS : this.reader.read(keys, at),
        known.size === 0 ? NO_FACTS : this.reader.reread(lastFirst([...known.values()]), at),
      ]);
      const entries = batch.map(([customer, waiters]) => {
        const own = reread.get(customer) ?? read.get(customer);
        const readAtMs = known.get(customer)?.readAtMs ?? now;
        return { customer, waiters, entry: { view: own === undefined ? null : new CustomerView(own, at), state, readAtMs } };
      });
      if (this.entries.size + batch.length > MOST_CUSTOMERS) this.entries.clear();
      for (const { customer, waiters, entry } of entries) {
        this.entries.set(customer, entry);
        for (const { resolve } of waiters) resolve(entry);
      }
    } catch (error) {
      if (batch.length === 1) for (const { reject } of batch[0]?.[1] ?? []) reject(error);
      else for (const one of batch) await this.readBatch([one]);
    }
  }
}

const lastFirst = (entries: readonly { facts: LoadedFacts; readAtMs: number }[]): LoadedFacts[] =>
  [...entries].sort((a, b) => b.readAtMs - a.readAtMs).map(({ facts }) => facts);
