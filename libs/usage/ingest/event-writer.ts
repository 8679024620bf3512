import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '@tare/database';
import { CorrectionStore } from '../corrections/correction.store.ts';
import { CustomerNumbers } from './customer-numbers.ts';
import { FlushPreparation, type PreparedEvents } from './flush-preparation.ts';
import type { IncomingEvent, IngestOutcome } from './incoming-event.ts';
import { heldTo } from '../tenant-of-several.ts';
import { UsageAnnouncements } from './usage-announcements.ts';
import type { KeyToTake } from './event-to-store.ts';
import { KeyTaken, UsageEventStore, type ClockTick } from './usage-event.store.ts';
import { UsageMonths } from './usage-months.ts';

const ATTEMPTS = 16;
/** serialization_failure and deadlock_detected. */
const LOST_RACES: ReadonlySet<unknown> = new Set(['40001', '40P01']);
/** Flushes that look for repeats first after one was met: senders that repeat do so for a while. */
const WARY_FLUSHES = 16;

interface Written {
  /** Fingerprints of what is kept under keys that were taken already, by position among the first events of each key. */
  readonly kept: ReadonlyMap<number, string>;
  readonly prepared: readonly PreparedEvents[];
}

/** The flush of the one ingest path: writes events and their buckets in one transaction, whoever they belong to. */
@Injectable()
export class EventWriter {
  private waryFlushes = 0;

  constructor(
    private readonly database: Database,
    private readonly months: UsageMonths,
    private readonly customers: CustomerNumbers,
    private readonly preparation: FlushPreparation,
    private readonly store: UsageEventStore,
    private readonly corrections: CorrectionStore,
    private readonly announcements: UsageAnnouncements,
  ) {}

  /**
   * Commits what is new among the events and answers what became of each, in their order. All or nothing: when it throws, nothing is stored
   * (SEMANTICS 3.2, 3.3).
   */
  async write(events: readonly IncomingEvent[]): Promise<IngestOutcome[]> {
    await this.months.ensure(events.map(({ event }) => event.at));
    const firsts = await this.firstOfEachKey(events);
    const { kept, prepared } = await this.commit(firsts, [...new Set(firsts.map(({ event }) => event.tenantId))]);
    for (const part of prepared) {
      this.preparation.remember(part);
      this.announcements.announce(part.tenantId, [...new Set(part.events.map(({ customerNo }) => customerNo))]);
    }
    return this.knowingEarlierContents(events, outcomesOf(events, firsts, kept));
  }

  /** Contents that a correction has replaced are no news: sending them again neither counts nor undoes it (SEMANTICS 3.1). */
  private async knowingEarlierContents(events: readonly IncomingEvent[], outcomes: IngestOutcome[]): Promise<IngestOutcome[]> {
    const reused = events.filter((_, position) => outcomes[position] === 'KEY_REUSED');
    if (reused.length === 0) return outcomes;
    const tenantIds = [...new Set(reused.map(({ tenantId }) => tenantId))];
    const isEarlier = await this.database.withTenants(tenantIds, (tx) => this.corrections.earlierContents(tx, reused));
    const earlier = new Set(reused.filter((_, position) => isEarlier[position]));
    return outcomes.map((outcome, position) => (earlier.has(events[position] as IncomingEvent) ? 'DUPLICATE' : outcome));
  }

  /** A deadlock or a lost race rolls everything back and is simply done again, and so is a flush that met a repeat unprepared. */
  private async commit(firsts: readonly KeyToTake[], tenantIds: readonly string[]): Promise<Written> {
    for (let attempt = 1; ; attempt += 1) {
      const isWary = this.waryFlushes > 0;
      try {
        const written = await this.database.withTenants(tenantIds, (tx) => this.writeIn(tx, firsts, isWary));
        if (isWary) this.waryFlushes = written.kept.size > 0 ? WARY_FLUSHES : this.waryFlushes - 1;
        return written;
      } catch (error) {
        if (error instanceof KeyTaken) this.waryFlushes = WARY_FLUSHES;
        else if (!LOST_RACES.has((error as { code?: unknown }).code)) throw error;
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async writeIn(tx: Transaction, firsts: readonly KeyToTake[], isWary: boolean): Promise<Written> {
    const kept = isWary ? await this.store.keptContents(tx, firsts) : new Map<number, string>();
    const fresh = kept.size === 0 ? firsts : firsts.filter((_, position) => !kept.has(position));
    if (fresh.length === 0) return { kept, prepared: [] };
    const byTenant = groupByTenant(fresh, ({ event }) => event.tenantId);
    const tenantIds = [...byTenant.keys()];
    // Sent together, run one after the other: keys, then clocks, and the books as they are once the clocks are locked.
    const taking = this.store.takeKeys(tx, fresh);
    const opening = Promise.all([this.store.advanceClocks(tx, tenantIds), this.preparation.openBooks(tx, tenantIds, fresh)]);
    // Where a key was taken the others fail for that alone, and are not what is heard of.
    opening.catch(() => undefined);
    await taking;
    const [ticks, books] = await opening;
    const prepared: PreparedEvents[] = [];
    for (const [tenantId, keys] of byTenant) {
      prepared.push(await this.preparation.prepare(heldTo(tx, tenantId), keys, ticks.get(tenantId) as ClockTick, books.get(tenantId)));
    }
    await Promise.all([
      this.store.insertEvents(tx, joined(prepared.map(({ events }) => events))),
      this.store.insertBuckets(tx, joined(prepared.map(({ buckets }) => buckets))),
    ]);
    return { kept, prepared };
  }

  /** The first event of each key, in the order of the primary key: every flush takes keys, and then clocks, in one order, so none waits in a circle. */
  private async firstOfEachKey(events: readonly IncomingEvent[]): Promise<readonly KeyToTake[]> {
    const ofTenants: KeyToTake[][] = [];
    for (const [tenantId, own] of [...groupByTenant(events, ({ tenantId }) => tenantId)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const keys = own.map(({ event }) => event.customer);
      const numbers = await this.customers.ofEach(tenantId, keys);
      ofTenants.push(ascending(own.map((event, i) => ({ event, customerNo: numbers[i] as number }))));
    }
    return joined(ofTenants);
  }
}

/** One tenant's, in the order of their identities, each once. Senders' keys mostly are in that order. */
function ascending(keys: KeyToTake[]): KeyToTake[] {
  if (keys.every(({ event }, i) => i === 0 || identityBefore(keys, i) < event.identity)) return keys;
  // Stable: of those with one key the first one stays in front.
  keys.sort(({ event: a }, { event: b }) => (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0));
  return keys.filter(({ event }, i) => i === 0 || identityBefore(keys, i) !== event.identity);
}

const identityBefore = (keys: readonly KeyToTake[], i: number): string => (keys[i - 1] as KeyToTake).event.identity;

/** The first of a key counts when nothing was kept under it; every other one is measured by what is kept then (SEMANTICS 3.1, 3.2). */
function outcomesOf(events: readonly IncomingEvent[], firsts: readonly KeyToTake[], kept: ReadonlyMap<number, string>): IngestOutcome[] {
  if (kept.size === 0 && firsts.length === events.length) return events.map(() => 'ACCEPTED');
  const accepted = new Set<IncomingEvent>();
  const contents = new Map<string, string>();
  for (const [position, { event }] of firsts.entries()) {
    const fingerprint = kept.get(position);
    if (fingerprint === undefined) accepted.add(event);
    contents.set(identityOf(event), fingerprint ?? event.fingerprint);
  }
  return events.map((event) => {
    if (accepted.has(event)) return 'ACCEPTED';
    return contents.get(identityOf(event)) === event.fingerprint ? 'DUPLICATE' : 'KEY_REUSED';
  });
}

function groupByTenant<Item>(items: readonly Item[], tenantOf: (item: Item) => string): Map<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  let [last, group]: [string | null, Item[]] = [null, []];
  for (const item of items) {
    const tenantId = tenantOf(item);
    if (tenantId !== last) {
      group = groups.get(tenantId) ?? [];
      groups.set(tenantId, group);
      last = tenantId;
    }
    group.push(item);
  }
  return groups;
}

const identityOf = ({ tenantId, identity }: IncomingEvent): string => tenantId + identity;

const joined = <Row>(parts: readonly (readonly Row[])[]): readonly Row[] =>
  parts.length === 1 ? (parts[0] as readonly Row[]) : parts.flat();
