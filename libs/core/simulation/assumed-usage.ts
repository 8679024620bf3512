import { Decimal } from '../money/index.ts';
import { TOKEN_POOLS, addRecords, hasAnyTokens, negateRecord } from '../usage/index.ts';
import type { TokenPools, UsageRecord } from '../usage/index.ts';
import type { Assumptions, ModelRoute } from './assumptions.ts';

/** What usage costs at the prices of the cost book, or null where there is no price for it. */
export type ListCost = (record: UsageRecord) => { readonly amount: Decimal; readonly currency: string } | null;

const DECIMALS = 12;
const BATCH_TIER = 'batch';

/**
 * Usage as it would be in a scenario (SEMANTICS 11.3): more or less of it, models routed, read from cache, sent as a batch, then dearer or cheaper. What
 * runs on other prices is priced again from the cost book; what has no price there has an unknown cost, never the old one.
 */
export function assumedUsage(records: readonly UsageRecord[], assumptions: Assumptions, listCost: ListCost): UsageRecord[] {
  return records
    .map((record) => scaled(record, assumptions.usageMultiplier))
    .flatMap((record) => routed(record, assumptions.modelRoutes, listCost))
    .map((record) => cached(record, assumptions.cacheRate, listCost))
    .flatMap((record) => batched(record, assumptions.batchShare, listCost))
    .map((record) => dearer(record, assumptions.costMultiplier));
}

/** A share of everything that adds up. */
function scaled(record: UsageRecord, factor: Decimal): UsageRecord {
  if (factor.equals(Decimal.ONE)) return record;
  const times = (value: Decimal): Decimal => value.times(factor).roundedTo(DECIMALS);
  return {
    ...record,
    events: times(record.events),
    tokens: Object.fromEntries(TOKEN_POOLS.map((pool) => [pool, times(record.tokens[pool])])) as unknown as TokenPools,
    quantity: times(record.quantity),
    gpuSeconds: times(record.gpuSeconds),
    cost: record.cost.times(factor),
    restatedCost: record.restatedCost.times(factor),
  };
}

/** Splits off a share; the two add up to the record. */
function split(record: UsageRecord, share: Decimal): { moved: UsageRecord; rest: UsageRecord } {
  const moved = scaled(record, share);
  return { moved, rest: { ...record, ...addRecords(record, negateRecord(moved)) } };
}

/** Shares of several routes of one model are of its original traffic. */
function routed(record: UsageRecord, routes: readonly ModelRoute[], listCost: ListCost): UsageRecord[] {
  const own = routes.filter(({ provider, model, share }) => record.provider === provider && record.model === model && share.isPositive());
  if (own.length === 0) return [record];
  let rest = record;
  const moved = own.map(({ toProvider, toModel, share }) => {
    const part = scaled(record, share);
    rest = { ...rest, ...addRecords(rest, negateRecord(part)) };
    const target = { ...part, provider: toProvider, model: toModel, pool: null };
    return atPrice(target, listCost(target));
  });
  return rest.events.isZero() ? moved : [...moved, rest];
}

function cached(record: UsageRecord, cacheRate: Decimal | null, listCost: ListCost): UsageRecord {
  const input = record.tokens.uncachedInput.plus(record.tokens.cacheRead);
  if (cacheRate === null || input.isZero()) return record;
  const cacheRead = input.times(cacheRate).roundedTo(DECIMALS);
  const changed = { ...record, tokens: { ...record.tokens, cacheRead, uncachedInput: input.minus(cacheRead) } };
  return changedPrice(record, changed, listCost);
}

function batched(record: UsageRecord, batchShare: Decimal | null, listCost: ListCost): UsageRecord[] {
  const canMove = hasAnyTokens(record.tokens) && record.pool === null && record.serviceTier !== BATCH_TIER;
  if (batchShare === null || !batchShare.isPositive() || !canMove) return [record];
  const { moved, rest } = split(record, batchShare);
  const batch = changedPrice(moved, { ...moved, serviceTier: BATCH_TIER }, listCost);
  return batchShare.compare(Decimal.ONE) < 0 ? [batch, rest] : [batch];
}

function dearer(record: UsageRecord, factor: Decimal): UsageRecord {
  if (factor.equals(Decimal.ONE)) return record;
  return { ...record, cost: record.cost.times(factor), restatedCost: record.restatedCost.times(factor) };
}

/** What was really paid, by the ratio of the two list prices: surcharges and agreed discounts stay what they were. */
function changedPrice(before: UsageRecord, after: UsageRecord, listCost: ListCost): UsageRecord {
  const [old, list] = [listCost(before), listCost(after)];
  if (list === null) return atPrice(after, null);
  const isComparable = old !== null && old.amount.isPositive() && old.currency === list.currency && before.costCurrency === list.currency;
  if (!isComparable || !isKnown(before)) return atPrice(after, list);
  const changed = (cost: Decimal): Decimal => cost.times(list.amount).dividedBy(old.amount, 18);
  return { ...after, cost: changed(before.cost), restatedCost: changed(before.restatedCost) };
}

function atPrice(record: UsageRecord, list: ReturnType<ListCost>): UsageRecord {
  if (record.costState === 'NOT_COST_BEARING') return record;
  if (list === null) return { ...record, costState: 'UNPRICED', costCurrency: null, cost: Decimal.ZERO, restatedCost: Decimal.ZERO };
  return { ...record, costState: 'PRICED', costCurrency: list.currency, cost: list.amount, restatedCost: list.amount };
}

function isKnown({ costState }: UsageRecord): boolean {
  return costState === 'PRICED' || costState === 'REPORTED';
}
