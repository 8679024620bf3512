import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { Instant } from '@tare/core';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

export type Deployment = 'API' | 'HYPERSCALER' | 'MARKETPLACE' | 'ON_PREMISE' | 'EDGE';
export type IdlePolicy = 'NONE' | 'BY_USE' | 'EVENLY' | 'BY_RESERVATION';

/** Self-hosted capacity. What it is never changes; what it costs is dated. */
export interface CapacityPool {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly deployment: Deployment;
  /** ISO 4217, of every rate of the pool. */
  readonly currency: string;
  /** Who bears the hours that nobody used (SEMANTICS 9.4). */
  readonly idlePolicy: IdlePolicy;
}

/** What a pool costs from `validFrom` until its next rate. Rows are only ever added. Fits `costOfEvent` as the pool of an event. */
export interface CapacityPoolRate {
  readonly id: string;
  readonly poolId: string;
  readonly poolKey: string;
  readonly validFrom: Instant;
  readonly recordedAt: Instant;
  readonly gpus: number;
  /** Of one GPU. */
  readonly hourlyCost: Decimal;
  readonly currency: string;
  /** Nominal, of one GPU; null where the pool can only be charged by GPU-seconds. */
  readonly tokensPerSecond: Decimal | null;
  readonly idlePolicy: IdlePolicy;
}

export interface NewCapacityPoolRate extends Pick<CapacityPoolRate, 'poolId' | 'validFrom' | 'gpus' | 'hourlyCost' | 'tokensPerSecond'> {
  /** What hourlyCost was computed from, for explanation. */
  readonly basis: Readonly<Record<string, string | null>>;
}

interface RateRow {
  readonly id: string;
  readonly pool_id: string;
  readonly pool_key: string;
  readonly valid_from: Instant;
  readonly recorded_at: Instant;
  readonly gpus: number;
  readonly hourly_cost: string;
  readonly currency: string;
  readonly tokens_per_second: string | null;
  readonly idle_policy: IdlePolicy;
}

const SELECT_POOL = 'SELECT id, key, name, deployment, currency, idle_policy AS "idlePolicy" FROM capacity_pool';
const SELECT_RATE = `SELECT r.id, r.pool_id, p.key AS pool_key, r.valid_from, r.recorded_at, r.gpus, r.hourly_cost, p.currency, r.tokens_per_second, p.idle_policy
  FROM capacity_pool_rate r JOIN capacity_pool p ON p.tenant_id = r.tenant_id AND p.id = r.pool_id`;
/** Of rates with one validFrom the last one recorded counts. */
const NEWEST_FIRST = 'r.valid_from DESC, r.recorded_at DESC, r.id';

/** SQL of capacity pools. */
@Injectable()
export class PoolStore {
  all(tx: TenantTransaction): Promise<CapacityPool[]> {
    return tx.query(`${SELECT_POOL} WHERE tenant_id = $1 ORDER BY created_at, id`, [tx.tenantId]);
  }

  async byKey(tx: TenantTransaction, key: string): Promise<CapacityPool | null> {
    const [pool] = await tx.query<CapacityPool & Record<string, unknown>>(`${SELECT_POOL} WHERE tenant_id = $1 AND key = $2`, [
      tx.tenantId,
      key,
    ]);
    return pool ?? null;
  }

  /** What a pool costs at a time; null for an unknown pool, or before its first rate. */
  async rateAt(tx: TenantTransaction, poolKey: string, at: Instant): Promise<CapacityPoolRate | null> {
    const [row] = await tx.query<RateRow>(
      `${SELECT_RATE} WHERE r.tenant_id = $1 AND p.key = $2 AND r.valid_from <= $3 ORDER BY ${NEWEST_FIRST} LIMIT 1`,
      [tx.tenantId, poolKey, sqlInstant(at)],
    );
    return row ? rateOfRow(row) : null;
  }

  /** The rates that count, of all pools, newest first: `poolRateAt` finds the one of a time. For work on many events. */
  async rates(tx: TenantTransaction): Promise<Map<string, CapacityPoolRate[]>> {
    const rows = await tx.query<RateRow>(`${SELECT_RATE} WHERE r.tenant_id = $1 ORDER BY p.key, ${NEWEST_FIRST}`, [tx.tenantId]);
    const byPool = new Map<string, CapacityPoolRate[]>();
    for (const rate of rows.map(rateOfRow)) {
      const rates = byPool.get(rate.poolKey) ?? [];
      if (rates.at(-1)?.validFrom !== rate.validFrom) byPool.set(rate.poolKey, [...rates, rate]);
    }
    return byPool;
  }

  /** Null when the key is taken. */
  async insert(tx: TenantTransaction, pool: Omit<CapacityPool, 'id'>): Promise<CapacityPool | null> {
    const [row] = await tx.query<{ id: string }>(
      `INSERT INTO capacity_pool (tenant_id, id, key, name, deployment, currency, idle_policy)
       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, key) DO NOTHING RETURNING id`,
      [tx.tenantId, randomUUID(), pool.key, pool.name, pool.deployment, pool.currency, pool.idlePolicy],
    );
    return row ? { ...pool, id: row.id } : null;
  }

  async insertRate(tx: TenantTransaction, rate: NewCapacityPoolRate): Promise<void> {
    await tx.query(
      `INSERT INTO capacity_pool_rate (tenant_id, id, pool_id, valid_from, recorded_at, gpus, hourly_cost, tokens_per_second, basis)
       VALUES ($1, $2, $3, $4, clock_timestamp(), $5, $6, $7, $8)`,
      [
        tx.tenantId,
        randomUUID(),
        rate.poolId,
        sqlInstant(rate.validFrom),
        rate.gpus,
        rate.hourlyCost.toString(),
        rate.tokensPerSecond?.toString() ?? null,
        JSON.stringify(rate.basis),
      ],
    );
  }
}

/** The rate of a time among a pool's rates as `PoolStore.rates` gives them; null before the first one. */
export function poolRateAt(rates: readonly CapacityPoolRate[] | undefined, at: Instant): CapacityPoolRate | null {
  return rates?.find(({ validFrom }) => validFrom <= at) ?? null;
}

function rateOfRow(row: RateRow): CapacityPoolRate {
  return {
    id: row.id,
    poolId: row.pool_id,
    poolKey: row.pool_key,
    validFrom: row.valid_from,
    recordedAt: row.recorded_at,
    gpus: row.gpus,
    hourlyCost: Decimal.parse(row.hourly_cost),
    currency: row.currency,
    tokensPerSecond: row.tokens_per_second === null ? null : Decimal.parse(row.tokens_per_second),
    idlePolicy: row.idle_policy,
  };
}
