/** Upper bounds of the classes that sizes are counted in; the last class has none. */
export const FLUSH_SIZE_BOUNDS = [1, 10, 100, 500, 1_000, 2_500, 5_000] as const;

/** How many flushes there were of which size. */
export class FlushSizes {
  /** One count per bound, and one for what is larger. */
  readonly counts: number[] = Array.from({ length: FLUSH_SIZE_BOUNDS.length + 1 }, () => 0);
  flushes = 0;
  items = 0;

  saw(size: number): void {
    const found = FLUSH_SIZE_BOUNDS.findIndex((bound) => size <= bound);
    const place = found < 0 ? FLUSH_SIZE_BOUNDS.length : found;
    this.counts[place] = (this.counts[place] ?? 0) + 1;
    this.flushes += 1;
    this.items += size;
  }
}
