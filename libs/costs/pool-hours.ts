import { Injectable } from '@nestjs/common';
import { PoolStore, type CapacityPool, type CapacityPoolRate } from '@tare/catalog';
import {
  closePoolHour,
  CodedError,
  Decimal,
  instantOfDate,
  MICROS_PER_DAY,
  poolDirectCost,
  positiveModulo,
  type Instant,
} from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { UsageReader, type CustomerUsageRecord } from '@tare/usage';
import { allocateIdle, type PoolUse, type Share } from './allocate-idle.ts';
import { hourStart, poolPieces, type PoolPiece } from './pool-piece.ts';

export interface SharedCostQuery {
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
  /** The clock: hours ahead of it have not cost anything yet. Now where none is given. */
  readonly now?: Instant;
}

/** A customer's part of what a pool cost in an hour beside the direct cost of its events. */
export interface SharedCost extends Share {
  /** Key of the capacity pool. */
  readonly pool: string;
  /** Start of the hour (UTC) that it belongs to. */
  readonly hour: Instant;
  /** ISO 4217. */
  readonly currency: string;
}

/** GPU-seconds by piece, by UTC day and in the whole span. */
interface Uses {
  readonly pieces: ReadonlyMap<Instant, PoolUse>;
  readonly days: ReadonlyMap<Instant, PoolUse>;
  readonly span: PoolUse;
}

const NO_USE: PoolUse = new Map();

/** What capacity pools cost beside the direct cost of events (SEMANTICS 9.4). Computed from facts: nothing is stored. */
@Injectable()
export class PoolHours {
  constructor(
    private readonly pools: PoolStore,
    private readonly reader: UsageReader,
  ) {}

  /**
   * Shares of idle cost by each pool's policy, and, for hours measured above capacity, what takes direct cost back to the hour's charge (negative). Per
   * pool and hour, shares and direct costs add up to the charge. `customerNo` null: borne by nobody.
   * @throws CodedError NOT_AVAILABLE for a pool whose idle cost is spread by reservation
   */
  async sharedCost(tx: TenantTransaction, { from, to, now = instantOfDate(new Date()) }: SharedCostQuery): Promise<SharedCost[]> {
    const rates = await this.pools.rates(tx);
    const shares: SharedCost[] = [];
    for (const pool of await this.pools.all(tx)) {
      shares.push(...(await this.sharesOfPool(tx, pool, rates.get(pool.key) ?? [], from, Math.min(to, now))));
    }
    return shares;
  }

  private async sharesOfPool(
    tx: TenantTransaction,
    pool: CapacityPool,
    rates: readonly CapacityPoolRate[],
    from: Instant,
    to: Instant,
  ): Promise<SharedCost[]> {
    const policy = pool.idlePolicy;
    if (policy === 'BY_RESERVATION') {
      throw new CodedError(
        'NOT_AVAILABLE',
        `Idle cost of pool "${pool.key}" cannot be spread by reservation yet: choose another idle policy.`,
      );
    }
    const pieces = poolPieces(rates, from, to);
    if (pieces.length === 0) return [];
    const cuts = [...pieces.map(({ start }) => start), to];
    const uses = usesOf(await this.reader.readMany(tx, { customerNos: null, cuts, pools: [pool.key] }));
    return pieces.flatMap((piece) =>
      sharesOfPiece(piece, policy, uses).map((share) => ({
        ...share,
        pool: pool.key,
        hour: hourStart(piece.start),
        currency: pool.currency,
      })),
    );
  }
}

function sharesOfPiece(piece: PoolPiece, policy: 'NONE' | 'BY_USE' | 'EVENLY', uses: Uses): Share[] {
  const use = uses.pieces.get(piece.start) ?? NO_USE;
  const customers = [...use].sort(([a], [b]) => a - b);
  const { rate, charge } = piece;
  const { direct, idle } = closePoolHour({
    gpus: rate.gpus,
    hourlyCost: rate.hourlyCost,
    charge,
    gpuSeconds: customers.map(([, seconds]) => seconds),
  });
  const scaled = customers
    .map(([customerNo, seconds], i) => ({
      customerNo,
      amount: (direct[i] ?? Decimal.ZERO).minus(poolDirectCost(seconds, rate.hourlyCost)),
    }))
    .filter(({ amount }) => !amount.isZero());
  return [...scaled, ...allocateIdle(idle, policy, [use, uses.days.get(dayStart(piece.start)) ?? NO_USE, uses.span])];
}

function usesOf(records: readonly CustomerUsageRecord[]): Uses {
  const pieces = new Map<Instant, Map<number, Decimal>>();
  const days = new Map<Instant, Map<number, Decimal>>();
  const span = new Map<number, Decimal>();
  for (const record of records) {
    if (!record.gpuSeconds.isPositive()) continue;
    add(useIn(pieces, record.from), record);
    add(useIn(days, dayStart(record.from)), record);
    add(span, record);
  }
  return { pieces, days, span };
}

function useIn(uses: Map<Instant, Map<number, Decimal>>, at: Instant): Map<number, Decimal> {
  const use = uses.get(at) ?? new Map<number, Decimal>();
  uses.set(at, use);
  return use;
}

function add(use: Map<number, Decimal>, { customerNo, gpuSeconds }: CustomerUsageRecord): void {
  use.set(customerNo, (use.get(customerNo) ?? Decimal.ZERO).plus(gpuSeconds));
}

const dayStart = (at: Instant): Instant => at - positiveModulo(at, MICROS_PER_DAY);
