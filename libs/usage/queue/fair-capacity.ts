/** Of the capacity, kept free for holders that hold nothing yet. */
const NEWCOMERS_SHARE = 0.1;
/** What one holder may hold, as a multiple of what is free: alone it comes to 8/9 of what is not kept for newcomers, beside n others to 8/(1 + 8(n + 1)). */
const SHARE_OF_FREE = 8;
/** The same while others are active, whether they hold something just now or not: three tenths. More would only make everybody wait longer. */
const CONTENDED_SHARE_OF_FREE = 0.5;

/**
 * A bounded amount (events, bytes) that holders share by what is free now: alone one may hold four fifths of it, and everybody's share shrinks as soon as others
 * hold something, or are known to be active. Who is above its share is refused while others still get in. Never more than the capacity is held; only when nothing is held at all does a
 * single larger amount fit, or it never would. Every operation is O(1), and a holder of nothing takes no memory.
 */
export class FairCapacity {
  private readonly amounts = new Map<string, number>();
  private sum = 0;

  constructor(readonly capacity: number) {}

  /** Held by all. */
  get held(): number {
    return this.sum;
  }

  /** How many hold something. */
  get holders(): number {
    return this.amounts.size;
  }

  heldBy(holder: string): number {
    return this.amounts.get(holder) ?? 0;
  }

  /** @param isContended others have asked for something lately */
  fits(holder: string, amount: number, isContended = false): boolean {
    const own = this.heldBy(holder);
    if (this.sum === 0) return true;
    if (this.sum + amount > this.capacity) return false;
    const free = this.capacity * (1 - NEWCOMERS_SHARE) - (this.sum + amount);
    return own === 0 || own + amount <= (isContended ? CONTENDED_SHARE_OF_FREE : SHARE_OF_FREE) * free;
  }

  /** Takes it whether it fits or not. */
  take(holder: string, amount: number): void {
    if (amount === 0) return;
    this.amounts.set(holder, this.heldBy(holder) + amount);
    this.sum += amount;
  }

  /** @throws Error when the holder does not hold that much */
  giveBack(holder: string, amount: number): void {
    if (amount === 0) return;
    const rest = this.heldBy(holder) - amount;
    if (rest < 0) throw new Error('more was given back than was taken');
    if (rest === 0) this.amounts.delete(holder);
    else this.amounts.set(holder, rest);
    this.sum -= amount;
  }
}
