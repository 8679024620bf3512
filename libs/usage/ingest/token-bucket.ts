const MS_PER_SECOND = 1_000;

/**
 * A rate with a burst: what was not used is kept, for `burstSeconds` at most. Whoever has anything left may take more than that and owes the rest, so that a
 * batch larger than a burst gets through once in a while and the rate holds over time all the same.
 */
export class TokenBucket {
  private left: number;

  /** @param now monotonic milliseconds, here and below */
  constructor(
    private perSecond: number,
    private readonly burstSeconds: number,
    private at: number,
  ) {
    this.left = this.burst;
  }

  /** Seconds until something may be taken; 0: now. */
  secondsUntilOpen(now: number): number {
    this.refill(now);
    // Where a whole token is less than a burst, one has to be there: a rate of one per second means one, not a hundred slices of it.
    const missing = Math.min(1, this.burst) - this.left;
    return missing <= 0 ? 0 : missing / this.perSecond;
  }

  /** Takes it, whatever is left. */
  take(amount: number, now: number): void {
    this.refill(now);
    this.left -= amount;
  }

  /** What is owed stays owed. */
  changeRate(perSecond: number, now: number): void {
    if (perSecond === this.perSecond) return;
    this.refill(now);
    this.perSecond = perSecond;
    this.left = Math.min(this.left, this.burst);
  }

  /** As good as new. */
  isFull(now: number): boolean {
    this.refill(now);
    return this.left >= this.burst;
  }

  private get burst(): number {
    return this.perSecond * this.burstSeconds;
  }

  private refill(now: number): void {
    this.left = Math.min(this.burst, this.left + ((now - this.at) / MS_PER_SECOND) * this.perSecond);
    this.at = now;
  }
}
