import { Decimal } from '../money/index.ts';
import { NO_TOKENS, addPools } from './token-pools.ts';
import type { UsageEvent } from './usage-event.ts';
import type { CostState, UsageDimensions, UsageRecord } from './usage-record.ts';

/** What is known of an event's cost. */
export interface KnownCost {
  readonly state: CostState;
  readonly amount: Decimal | null;
  readonly currency: string | null;
}

/** A single event as a record of usage, at what it costs and, where that differs, at what is known today (SEMANTICS 9.2). */
export function recordOfEvent(event: UsageEvent, cost: KnownCost, restatedAmount: Decimal | null = cost.amount): UsageRecord {
  const amount = cost.amount ?? Decimal.ZERO;
  return {
    ...dimensionsOf({ ...event, costState: cost.state, costCurrency: cost.currency }),
    from: event.at,
    events: Decimal.ONE,
    tokens: event.tokens,
    quantity: event.quantity,
    gpuSeconds: event.gpuSeconds,
    cost: amount,
    restatedCost: restatedAmount ?? Decimal.ZERO,
    user: event.user,
    traceId: event.traceId,
    properties: event.properties,
  };
}

/** The sum of two records with the same dimensions. What only single events know (user, trace, properties) is not in it. */
export function addRecords(a: UsageRecord, b: UsageRecord): UsageRecord {
  return {
    ...dimensionsOf(a),
    from: Math.min(a.from, b.from),
    events: a.events.plus(b.events),
    tokens: addPools(a.tokens, b.tokens),
    quantity: a.quantity.plus(b.quantity),
    gpuSeconds: a.gpuSeconds.plus(b.gpuSeconds),
    cost: a.cost.plus(b.cost),
    restatedCost: a.restatedCost.plus(b.restatedCost),
  };
}

/** What takes a record back: the two add up to nothing. */
export function negateRecord(record: UsageRecord): UsageRecord {
  return {
    ...record,
    events: record.events.negated(),
    tokens: {
      uncachedInput: record.tokens.uncachedInput.negated(),
      cacheRead: record.tokens.cacheRead.negated(),
      cacheWrite5m: record.tokens.cacheWrite5m.negated(),
      cacheWrite1h: record.tokens.cacheWrite1h.negated(),
      inputAudio: record.tokens.inputAudio.negated(),
      plainOutput: record.tokens.plainOutput.negated(),
      reasoning: record.tokens.reasoning.negated(),
      outputAudio: record.tokens.outputAudio.negated(),
    },
    quantity: record.quantity.negated(),
    gpuSeconds: record.gpuSeconds.negated(),
    cost: record.cost.negated(),
    restatedCost: record.restatedCost.negated(),
  };
}

/** One record per set of dimensions, in the order of their keys: the same result for any order of input. */
export function sumRecords(records: Iterable<UsageRecord>): UsageRecord[] {
  const sums = new Map<string, UsageRecord>();
  for (const record of records) {
    const key = dimensionsKey(record);
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? addRecords(record, nothingLike(record)) : addRecords(sum, record));
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

/** A text that two records share exactly when they have the same dimensions. */
export function dimensionsKey(record: UsageDimensions): string {
  return JSON.stringify(Object.values(dimensionsOf(record)));
}

function dimensionsOf(record: UsageDimensions): UsageDimensions {
  return {
    type: record.type,
    provider: record.provider,
    model: record.model,
    serviceTier: record.serviceTier,
    region: record.region,
    pool: record.pool,
    feature: record.feature,
    outcome: record.outcome,
    subscription: record.subscription,
    costState: record.costState,
    costCurrency: record.costCurrency,
  };
}

function nothingLike(record: UsageRecord): UsageRecord {
  const zero = Decimal.ZERO;
  return { ...record, events: zero, tokens: NO_TOKENS, quantity: zero, gpuSeconds: zero, cost: zero, restatedCost: zero };
}
