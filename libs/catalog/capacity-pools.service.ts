import { Injectable } from '@nestjs/common';
import { CodedError, PRICE_PRECISION, QUANTITY_PRECISION, currencyOf, hourlyCostOf, requirePrecision, requiredText } from '@tare/core';
import type { Decimal, Instant, PoolCostInput } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { PoolStore, type CapacityPool, type Deployment, type IdlePolicy } from './capacity-pool.store.ts';
import { CostRateStore } from './cost-rate.store.ts';

/** CapacityPoolInput of the contract. */
export interface CapacityPoolInput extends PoolCostInput {
  readonly key: string;
  readonly name: string;
  readonly deployment: Deployment;
  readonly currency: string;
  readonly validFrom: Instant;
  readonly gpus: number;
  readonly tokensPerSecond?: Decimal | null | undefined;
  readonly idlePolicy: IdlePolicy;
}

/** A pool with what it costs from a time on. */
export interface CapacityPoolView extends CapacityPool {
  /** Of one GPU, from `validFrom` on. */
  readonly hourlyCost: Decimal;
}

const COST_FIELDS = [
  'hourlyCost',
  'capital',
  'lifetimeHours',
  'salvage',
  'powerKw',
  'pue',
  'electricityPerKwh',
  'operationsPerHour',
] as const;
const MOST_GPUS = 1_000_000;

/** Self-hosted capacity and its dated cost (SEMANTICS 9.4). */
@Injectable()
export class CapacityPoolsService {
  constructor(
    private readonly database: Database,
    private readonly pools: PoolStore,
    private readonly rates: CostRateStore,
  ) {}

  /**
   * Makes a pool with its cost from `validFrom` on; with the key of an existing pool, adds a dated cost to it. What the pool is (name, deployment, currency,
   * idle policy) has to be the same then. Asks in the same transaction for its events to be costed again.
   * @throws CodedError ALREADY_EXISTS | UNKNOWN_CURRENCY | INVALID_COUNT | POOL_COST_MISSING | NEGATIVE_NUMBER | TOO_PRECISE | NOT_AVAILABLE for idle cost
   * by reservation: a pool is never deleted, and one that nothing can spread would stand in the way of every report
   */
  async create(tenantId: string, input: CapacityPoolInput): Promise<CapacityPoolView> {
    const pool = poolOfInput(input);
    const cost = costOfInput(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const kept = (await this.pools.insert(tx, pool)) ?? (await this.requireSame(tx, pool));
      await this.pools.insertRate(tx, { poolId: kept.id, validFrom: input.validFrom, ...cost });
      await this.rates.requestCosting(tx, { provider: null, model: null, pool: kept.key, validFrom: input.validFrom, validTo: null });
      return { ...kept, hourlyCost: cost.hourlyCost };
    });
  }

  private async requireSame(tx: TenantTransaction, pool: Omit<CapacityPool, 'id'>): Promise<CapacityPool> {
    const existing = await this.pools.byKey(tx, pool.key);
    const changed = (['name', 'deployment', 'currency', 'idlePolicy'] as const).find((field) => existing?.[field] !== pool[field]);
    if (existing !== null && changed === undefined) return existing;
    throw new CodedError('ALREADY_EXISTS', `There is another pool with the key "${pool.key}"; only its cost can be dated anew.`, changed);
  }
}

function poolOfInput(input: CapacityPoolInput): Omit<CapacityPool, 'id'> {
  return {
    key: requiredText(input.key, 'key'),
    name: requiredText(input.name, 'name'),
    deployment: input.deployment,
    currency: currencyOf(input.currency, 'currency').code,
    idlePolicy: availablePolicy(input.idlePolicy),
  };
}

function availablePolicy(policy: IdlePolicy): IdlePolicy {
  if (policy !== 'BY_RESERVATION') return policy;
  throw new CodedError(
    'NOT_AVAILABLE',
    'Idle cost cannot be spread by reservation yet: choose NONE, BY_USE or EVENLY as the idle policy.',
    'idlePolicy',
  );
}

function costOfInput(input: CapacityPoolInput): {
  gpus: number;
  hourlyCost: Decimal;
  tokensPerSecond: Decimal | null;
  basis: Record<string, string | null>;
} {
  if (!Number.isInteger(input.gpus) || input.gpus < 1 || input.gpus > MOST_GPUS) {
    throw new CodedError('INVALID_COUNT', `A pool has 1 to ${MOST_GPUS} GPUs.`, 'gpus');
  }
  for (const field of COST_FIELDS) {
    const value = input[field];
    if (value) requirePrecision(value, PRICE_PRECISION, field);
  }
  return {
    gpus: input.gpus,
    hourlyCost: hourlyCostOf(input),
    tokensPerSecond: tokensPerSecondOf(input),
    basis: Object.fromEntries(COST_FIELDS.map((field) => [field, input[field]?.toString() ?? null])),
  };
}

function tokensPerSecondOf({ tokensPerSecond }: CapacityPoolInput): Decimal | null {
  if (!tokensPerSecond) return null;
  if (!tokensPerSecond.isPositive())
    throw new CodedError('NEGATIVE_NUMBER', 'A pool makes more than no tokens a second.', 'tokensPerSecond');
  return requirePrecision(tokensPerSecond, QUANTITY_PRECISION, 'tokensPerSecond');
}
