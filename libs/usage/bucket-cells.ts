import { Decimal, TOKEN_POOLS, addPools, slotStart, type Instant, type TokenPools } from '@tare/core';

/** What a bucket row adds to its cell: sums, negative in a correction. */
export interface BucketSums {
  readonly events: number;
  readonly tokens: TokenPools;
  readonly quantity: Decimal;
  readonly gpuSeconds: Decimal;
  readonly cost: Decimal;
  readonly restatedCost: Decimal;
}

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

/** Adds up rows of the same cell, dimensions and commit, in the order of the table's key: the same rows for any order of input. */
export function sumBucketRows(rows: Iterable<BucketRow>): BucketRow[] {
  const cells = new Map<string, BucketRow>();
  for (const row of rows) {
    const cell = `${row.tenantId} ${row.customerNo} ${row.from} ${row.dimensionNo} ${row.seq}`;
    const sum = cells.get(cell);
    cells.set(cell, sum === undefined ? row : added(sum, row));
  }
  return [...cells.values()].sort(byKey);
}

function added(a: BucketRow, b: BucketRow): BucketRow {
  return {
    ...a,
    events: a.events + b.events,
    tokens: addPools(a.tokens, b.tokens),
    quantity: a.quantity.plus(b.quantity),
    gpuSeconds: a.gpuSeconds.plus(b.gpuSeconds),
    cost: a.cost.plus(b.cost),
    restatedCost: a.restatedCost.plus(b.restatedCost),
  };
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
