/** A stream of numbers that is the same for the same seed (mulberry32): the demo's company is the same on every machine. */
export class SeededRandom {
  constructor(private state: number) {}

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number in [low, high]. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, by weight. */
  pick<Item extends { readonly weight: number }>(items: readonly Item[]): Item {
    let draw = this.next() * items.reduce((sum, item) => sum + item.weight, 0);
    for (const item of items) if ((draw -= item.weight) < 0) return item;
    const last = items[items.length - 1];
    if (!last) throw new Error('nothing to pick from');
    return last;
  }

  /** Skewed to the right around a typical value, as sizes of requests are. */
  skewed(typical: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return Math.max(1, Math.round(typical * Math.exp(0.8 * normal)));
  }
}
