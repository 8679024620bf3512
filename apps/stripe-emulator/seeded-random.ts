/** Numbers in [0, 1) that a seed determines (mulberry32), so that a run with faults can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Another order of the items; never the given one, when there are at least two. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = items.map((item) => ({ item, rank: random() })).sort((a, b) => a.rank - b.rank);
  const unchanged = result.every(({ item }, index) => item === items[index]);
  return (unchanged ? result.reverse() : result).map(({ item }) => item);
}
