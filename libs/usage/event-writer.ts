import { Injectable } from '@nestjs/common';
import { Database, type TenantTransaction, type Transaction } from '@tare/database';
import { CustomerNumbers } from './customer-numbers.ts';
import { FlushPreparation, type PreparedEvents } from './flush-preparation.ts';
import type { IncomingEvent, IngestOutcome } from './incoming-event.ts';
import { UsageAnnouncements } from './usage-announcements.ts';
import { UsageEventStore, type ClockTick } from './usage-event.store.ts';
import { UsageMonths } from './usage-months.ts';

const ATTEMPTS = 8;
/** serialization_failure and deadlock_detected. */
const LOST_RACES: ReadonlySet<unknown> = new Set(['40001', '40P01']);

/** By tenant, then by customer key. */
type Numbers = ReadonlyMap<string, ReadonlyMap<string, number>>;

interface Written {
  /** Fingerprints of what is kept under keys that were taken already, by position among the first events of each key. */
  readonly kept: ReadonlyMap<number, string>;
  readonly prepared: readonly PreparedEvents[];
}

/** The flush of the one ingest path: writes events and their buckets in one transaction, whoever they belong to. */
@Injectable()
export class EventWriter {
  constructor(
    private readonly database: Database,
    private readonly months: UsageMonths,
    private readonly customers: CustomerNumbers,
    private readonly preparation: FlushPreparation,
    private readonly store: UsageEventStore,
    private readonly announcements: UsageAnnouncements,
  ) {}

  /**
   * Commits what is new among the events and answers what became of each, in their order. All or nothing: when it throws, nothing is stored
   * (SEMANTICS 3.2, 3.3).
   */
  async write(events: readonly IncomingEvent[]): Promise<IngestOutcome[]> {
    await this.months.ensure(events.map(({ event }) => event.at));
    const numbers = await this.customerNumbers(events);
    const firsts = firstOfEachKey(events);
    const { kept, prepared } = await this.commit(firsts, numbers);
    for (const part of prepared) {
      this.preparation.remember(part);
      this.announcements.announce(part.tenantId, [...new Set(part.events.map(({ customerNo }) => customerNo))]);
    }
    return outcomesOf(events, firsts, kept);
  }

  /** A deadlock or a lost race rolls everything back and is simply done again. */
  private async commit(firsts: readonly IncomingEvent[], numbers: Numbers): Promise<Written> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.database.withTenants([...numbers.keys()], (tx) => this.writeIn(tx, firsts, numbers));
      } catch (error) {
        if (attempt === ATTEMPTS || !LOST_RACES.has((error as { code?: unknown }).code)) throw error;
      }
    }
  }

  private async writeIn(tx: Transaction, firsts: readonly IncomingEvent[], numbers: Numbers): Promise<Written> {
    const customerNos = firsts.map(({ tenantId, event }) => numbers.get(tenantId)?.get(event.customer) as number);
    const kept = await this.store.takeKeys(tx, firsts, customerNos);
    const fresh = groupByTenant(firsts.filter((_, position) => !kept.has(position)));
    if (fresh.size === 0) return { kept, prepared: [] };
    const ticks = await this.store.advanceClocks(tx, [...fresh.keys()]);
    const prepared: PreparedEvents[] = [];
    for (const [tenantId, events] of fresh) {
      const noOfKey = numbers.get(tenantId) ?? new Map<string, number>();
      prepared.push(await this.preparation.prepare(heldTo(tx, tenantId), events, noOfKey, ticks.get(tenantId) as ClockTick));
    }
    const rows = prepared.flatMap(({ events }) => events);
    const buckets = prepared.flatMap((part) => part.buckets);
    await this.store.insertEvents(tx, rows);
    await this.store.insertBuckets(tx, buckets);
    return { kept, prepared };
  }

  /** Tenant by tenant in the order of their ids. */
  private async customerNumbers(events: readonly IncomingEvent[]): Promise<Numbers> {
    const numbers = new Map<string, ReadonlyMap<string, number>>();
    for (const [tenantId, own] of [...groupByTenant(events)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      numbers.set(tenantId, await this.customers.of(tenantId, new Set(own.map(({ event }) => event.customer))));
    }
    return numbers;
  }
}

/** The first event of each key, in the order of the primary key: every flush takes keys, and then clocks, in one order, so none waits in a circle. */
function firstOfEachKey(events: readonly IncomingEvent[]): IncomingEvent[] {
  const firsts = new Map<string, IncomingEvent>();
  for (const event of events) {
    const identity = identityOf(event);
    if (!firsts.has(identity)) firsts.set(identity, event);
  }
  return [...firsts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, event]) => event);
}

/** The first of a key counts when nothing was kept under it; every other one is measured by what is kept then (SEMANTICS 3.1, 3.2). */
function outcomesOf(
  events: readonly IncomingEvent[],
  firsts: readonly IncomingEvent[],
  kept: ReadonlyMap<number, string>,
): IngestOutcome[] {
  const accepted = new Set(firsts.filter((_, position) => !kept.has(position)));
  const contents = new Map(firsts.map((first, position) => [identityOf(first), kept.get(position) ?? first.fingerprint]));
  return events.map((event) => {
    if (accepted.has(event)) return 'ACCEPTED';
    return contents.get(identityOf(event)) === event.fingerprint ? 'DUPLICATE' : 'KEY_REUSED';
  });
}

function groupByTenant(events: readonly IncomingEvent[]): Map<string, IncomingEvent[]> {
  const groups = new Map<string, IncomingEvent[]>();
  for (const event of events) {
    const group = groups.get(event.tenantId);
    if (group) group.push(event);
    else groups.set(event.tenantId, [event]);
  }
  return groups;
}

const identityOf = ({ tenantId, identity }: IncomingEvent): string => `${tenantId}${identity}`;

/** The transaction of several tenants, seen as one tenant's. Its prototype stays the transaction: reading `prisma` here would open it. */
function heldTo(tx: Transaction, tenantId: string): TenantTransaction {
  return Object.create(tx, { tenantId: { value: tenantId, enumerable: true } }) as TenantTransaction;
}
