import { CodedError } from '../coded-error.ts';
import { Decimal, splitByLargestRemainder } from '../money/index.ts';

/** What a capacity pool costs at some time. */
export interface PoolRate {
  readonly id: string;
  /** Of one GPU. */
  readonly hourlyCost: Decimal;
  readonly currency: string;
  /** Nominal, of one GPU; null where the pool can only be charged by GPU-seconds. */
  readonly tokensPerSecond: Decimal | null;
}

/** The contract's CapacityPoolInput, as far as it is about money. */
export interface PoolCostInput {
  readonly hourlyCost?: Decimal | null;
  readonly capital?: Decimal | null;
  readonly lifetimeHours?: Decimal | null;
  readonly salvage?: Decimal | null;
  readonly powerKw?: Decimal | null;
  readonly pue?: Decimal | null;
  readonly electricityPerKwh?: Decimal | null;
  readonly operationsPerHour?: Decimal | null;
}

/** Decimals of a cost that no exact decimal can hold, such as a third. */
export const QUOTIENT_DECIMALS = 18;

const SECONDS_PER_HOUR = Decimal.of(3_600);
const TOKENS_PER_MILLION = Decimal.of(1_000_000);
/** What dividing by 3,600 = 2^4 x 3^2 x 5^2 can add to the decimals of a quotient that ends. */
const DECIMALS_OF_3600 = 4;

/**
 * What one GPU costs an hour: the rent where it is given, else (capital - salvage) / lifetime + power x PUE x tariff + operations (SEMANTICS 9.4), with
 * a PUE of 1 where none is given. A quotient that does not end is rounded once, at 18 decimals: this is an estimate's input, not a fee.
 * @throws CodedError POOL_COST_MISSING | NEGATIVE_NUMBER
 */
export function hourlyCostOf(input: PoolCostInput): Decimal {
  requireNotNegative(input);
  if (input.hourlyCost) return input.hourlyCost;
  const hasAny = Boolean(input.capital ?? input.powerKw ?? input.operationsPerHour);
  if (!hasAny) throw new CodedError('POOL_COST_MISSING', 'Give the hourly cost, or what it is computed from.', 'hourlyCost');
  return depreciationOf(input)
    .plus(powerCostOf(input))
    .plus(input.operationsPerHour ?? Decimal.ZERO);
}

function depreciationOf({ capital, lifetimeHours, salvage }: PoolCostInput): Decimal {
  if (!capital) return Decimal.ZERO;
  if (!lifetimeHours?.isPositive())
    throw new CodedError('POOL_COST_MISSING', 'Capital is written off over a lifetime above 0.', 'lifetimeHours');
  const writtenOff = capital.minus(salvage ?? Decimal.ZERO);
  if (writtenOff.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'The salvage value cannot exceed the capital.', 'salvage');
  return writtenOff.dividedBy(lifetimeHours, QUOTIENT_DECIMALS);
}

function powerCostOf({ powerKw, pue, electricityPerKwh }: PoolCostInput): Decimal {
  if (!powerKw) return Decimal.ZERO;
  if (!electricityPerKwh) throw new CodedError('POOL_COST_MISSING', 'Power needs a price per kWh.', 'electricityPerKwh');
  return powerKw.times(pue ?? Decimal.ONE).times(electricityPerKwh);
}

function requireNotNegative(input: PoolCostInput): void {
  for (const [field, value] of Object.entries(input) as [string, unknown][]) {
    if (value instanceof Decimal && value.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'The number cannot be negative.', field);
  }
}

/**
 * What busy GPU-seconds cost at full utilisation (SEMANTICS 9.4): seconds x hourly cost / 3600, exact where the quotient ends, else rounded once at 18
 * decimals.
 */
export function poolDirectCost(gpuSeconds: Decimal, hourlyCost: Decimal): Decimal {
  const product = gpuSeconds.times(hourlyCost);
  const quotient = product.dividedBy(SECONDS_PER_HOUR, product.decimals + DECIMALS_OF_3600);
  return quotient.times(SECONDS_PER_HOUR).equals(product) ? quotient : product.dividedBy(SECONDS_PER_HOUR, QUOTIENT_DECIMALS);
}

/**
 * Information only (SEMANTICS 9.4): hourly cost x 1e6 / (tokens per second x 3600 x utilisation), at 18 decimals; null for a pool that makes no tokens.
 * @param utilisation share of the time that the pool is busy, 0 to 1
 */
export function costPerMillion(hourlyCost: Decimal, tokensPerSecond: Decimal, utilisation: Decimal = Decimal.ONE): Decimal | null {
  const tokensPerHour = tokensPerSecond.times(SECONDS_PER_HOUR).times(utilisation);
  return tokensPerHour.isZero() ? null : hourlyCost.times(TOKENS_PER_MILLION).dividedBy(tokensPerHour, QUOTIENT_DECIMALS);
}

export interface PoolHour {
  readonly gpus: number;
  /** Of one GPU. */
  readonly hourlyCost: Decimal;
  /** Busy GPU-seconds of each use in the hour; of token-charged uses, their weighted tokens / nominal tokens per second. */
  readonly gpuSeconds: readonly Decimal[];
  /** What the piece cost that is closed, where it is not a whole hour; none: gpus x hourly cost. */
  readonly charge?: Decimal;
}

export interface ClosedPoolHour {
  /** What the hour cost, used or not: gpus x hourly cost. */
  readonly charge: Decimal;
  /** Direct cost of each use, in the order given. */
  readonly direct: readonly Decimal[];
  /** `charge - direct`, never below 0. */
  readonly idle: Decimal;
}

/**
 * Closes a pool's hour (SEMANTICS 9.4). Uses cost what their seconds cost at full utilisation; measured seconds above the capacity are scaled to it, by
 * largest remainder at 12 decimals, so that direct and idle cost always add up to the hour's charge.
 */
export function closePoolHour({ gpus, hourlyCost, gpuSeconds, ...hour }: PoolHour): ClosedPoolHour {
  const charge = hour.charge ?? hourlyCost.times(Decimal.of(gpus));
  const measured = gpuSeconds.map((seconds) => poolDirectCost(seconds, hourlyCost));
  const isAboveCapacity = Decimal.sum(measured).compare(charge) > 0;
  const direct = isAboveCapacity ? splitByLargestRemainder(charge, gpuSeconds, Decimal.fromUnits(1n, 12)) : measured;
  return { charge, direct, idle: charge.minus(Decimal.sum(direct)) };
}
