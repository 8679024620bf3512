const MEMORY_MS = 2_000;
const LONGEST_WAIT_SECONDS = 10;

/** How fast a queue empties, as seen in the last seconds; tells those who are refused when to come back. */
export class DrainRate {
  private perMs = 0;
  private at = 0;

  /** @param now monotonic milliseconds */
  saw(items: number, now: number): void {
    this.perMs = this.perMsAt(now) + items / MEMORY_MS;
    this.at = now;
  }

  /** Whole seconds until this many items are through, 1 to 10: nothing is known further ahead than that. */
  secondsFor(items: number, now: number): number {
    const seconds = Math.ceil(items / this.perMsAt(now) / 1_000);
    return Math.min(LONGEST_WAIT_SECONDS, Math.max(1, seconds));
  }

  private perMsAt(now: number): number {
    return this.perMs * Math.exp((this.at - now) / MEMORY_MS);
  }
}
