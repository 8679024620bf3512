import { ActiveGroups } from './active-groups.ts';

/** How long time on the event loop counts against whoever used it. */
const MEMORY_MS = 1_000;
/** Of an equal share: who uses more is held back while others are active. */
const ABOVE_SHARE = 1.2;
/** A pause after a turn of somebody held back, as a multiple of the turn: half of the loop is left to others. */
const PAUSE = 1;
const LONGEST_PAUSE_MS = 50;

/** How the loop is seen: replaced in tests. */
export interface LoopClock {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Runs it in the next round of the loop. */
  readonly nextRound: (work: () => void) => void;
  readonly after: (work: () => void, ms: number) => void;
}

const REAL_CLOCK: LoopClock = {
  now: () => performance.now(),
  nextRound: (work) => void setImmediate(work),
  after: (work, ms) => void setTimeout(work, ms),
};

/**
 * Turns on the event loop for work that takes milliseconds: one piece for each round of it, tenant by tenant, so that who has fifty pieces waiting is no more in
 * the way of another than who has one, and sockets are served in between. While others are active, who used more than its share of the last second pauses after
 * each turn for as long as the turn took. When nobody else is at it, a turn comes at once.
 */
export class FairTurns {
  /** Who waits, in the order of their turns. */
  private readonly waiting = new Map<string, (() => void)[]>();
  private readonly active = new ActiveGroups();
  private readonly used = new Map<string, { ms: number; at: number }>();
  private holder: { readonly tenantId: string; readonly since: number } | null = null;

  /** Who pauses. */
  private paused: string | null = null;
  private pauses = 0;

  constructor(private readonly clock: LoopClock = REAL_CLOCK) {}

  /** A tenant asked for something, whether it will need a turn or not. */
  see(tenantId: string): void {
    this.active.see(tenantId, this.clock.now());
  }

  /** Resolves when it is the turn of this tenant. What is done then until the next wait should take a few milliseconds. */
  next(tenantId: string): Promise<void> {
    this.see(tenantId);
    if (this.holder === null) {
      this.hold(tenantId);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const own = this.waiting.get(tenantId);
      if (own === undefined) this.waiting.set(tenantId, [resolve]);
      else own.push(resolve);
      if (this.paused !== null && this.paused !== tenantId) this.cutPause(this.paused);
    });
  }

  private hold(tenantId: string): void {
    this.holder = { tenantId, since: this.clock.now() };
    this.clock.nextRound(() => this.end());
  }

  /** Everything that the loop did since the turn began is taken to be the turn's. */
  private end(): void {
    const { tenantId, since } = this.holder as NonNullable<typeof this.holder>;
    const now = this.clock.now();
    const took = now - since;
    this.used.set(tenantId, { ms: this.usedBy(tenantId, now) + took, at: now });
    const pause = this.isAboveShare(tenantId, now) ? Math.min(LONGEST_PAUSE_MS, took * PAUSE) : 0;
    if (pause >= 1 && this.isAlone(tenantId)) this.pause(tenantId, pause);
    else this.pass();
  }

  private pause(tenantId: string, ms: number): void {
    this.paused = tenantId;
    this.pauses += 1;
    const thisOne = this.pauses;
    this.clock.after(() => {
      if (this.paused === null || this.pauses !== thisOne) return;
      this.paused = null;
      this.pass();
    }, ms);
  }

  /** Somebody else needs a turn: it comes now, and before the one that pauses. */
  private cutPause(tenantId: string): void {
    this.paused = null;
    const own = this.waiting.get(tenantId);
    this.waiting.delete(tenantId);
    if (own !== undefined) this.waiting.set(tenantId, own);
    this.pass();
  }

  private pass(): void {
    const { value: first } = this.waiting.entries().next();
    if (first === undefined) {
      this.holder = null;
      return;
    }
    const [tenantId, own] = first;
    const resolve = own.shift();
    this.waiting.delete(tenantId);
    if (own.length > 0) this.waiting.set(tenantId, own);
    this.hold(tenantId);
    resolve?.();
  }

  /** Nobody else waits for a turn, who would have to wait through the pause. */
  private isAlone(tenantId: string): boolean {
    return this.waiting.size === (this.waiting.has(tenantId) ? 1 : 0);
  }

  private isAboveShare(tenantId: string, now: number): boolean {
    const count = this.active.countWith(tenantId, now);
    if (count === 1) return false;
    let all = 0;
    for (const known of this.used.keys()) all += this.usedBy(known, now);
    return this.usedBy(tenantId, now) > (ABOVE_SHARE * all) / count;
  }

  /** What is long ago counts less and less, and is forgotten in the end. */
  private usedBy(tenantId: string, now: number): number {
    const entry = this.used.get(tenantId);
    if (entry === undefined) return 0;
    const ms = entry.ms * Math.exp((entry.at - now) / MEMORY_MS);
    if (ms < 0.1) this.used.delete(tenantId);
    return ms;
  }
}

/** There is one event loop. */
export const turns = new FairTurns();
