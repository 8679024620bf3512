import { RetryLater } from '@tare/core';
import { ActiveGroups } from './active-groups.ts';
import { DrainRate } from './drain-rate.ts';
import { FairCapacity } from './fair-capacity.ts';
import { FlushSizes } from './flush-sizes.ts';
import { Group, WaitingGroups, type Piece } from './waiting-groups.ts';

export interface GroupCommitOptions<Item, Outcome> {
  /** Commits the items in one transaction and answers one outcome per item, in their order. Items of one group stand together. */
  readonly flush: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  /** Who an item belongs to: who shares the queue fairly, and what a flush that failed is taken apart by. */
  readonly groupOf: (item: Item) => string;
  /** Items of one transaction at most. */
  readonly flushSize: number;
  /** Items that may wait or be in a flush, shared fairly by the groups; above it new ones are refused. */
  readonly capacity: number;
  readonly flushers: number;
  /** Items that must be waiting or in a flush for another flusher to join a busy one; none: any. */
  readonly joinFrom?: number;
  /** A flush that takes longer may be waiting for a lock: others need not wait with it, however few they are. */
  readonly patienceMs?: number;
  /** Waited for before each flush, such as a turn of the event loop: what has arrived by then is in the same flush. None: at once. */
  readonly gather?: () => Promise<void>;
  /** What may be held of the weights that are given with submissions, in the same way. Left out: any. */
  readonly weightCapacity?: number;
  /**
   * While others are active: items of one group in a flush at most, and how many a group may hold before it has to leave the others a flusher. Left out: a fifth
   * of a flush.
   */
  readonly contendedFlushSize?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** What stands in the queue now, and what became of everything since the start. */
export interface GroupCommitReadings {
  /** Items that wait or are being written. */
  readonly held: number;
  /** Groups that hold some. */
  readonly groups: number;
  readonly weight: number;
  /** Submissions refused because the queue, or the group's share of it, was full. */
  readonly refused: number;
  readonly flushes: FlushSizes;
}

/** Turns of a full flush: the smaller a turn is, the finer the shares of one flush are. */
const PATIENCE_MS = 20;
const TURNS_OF_A_FLUSH = 20;
const FLUSHES_OF_CONTENTION = 5;

type Pieces<Item, Outcome> = ReadonlyMap<Group<Item, Outcome>, readonly Piece<Item, Outcome>[]>;

/**
 * Group commit without a timer: at most `flushers` at a time, each takes what waits as soon as it is free. An idle system answers at once, a busy one batches by
 * itself. A flush that fails is done again group by group, and only the failing group's submissions fail.
 *
 * Groups share what there is: places in the queue by `FairCapacity`, places in a flush by deficit round robin, and while more than one group is active, whoever
 * holds more than `contendedFlushSize` items leaves the others a flusher and writes in small flushes, so that nobody waits long behind it. A group that failed
 * alone is written alone until it succeeds. Within a group, items are taken in the order in which they came.
 */
export class GroupCommit<Item, Outcome> {
  private readonly groups = new Map<string, Group<Item, Outcome>>();
  private readonly waiting = new WaitingGroups<Item, Outcome>();
  /** By their last submission. */
  private readonly active = new ActiveGroups();
  /** By their last failure: who holds nothing any more is forgotten, but not that. */
  private readonly failing = new ActiveGroups();
  private readonly rate = new DrainRate();
  private readonly sizes = new FlushSizes();
  private readonly items: FairCapacity;
  private readonly weights: FairCapacity;
  private readonly running = new Set<Promise<void>>();
  private readonly contendedFlushSize: number;
  private readonly quantum: number;
  private readonly now: () => number;
  private busyFlushers = 0;
  /** Of the last flush. */
  private beganAt = 0;
  private patience: NodeJS.Timeout | null = null;
  private suspectFlushes = 0;
  private refused = 0;

  constructor(private readonly options: GroupCommitOptions<Item, Outcome>) {
    this.items = new FairCapacity(options.capacity);
    this.weights = new FairCapacity(options.weightCapacity ?? Infinity);
    this.contendedFlushSize = options.contendedFlushSize ?? Math.ceil(options.flushSize / FLUSHES_OF_CONTENTION);
    this.quantum = Math.ceil(options.flushSize / TURNS_OF_A_FLUSH);
    this.now = options.now ?? (() => performance.now());
  }

  /**
   * Resolves when all items are committed, with their outcomes. All items belong to one group.
   * @param weight of all of them together, in the unit of `weightCapacity`
   * @throws RetryLater OVERLOADED
   */
  submit(items: readonly Item[], weight = 0): Promise<readonly Outcome[]> {
    const [first] = items;
    if (first === undefined) return Promise.resolve([]);
    const name = this.options.groupOf(first);
    this.active.see(name, this.now());
    if (!this.fits(name, items.length, weight)) return Promise.reject(this.refusal());
    this.items.take(name, items.length);
    this.weights.take(name, weight);
    return new Promise((resolve, reject) => {
      const group = this.groupNamed(name);
      this.waiting.add({ group, items, weight, outcomes: [], taken: 0, settled: 0, failed: false, resolve, reject });
      this.wake();
    });
  }

  /** For callers who want to know before they make a group's next item. @throws RetryLater OVERLOADED */
  requireRoom(group: string): void {
    if (!this.fits(group, 1, 1)) throw this.refusal();
  }

  /** Resolves when nothing waits and nothing is being written. */
  async drain(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  get readings(): GroupCommitReadings {
    const { items, weights, refused, sizes: flushes } = this;
    return { held: items.held, groups: items.holders, weight: weights.held, refused, flushes };
  }

  private fits(group: string, items: number, weight: number): boolean {
    const isContended = this.isContended(group);
    return this.items.fits(group, items, isContended) && this.weights.fits(group, weight, isContended);
  }

  /** Others hold something, or did lately. */
  private isContended(group: string): boolean {
    const others = this.items.holders - (this.items.heldBy(group) > 0 ? 1 : 0);
    return others > 0 || this.active.countWith(group, this.now()) > 1;
  }

  private refusal(): RetryLater {
    this.refused += 1;
    const seconds = this.rate.secondsFor(this.items.held, this.now());
    return new RetryLater(
      'OVERLOADED',
      `Too many events are waiting to be written. Send this batch again in ${inSeconds(seconds)}.`,
      seconds,
    );
  }

  private groupNamed(name: string): Group<Item, Outcome> {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const group = new Group<Item, Outcome>(name, this.failing.has(name, this.now()));
    this.groups.set(name, group);
    return group;
  }

  private wake(): void {
    if (this.busyFlushers >= this.options.flushers) return;
    if (!this.isWorthAnother()) {
      this.wakeLater();
      return;
    }
    this.busyFlushers += 1;
    const run = this.flushAll().finally(() => this.running.delete(run));
    this.running.add(run);
  }

  /** Small flushes are not worth a second flusher: what they have in common costs more than they do. One that takes long is not waited for. */
  private isWorthAnother(): boolean {
    const { joinFrom = 0 } = this.options;
    return this.busyFlushers === 0 || this.items.held >= joinFrom || this.now() - this.beganAt > (this.options.patienceMs ?? PATIENCE_MS);
  }

  /** For when the flush that all wait for turns out to take long. */
  private wakeLater(): void {
    this.patience ??= setTimeout(
      () => {
        this.patience = null;
        if (this.waiting.size > 0) this.wake();
      },
      (this.options.patienceMs ?? PATIENCE_MS) + 1,
    );
  }

  private async flushAll(): Promise<void> {
    const { gather } = this.options;
    if (gather !== undefined) await gather();
    for (let taken = this.take(); taken.size > 0; taken = this.take()) {
      this.beganAt = this.now();
      const suspects = this.begin(taken);
      const written = this.flushGroups(taken);
      // What this flush had to leave may be for another flusher.
      if (this.waiting.size > 0) this.wake();
      await written;
      this.end(taken, suspects);
      if (gather !== undefined) await gather();
    }
    // In the same step as the last look at the queue: whoever submits after it finds this flusher free.
    this.busyFlushers -= 1;
  }

  private take(): Pieces<Item, Outcome> {
    const { flushSize } = this.options;
    return this.waiting.take({ flushSize, quantum: this.quantum }, (group) => this.mostOf(group));
  }

  private mostOf(group: Group<Item, Outcome>): number {
    const { flushSize, flushers } = this.options;
    const flushersOfOne = Math.max(1, flushers - 1);
    if (group.isSuspect) return this.suspectFlushes < flushersOfOne ? flushSize : 0;
    if (!this.isContended(group.name) || this.items.heldBy(group.name) <= this.contendedFlushSize) return flushSize;
    return group.flushes < flushersOfOne ? this.contendedFlushSize : 0;
  }

  /** Answers how many suspects there are in it. */
  private begin(taken: Pieces<Item, Outcome>): number {
    let suspects = 0;
    for (const group of taken.keys()) {
      group.flushes += 1;
      if (group.isSuspect) suspects += 1;
    }
    this.suspectFlushes += suspects;
    return suspects;
  }

  private end(taken: Pieces<Item, Outcome>, suspects: number): void {
    this.suspectFlushes -= suspects;
    for (const group of taken.keys()) {
      group.flushes -= 1;
      if (this.items.heldBy(group.name) === 0) this.groups.delete(group.name);
    }
  }

  private async flushGroups(taken: Pieces<Item, Outcome>): Promise<void> {
    const pieces = [...taken.values()].flat();
    try {
      const outcomes = await this.options.flush(pieces.flatMap(itemsOf));
      for (const group of taken.keys()) group.isSuspect = false;
      this.settle(pieces, outcomes);
    } catch (error) {
      if (taken.size > 1) for (const part of taken) await this.flushGroups(new Map([part]));
      else this.fail(pieces, error);
    }
  }

  private settle(pieces: readonly Piece<Item, Outcome>[], outcomes: readonly Outcome[]): void {
    this.sizes.saw(outcomes.length);
    this.rate.saw(outcomes.length, this.now());
    let position = 0;
    for (const { submission, from, to } of pieces) {
      for (let i = from; i < to; i += 1, position += 1) submission.outcomes[i] = outcomes[position] as Outcome;
      submission.settled += to - from;
      this.items.giveBack(submission.group.name, to - from);
      if (submission.settled < submission.items.length) continue;
      this.weights.giveBack(submission.group.name, submission.weight);
      submission.resolve(submission.outcomes);
    }
  }

  /** What is left of a submission that failed is not written: its sender is told to send it again. */
  private fail(pieces: readonly Piece<Item, Outcome>[], error: unknown): void {
    for (const { submission, from, to } of pieces) {
      const { group } = submission;
      group.isSuspect = true;
      this.failing.see(group.name, this.now());
      this.items.giveBack(group.name, to - from);
      if (submission.failed) continue;
      submission.failed = true;
      this.items.giveBack(group.name, group.dropRest(submission));
      if (group.waiting === 0) this.waiting.remove(group);
      this.weights.giveBack(group.name, submission.weight);
      submission.reject(error);
    }
  }
}

const itemsOf = <Item, Outcome>({ submission, from, to }: Piece<Item, Outcome>): readonly Item[] => submission.items.slice(from, to);

const inSeconds = (seconds: number): string => (seconds === 1 ? 'a second' : `${seconds} seconds`);
