import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { SubscriptionStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { CreditStore } from './credit.store.ts';
import { CreditLapses } from './credit-lapses.ts';
import { CreditsAhead } from './credits-ahead.ts';
import { DebitStore } from './debit.store.ts';
import { WalletLane, type KnownRows, type WalletAnswer, type WalletOrder, type WalletOutcome } from './wallet-lane.ts';
import { crossingOf, WalletWatch } from './wallet-watch.ts';

/** Whose wallet it is. */
export type WalletOwner = Pick<Customer, 'id' | 'key' | 'timeZone'>;

interface Waiting {
  readonly order: WalletOrder;
  readonly resolve: (answer: WalletAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** A wallet that somebody waits for. */
interface Queue {
  readonly tenantId: string;
  readonly owner: WalletOwner;
  readonly waiting: Waiting[];
  lane: WalletLane | null;
  loadedAt: number;
  /** Batches for which keys are looked up before they are decided on, because repeats came lately. */
  repeats: number;
}

/** Orders of one wallet that are decided and written at once. */
const MOST = 1_000;
/** For so long a plan that has changed may go unnoticed; whatever happens to the wallet itself is noticed at once. */
const TRUST_MS = 2_000;
/** How far ahead of the clock orders may lie, in microseconds. */
const AHEAD = 6 * 60 * 1_000_000;
const REPEATS_LAST = 16;
/** Then the wallet is locked first, and nobody can be faster any more. */
const MOST_RACES = 2;
const MOST_ATTEMPTS = 8;
const NOTHING_KNOWN: KnownRows = { debits: new Map(), reservations: [] };

type WriteResult = 'WRITTEN' | 'LOST' | 'TAKEN';

/** Another one wrote the wallet since it was read. */
class LostRace extends Error {}
/** A key that was to be written is there already. */
class KeyTaken extends Error {}

/**
 * The one way by which debits and reservations reach a wallet (SEMANTICS 7.4, 7.7). In each process a wallet has one queue: what waits is decided in memory,
 * in order, and written by one statement that compares the wallet's version. Who loses a race against another process reads the wallet again, and after
 * two of them locks it. A queue that nobody waits in is forgotten.
 */
@Injectable()
export class WalletWriter {
  private readonly queues = new Map<string, Queue>();

  constructor(
    private readonly database: Database,
    private readonly subscriptions: SubscriptionStore,
    private readonly store: CreditStore,
    private readonly debits: DebitStore,
    private readonly watch: WalletWatch,
    private readonly ahead: CreditsAhead,
    private readonly lapses: CreditLapses,
  ) {}

  /** Resolves when it is committed. @throws CodedError CREDITS_EXHAUSTED | KEY_REUSED | NOT_FOUND | RESERVATION_ENDED */
  submit(tenantId: string, owner: WalletOwner, order: WalletOrder): Promise<WalletAnswer> {
    const name = `${tenantId} ${owner.id}`;
    return new Promise((resolve, reject) => {
      const known = this.queues.get(name);
      if (known !== undefined) {
        known.waiting.push({ order, resolve, reject });
        return;
      }
      const queue: Queue = { tenantId, owner, waiting: [{ order, resolve, reject }], lane: null, loadedAt: 0, repeats: 0 };
      this.queues.set(name, queue);
      void this.work(name, queue);
    });
  }

  private async work(name: string, queue: Queue): Promise<void> {
    for (let idle = 0; idle < 2;) {
      // What has arrived by then is decided together.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = queue.waiting.splice(0, MOST);
      if (batch.length === 0) {
        idle += 1;
        continue;
      }
      idle = 0;
      await this.flush(queue, batch);
    }
    this.queues.delete(name);
  }

  private async flush(queue: Queue, batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.attempts(
        queue,
        batch.map(({ order }) => order),
      );
      for (const [i, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[i];
        if (outcome === undefined || outcome instanceof CodedError) reject(outcome ?? new Error('an order has no outcome'));
        else resolve(outcome);
      }
    } catch (error) {
      queue.lane = null;
      for (const { reject } of batch) reject(error);
    }
  }

  private async attempts(queue: Queue, orders: readonly WalletOrder[]): Promise<readonly WalletOutcome[]> {
    let races = 0;
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      try {
        return await this.attempt(queue, orders, races >= MOST_RACES);
      } catch (error) {
        queue.lane = null;
        if (error instanceof LostRace) races += 1;
        else if (error instanceof KeyTaken) queue.repeats = REPEATS_LAST;
        else throw error;
      }
    }
    throw new CodedError('OVERLOADED', 'The wallet is written by too many at once. Try again.');
  }

  private async attempt(queue: Queue, orders: readonly WalletOrder[], isLocked: boolean): Promise<readonly WalletOutcome[]> {
    const now = Date.now() * 1_000;
    const sent: { writing: Promise<WriteResult> } = { writing: Promise.resolve('WRITTEN') };
    try {
      const outcomes = await this.database.withTenant(queue.tenantId, async (tx) => {
        const isFresh = isLocked || queue.lane === null || Date.now() - queue.loadedAt > TRUST_MS;
        if (isFresh) queue.lane = await this.load(tx, queue, isLocked);
        const lane = queue.lane as WalletLane;
        const looksUp = queue.repeats > 0;
        if (looksUp) queue.repeats -= 1;
        const known = await this.known(tx, queue, orders, looksUp);
        const before = lane.availableAt(now);
        const first = orders.map((order) => lane.decide(order, now, known));
        const decided = looksUp ? first : await this.withRepeats(tx, queue, { orders, outcomes: first, now });
        // Not waited for: the commit travels with it. A race that is lost has written nothing, and a key that is taken leaves nothing to commit.
        sent.writing = this.write(tx, queue, lane, isFresh);
        sent.writing.catch(() => undefined);
        if (isFresh) requireWritten(await sent.writing);
        const tell = this.crossed(queue.owner, lane, { before, after: lane.availableAt(now), at: now });
        if (tell !== null) {
          requireWritten(await sent.writing);
          await tell(tx);
        }
        return decided;
      });
      requireWritten(await sent.writing);
      queue.lane?.written();
      return outcomes;
    } catch (error) {
      // Why the transaction could not be committed is known by the statement that failed.
      requireWritten(await sent.writing);
      throw error;
    }
  }

  private async write(tx: TenantTransaction, queue: Queue, lane: WalletLane, isFresh: boolean): Promise<WriteResult> {
    const write = lane.pending(queue.owner.id);
    if (write !== null) return this.debits.write(tx, write);
    // Nothing is written that would notice a wallet that has moved since.
    const isStale = !isFresh && lane.refused && (await this.debits.version(tx, queue.owner.id)) !== lane.knownVersion;
    return isStale ? 'LOST' : 'WRITTEN';
  }

  /** Null: nothing was crossed that somebody is to be told of. */
  private crossed(
    customer: WalletOwner,
    { wallet: { row, watch } }: WalletLane,
    { before, after, at }: { before: WalletAnswer['available']; after: WalletAnswer['available']; at: Instant },
  ): ((tx: TenantTransaction) => Promise<void>) | null {
    if (after.compare(before) >= 0) return null;
    const change = { customer, wallet: row, before, after, at };
    const crossing = crossingOf(change, watch);
    if (crossing.percents.length === 0 && !crossing.isBelowThreshold) return null;
    return (tx) => this.watch.tell(tx, change, watch, crossing);
  }

  private async load(tx: TenantTransaction, queue: Queue, isLocked: boolean): Promise<WalletLane> {
    const { id } = queue.owner;
    const row = isLocked ? await this.store.lock(tx, id) : ((await this.store.row(tx, id)) ?? (await this.store.lock(tx, id)));
    const segments = await this.subscriptions.segments(tx, { customerIds: [id] });
    const cursors = await this.store.cursors(tx, id);
    const now = Date.now() * 1_000;
    const lane = new WalletLane({
      row,
      grants: await this.store.usableGrants(tx, id),
      reservations: await this.debits.openReservations(tx, id),
      segments: segments.filter(({ terms }) => terms.kind === 'CREDIT' || terms.burnRates.length > 0),
      settledUntil: new Map(cursors.map(({ subscriptionId, settledUntil }) => [subscriptionId, settledUntil])),
      // Of the periods that run, and of those that begin while the lane is believed.
      pending: (await this.ahead.load(tx, new Map([[id, segments]]), now, now + AHEAD)).get(id) ?? [],
      lapses: await this.lapses.of(tx, id, segments, now + AHEAD),
      watch: await this.watch.terms(tx, id),
    });
    queue.loadedAt = Date.now();
    return lane;
  }

  /** What was refused for want of credits may have been done before: then it is answered as it was, however little is left since. */
  private async withRepeats(
    tx: TenantTransaction,
    queue: Queue,
    { orders, outcomes, now }: { orders: readonly WalletOrder[]; outcomes: readonly WalletOutcome[]; now: Instant },
  ): Promise<readonly WalletOutcome[]> {
    const { lane } = queue;
    const refused = orders.filter((_, i) => isExhausted(outcomes[i]));
    if (refused.length === 0 || lane === null) return outcomes;
    const known = await this.known(tx, queue, refused, true);
    return orders.map((order, i) => {
      const outcome = outcomes[i] as WalletOutcome;
      return isExhausted(outcome) && isKnown(order, known) ? lane.decide(order, now, known) : outcome;
    });
  }

  /** What may answer orders that were sent before. New keys are the rule: they are looked up only where repeats are likely. */
  private async known(tx: TenantTransaction, queue: Queue, orders: readonly WalletOrder[], looksUp: boolean): Promise<KnownRows> {
    const ids = orders.flatMap((order) => ('reservationId' in order ? [order.reservationId] : []));
    if (ids.length === 0 && !looksUp) return NOTHING_KNOWN;
    const keys = (kind: WalletOrder['kind']): string[] =>
      looksUp ? orders.flatMap((order) => (order.kind === kind && 'key' in order ? [order.key] : [])) : [];
    const [debitKeys, reservationKeys] = [keys('DEBIT'), keys('RESERVE')];
    const debits = debitKeys.length === 0 ? [] : await this.debits.debits(tx, queue.owner.id, debitKeys);
    const isAsked = ids.length + reservationKeys.length > 0;
    return {
      debits: new Map(debits.map((debit) => [debit.key, debit])),
      reservations: isAsked ? await this.debits.reservations(tx, queue.owner.id, ids, reservationKeys) : [],
    };
  }
}

const isExhausted = (outcome: WalletOutcome | undefined): boolean => outcome instanceof CodedError && outcome.code === 'CREDITS_EXHAUSTED';

function isKnown(order: WalletOrder, { debits, reservations }: KnownRows): boolean {
  if (order.kind === 'DEBIT') return debits.has(order.key);
  return order.kind === 'RESERVE' && reservations.some(({ key }) => key === order.key);
}

/** @throws LostRace | KeyTaken */
function requireWritten(result: WriteResult): void {
  if (result === 'LOST') throw new LostRace();
  if (result === 'TAKEN') throw new KeyTaken();
}
