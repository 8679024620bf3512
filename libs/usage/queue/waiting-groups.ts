/** What somebody handed in and waits for. */
export interface Submission<Item, Outcome> {
  readonly group: Group<Item, Outcome>;
  readonly items: readonly Item[];
  /** In the unit of the weight capacity, say bytes. */
  readonly weight: number;
  readonly outcomes: Outcome[];
  taken: number;
  settled: number;
  failed: boolean;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Items of a submission, `from` up to but without `to`, that are in one flush. */
export interface Piece<Item, Outcome> {
  readonly submission: Submission<Item, Outcome>;
  readonly from: number;
  to: number;
}

/** Those of one group, a tenant say, in the order in which they came. */
export class Group<Item, Outcome> {
  private readonly queue: Submission<Item, Outcome>[] = [];
  private head = 0;
  /** Items that it may still take in its turn. */
  credit = 0;
  /** Items that wait. */
  waiting = 0;
  /** Flushes under way that hold items of it. */
  flushes = 0;

  constructor(
    readonly name: string,
    /** It failed when it was alone in a flush: until one of its flushes succeeds it stays alone. */
    public isSuspect = false,
  ) {}

  push(submission: Submission<Item, Outcome>): void {
    this.queue.push(submission);
    this.waiting += submission.items.length;
  }

  /** Takes up to `most` items from the front, onto `pieces`. */
  take(most: number, pieces: Piece<Item, Outcome>[]): void {
    for (let room = most; room > 0 && this.waiting > 0;) {
      const submission = this.queue[this.head] as Submission<Item, Outcome>;
      const from = submission.taken;
      const to = Math.min(submission.items.length, from + room);
      const last = pieces.at(-1);
      if (last?.submission === submission) last.to = to;
      else pieces.push({ submission, from, to });
      submission.taken = to;
      this.waiting -= to - from;
      room -= to - from;
      if (to === submission.items.length) this.dropFirst();
    }
  }

  /** Forgets what is not taken yet of a submission that has failed, and answers how many items that were. Only the first can be taken in part. */
  dropRest(submission: Submission<Item, Outcome>): number {
    if (this.queue[this.head] !== submission) return 0;
    const count = submission.items.length - submission.taken;
    this.waiting -= count;
    this.dropFirst();
    return count;
  }

  /** The array is cut only when half of it is used up: dropping costs nothing on the average, however long the queue. */
  private dropFirst(): void {
    this.head += 1;
    if (this.head * 2 < this.queue.length) return;
    this.queue.splice(0, this.head);
    this.head = 0;
  }
}

export interface TurnRules {
  /** Items of one flush at most. */
  readonly flushSize: number;
  /** Items that a group may take in one turn. */
  readonly quantum: number;
}

/** Items of the group that one flush may hold now; 0: it has to wait. */
export type MostOf<Item, Outcome> = (group: Group<Item, Outcome>) => number;

/**
 * Groups that have something waiting, in a ring. They take turns by deficit round robin: each gets a quantum in its turn, what a full flush has cut short it gets
 * first in the next. Whatever one group has waiting, another waits for one quantum of it at most in each round.
 */
export class WaitingGroups<Item, Outcome> {
  /** In the order of their turns. */
  private ring = new Set<Group<Item, Outcome>>();

  get size(): number {
    return this.ring.size;
  }

  add(submission: Submission<Item, Outcome>): void {
    submission.group.push(submission);
    this.ring.add(submission.group);
  }

  /** What the next flush holds, group by group, each in its order. Empty when nobody may go now. */
  take({ flushSize, quantum }: TurnRules, mostOf: MostOf<Item, Outcome>): Map<Group<Item, Outcome>, Piece<Item, Outcome>[]> {
    const taken = new Map<Group<Item, Outcome>, Piece<Item, Outcome>[]>();
    const left = new Map<Group<Item, Outcome>, number>();
    const leftOut = new Set<Group<Item, Outcome>>();
    let room = flushSize;
    // A round in which nobody took anything is the last.
    for (let idle = 0; room > 0 && idle < this.ring.size;) {
      const group = this.ring.values().next().value as Group<Item, Outcome>;
      const most = left.get(group) ?? mostOf(group);
      if (group.credit <= 0) group.credit = quantum;
      const fits = goesWith(group, taken);
      if (!fits && group.isSuspect) leftOut.add(group);
      const count = fits ? Math.min(most, room, group.waiting, group.credit) : 0;
      if (count > 0) {
        const pieces = taken.get(group) ?? [];
        group.take(count, pieces);
        taken.set(group, pieces);
        room -= count;
      }
      left.set(group, most - count);
      group.credit -= count;
      idle = count > 0 ? 0 : idle + 1;
      this.endTurn(group, room);
    }
    // Whoever had to wait because it goes alone is the first of the next flush.
    if (leftOut.size > 0) this.ring = new Set([...leftOut, ...this.ring]);
    return taken;
  }

  remove(group: Group<Item, Outcome>): void {
    this.ring.delete(group);
    group.credit = 0;
  }

  /** A group whose turn was cut short by the end of the flush stays first. */
  private endTurn(group: Group<Item, Outcome>, room: number): void {
    if (group.waiting === 0) return this.remove(group);
    if (room === 0 && group.credit > 0) return;
    group.credit = 0;
    this.ring.delete(group);
    this.ring.add(group);
  }
}

/** A suspect goes alone: it would sink the others with it. */
function goesWith<Item, Outcome>(group: Group<Item, Outcome>, taken: ReadonlyMap<Group<Item, Outcome>, unknown>): boolean {
  const { value: first } = taken.keys().next();
  return first === undefined || first === group || !(group.isSuspect || first.isSuspect);
}
