import { Decimal, NO_TOKENS, TOKEN_POOLS, slotStart, type Instant, type TokenPool, type TokenPools } from '@tare/core';

/** What a bucket row adds to its cell: sums, negative in a correction. */
export interface BucketSums {
  readonly events: number;
  readonly tokens: TokenPools;
  readonly quantity: Decimal;
  readonly gpuSeconds: Decimal;
  readonly cost: Decimal;
  readonly restatedCost: Decimal;
}

export const NO_SUMS: BucketSums = {
  events: 0,
  tokens: NO_TOKENS,
  quantity: Decimal.ZERO,
  gpuSeconds: Decimal.ZERO,
  cost: Decimal.ZERO,
  restatedCost: Decimal.ZERO,
};

/** One row of usage_bucket: what one commit added to one cell. */
export interface BucketRow extends BucketSums {
  readonly tenantId: string;
  readonly customerNo: number;
  /** Start of the cell: a line of the 15-minute grid, or a billing boundary inside the slot (SEMANTICS 12). */
  readonly from: Instant;
  readonly dimensionNo: number;
  readonly seq: number;
}

/** Start of the cell that an instant lies in: its slot's, or the last boundary at or before it inside the slot. `boundaries` ascend. */
export function cellStart(at: Instant, boundaries: readonly Instant[]): Instant {
  const slot = slotStart(at);
  for (let i = boundaries.length - 1; i >= 0; i -= 1) {
    const boundary = boundaries[i] ?? slot;
    if (boundary <= slot) break;
    if (boundary <= at) return boundary;
  }
  return slot;
}

/** What a row is counted in: its cell, dimensions and commit. */
export type BucketCell = Omit<BucketRow, keyof BucketSums>;

/** Sums that grow. Those of a flush are added up in place: new objects for every event would cost more than the adding. */
interface GrowingSums {
  readonly cell: BucketCell;
  events: number;
  readonly tokens: { -readonly [Pool in TokenPool]: Decimal };
  quantity: Decimal;
  gpuSeconds: Decimal;
  cost: Decimal;
  restatedCost: Decimal;
}

/** Adds up usage by cell, dimensions and commit: the same rows for any order of input. */
export class BucketCells {
  private readonly sums = new Map<string, GrowingSums>();

  add(cell: BucketCell, { events, tokens, quantity, gpuSeconds, cost, restatedCost }: BucketSums): void {
    const sums = this.sumsOf(cell);
    sums.events += events;
    for (const pool of TOKEN_POOLS) {
      const count = tokens[pool];
      if (!count.isZero()) sums.tokens[pool] = sums.tokens[pool].plus(count);
    }
    sums.quantity = sums.quantity.plus(quantity);
    sums.gpuSeconds = sums.gpuSeconds.plus(gpuSeconds);
    sums.cost = sums.cost.plus(cost);
    sums.restatedCost = sums.restatedCost.plus(restatedCost);
  }

  /** In the order of the table's key. */
  rows(): BucketRow[] {
    return [...this.sums.values()].map(({ cell, ...sums }) => ({ ...cell, ...sums })).sort(byKey);
  }

  private sumsOf(cell: BucketCell): GrowingSums {
    const key = `${cell.tenantId} ${cell.customerNo} ${cell.from} ${cell.dimensionNo} ${cell.seq}`;
    let sums = this.sums.get(key);
    if (sums === undefined) {
      const zero = Decimal.ZERO;
      sums = { cell, events: 0, tokens: { ...NO_TOKENS }, quantity: zero, gpuSeconds: zero, cost: zero, restatedCost: zero };
      this.sums.set(key, sums);
    }
    return sums;
  }
}

/** Adds up rows of the same cell, dimensions and commit, in the order of the table's key. */
export function sumBucketRows(rows: Iterable<BucketRow>): BucketRow[] {
  const cells = new BucketCells();
  for (const row of rows) cells.add(row, row);
  return cells.rows();
}

function byKey(a: BucketRow, b: BucketRow): number {
  if (a.tenantId !== b.tenantId) return a.tenantId < b.tenantId ? -1 : 1;
  return a.customerNo - b.customerNo || a.from - b.from || a.dimensionNo - b.dimensionNo || a.seq - b.seq;
}

/** The same sums with the opposite sign. */
export function negatedSums(sums: BucketSums): BucketSums {
  const tokens = Object.fromEntries(TOKEN_POOLS.map((pool) => [pool, sums.tokens[pool].negated()])) as TokenPools;
  return {
    events: -sums.events,
    tokens,
    quantity: sums.quantity.negated(),
    gpuSeconds: sums.gpuSeconds.negated(),
    cost: sums.cost.negated(),
    restatedCost: sums.restatedCost.negated(),
  };
}
