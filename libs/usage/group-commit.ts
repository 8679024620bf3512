import { CodedError } from '@tare/core';

export interface GroupCommitOptions<Item, Outcome> {
  /** Commits the items in one transaction and answers one outcome per item, in their order. */
  readonly flush: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  /** Who an item belongs to: what a flush that failed is taken apart by. */
  readonly groupOf: (item: Item) => string;
  /** Items of one transaction at most. */
  readonly flushSize: number;
  /** Items that may wait or be in a flush; above it new ones are refused. */
  readonly capacity: number;
  readonly flushers: number;
}

interface Submission<Item, Outcome> {
  readonly items: readonly Item[];
  readonly outcomes: Outcome[];
  taken: number;
  settled: number;
  failed: boolean;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Piece<Item, Outcome> {
  readonly submission: Submission<Item, Outcome>;
  readonly from: number;
  readonly to: number;
}

/**
 * Group commit without a timer: at most `flushers` at a time, each takes everything that waits as soon as it is free. An idle system answers at
 * once, a busy one batches by itself. A flush that fails is done again group by group, and only the failing group's submissions fail.
 */
export class GroupCommit<Item, Outcome> {
  private readonly queue: Submission<Item, Outcome>[] = [];
  private readonly running = new Set<Promise<void>>();
  private held = 0;

  constructor(private readonly options: GroupCommitOptions<Item, Outcome>) {}

  /** Resolves when all items are committed, with their outcomes. All items belong to one group. @throws CodedError OVERLOADED */
  submit(items: readonly Item[]): Promise<readonly Outcome[]> {
    if (items.length === 0) return Promise.resolve([]);
    if (this.held + items.length > this.options.capacity) {
      return Promise.reject(new CodedError('OVERLOADED', 'Too many events are waiting to be written. Send this batch again in a second.'));
    }
    this.held += items.length;
    return new Promise((resolve, reject) => {
      this.queue.push({ items, outcomes: [], taken: 0, settled: 0, failed: false, resolve, reject });
      this.wake();
    });
  }

  /** Resolves when nothing waits and nothing is being written. */
  async drain(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private wake(): void {
    if (this.running.size >= this.options.flushers) return;
    const run = this.flushAll().finally(() => this.running.delete(run));
    this.running.add(run);
  }

  private async flushAll(): Promise<void> {
    for (let pieces = this.take(); pieces.length > 0; pieces = this.take()) await this.flushPieces(pieces);
  }

  private take(): Piece<Item, Outcome>[] {
    const pieces: Piece<Item, Outcome>[] = [];
    let room = this.options.flushSize;
    while (room > 0) {
      const submission = this.queue[0];
      if (submission === undefined) break;
      const from = submission.taken;
      const to = Math.min(submission.items.length, from + room);
      submission.taken = to;
      room -= to - from;
      if (to === submission.items.length) this.queue.shift();
      // What is left of a submission that has failed already is not written: its sender was told to send it again.
      if (submission.failed) this.held -= to - from;
      else pieces.push({ submission, from, to });
    }
    return pieces;
  }

  private async flushPieces(pieces: readonly Piece<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.options.flush(pieces.flatMap(itemsOf));
      this.settle(pieces, outcomes);
    } catch (error) {
      const groups = this.grouped(pieces);
      if (groups.length === 1) this.fail(pieces, error);
      else for (const group of groups) await this.flushPieces(group);
    }
  }

  private settle(pieces: readonly Piece<Item, Outcome>[], outcomes: readonly Outcome[]): void {
    let position = 0;
    for (const { submission, from, to } of pieces) {
      for (let i = from; i < to; i += 1, position += 1) submission.outcomes[i] = outcomes[position] as Outcome;
      submission.settled += to - from;
      this.held -= to - from;
      if (submission.settled === submission.items.length) submission.resolve(submission.outcomes);
    }
  }

  private fail(pieces: readonly Piece<Item, Outcome>[], error: unknown): void {
    for (const { submission, from, to } of pieces) {
      submission.failed = true;
      this.held -= to - from;
      submission.reject(error);
    }
  }

  private grouped(pieces: readonly Piece<Item, Outcome>[]): Piece<Item, Outcome>[][] {
    const groups = new Map<string, Piece<Item, Outcome>[]>();
    for (const piece of pieces) {
      const group = this.options.groupOf(piece.submission.items[0] as Item);
      const members = groups.get(group);
      if (members) members.push(piece);
      else groups.set(group, [piece]);
    }
    return [...groups.values()];
  }
}

const itemsOf = <Item, Outcome>({ submission, from, to }: Piece<Item, Outcome>): readonly Item[] => submission.items.slice(from, to);
