/** How long after its last request somebody counts as one whom others share with. */
const ACTIVE_MS = 1_000;

/** Who did something in the last second. Remembers nobody for longer, so it is bounded by what one second can bring. */
export class ActiveGroups {
  /** Oldest first. */
  private readonly lastSeen = new Map<string, number>();

  /** @param now monotonic milliseconds */
  see(group: string, now: number): void {
    this.lastSeen.delete(group);
    this.lastSeen.set(group, now);
    this.forgetBefore(now - ACTIVE_MS);
  }

  has(group: string, now: number): boolean {
    this.forgetBefore(now - ACTIVE_MS);
    return this.lastSeen.has(group);
  }

  /** How many there are, `group` included, whenever it was last seen. */
  countWith(group: string, now: number): number {
    this.forgetBefore(now - ACTIVE_MS);
    return this.lastSeen.size + (this.lastSeen.has(group) ? 0 : 1);
  }

  private forgetBefore(time: number): void {
    for (const [group, seen] of this.lastSeen) {
      if (seen >= time) return;
      this.lastSeen.delete(group);
    }
  }
}
