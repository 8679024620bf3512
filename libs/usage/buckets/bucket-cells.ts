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

/** A row while it grows. Those of a flush are added up in place: new objects for every event would cost more than the adding. */
export type GrowingRow = { -readonly [Field in keyof BucketRow]: BucketRow[Field] } & {
  tokens: { -readonly [Pool in TokenPool]: Decimal };
};

/** A row that counts nothing yet. */
export function emptyRow(tenantId: string, customerNo: number, from: Instant, dimensionNo: number, seq: number): GrowingRow {
  const zero = Decimal.ZERO;
  const sums = { events: 0, tokens: { ...NO_TOKENS }, quantity: zero, gpuSeconds: zero, cost: zero, restatedCost: zero };
  return { tenantId, customerNo, from, dimensionNo, seq, ...sums };
}

/** Pool by pool rather than in a loop: it is done for every event, and most pools are 0. */
export function addTokens({ tokens: sums }: GrowingRow, tokens: TokenPools): void {
  if (!tokens.uncachedInput.isZero()) sums.uncachedInput = sums.uncachedInput.plus(tokens.uncachedInput);
  if (!tokens.cacheRead.isZero()) sums.cacheRead = sums.cacheRead.plus(tokens.cacheRead);
  if (!tokens.cacheWrite5m.isZero()) sums.cacheWrite5m = sums.cacheWrite5m.plus(tokens.cacheWrite5m);
  if (!tokens.cacheWrite1h.isZero()) sums.cacheWrite1h = sums.cacheWrite1h.plus(tokens.cacheWrite1h);
  if (!tokens.inputAudio.isZero()) sums.inputAudio = sums.inputAudio.plus(tokens.inputAudio);
  if (!tokens.plainOutput.isZero()) sums.plainOutput = sums.plainOutput.plus(tokens.plainOutput);
  if (!tokens.reasoning.isZero()) sums.reasoning = sums.reasoning.plus(tokens.reasoning);
  if (!tokens.outputAudio.isZero()) sums.outputAudio = sums.outputAudio.plus(tokens.outputAudio);
}

/** Adds up rows of the same cell, dimensions and commit, in the order of the table's key: the same rows for any order of input. */
export function sumBucketRows(rows: Iterable<BucketRow>): BucketRow[] {
  const cells = new Map<string, GrowingRow>();
  for (const row of rows) {
    const key = `${row.tenantId} ${row.customerNo} ${row.from} ${row.dimensionNo} ${row.seq}`;
    let sum = cells.get(key);
    if (sum === undefined) cells.set(key, (sum = emptyRow(row.tenantId, row.customerNo, row.from, row.dimensionNo, row.seq)));
    sum.events += row.events;
    addTokens(sum, row.tokens);
    sum.quantity = sum.quantity.plus(row.quantity);
    sum.gpuSeconds = sum.gpuSeconds.plus(row.gpuSeconds);
    sum.cost = sum.cost.plus(row.cost);
    sum.restatedCost = sum.restatedCost.plus(row.restatedCost);
  }
  return [...cells.values()].sort(byKey);
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
