/** Random choices from a seed: the same seed gives the same cases on every machine (xorshift on 32 bits). */
export class Seeded {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x85ebca6b) >>> 0 || 1;
    for (let round = 0; round < 4; round += 1) this.next();
  }

  /** A whole number in `[least, most]`. */
  whole(least: number, most: number): number {
    return least + Math.floor((this.next() / 0x1_0000_0000) * (most - least + 1));
  }

  /** True `percent` times in a hundred. */
  chance(percent: number): boolean {
    return this.whole(1, 100) <= percent;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.whole(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** A decimal of up to `digits` digits before the point and `decimals` after it, as text; small and round ones are as likely as long ones. */
  decimal(digits: number, decimals: number): string {
    const before = this.digits(this.whole(1, digits));
    const after = this.chance(40) ? '' : this.digits(this.whole(0, decimals)).replace(/0+$/, '');
    const whole = before.replace(/^0+(?=\d)/, '');
    return after === '' ? whole : `${whole}.${after}`;
  }

  private digits(count: number): string {
    let text = '';
    for (let index = 0; index < count; index += 1) text += this.whole(0, 9);
    return text;
  }

  private next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state;
  }
}
