import { CodedError, Decimal, PRICE_PRECISION, optionalAmount } from '@tare/core';
import type { NativeEvent } from '../decoded-batch.ts';

const CURRENCY = 'USD';

/** Nothing: the answer came from LiteLLM's own cache, and no provider was asked. */
export const COST_OF_CACHED_ANSWER: NativeEvent = { amount: '0', currency: CURRENCY };

export interface LitellmCost {
  /** For `reportedCost`; null where there is none that could stand there. */
  readonly reportedCost: NativeEvent | null;
  /** What LiteLLM reckoned, in full, and why it is not the event's cost although it was asked for. */
  readonly properties: NativeEvent;
}

/**
 * LiteLLM's `response_cost`, a double of dollars. Its shortest decimal is kept as a property. Only where it is asked for, it becomes the reported cost, and
 * only if it is exact (SEMANTICS 1.1, 1.2): a double with more than 15 digits carries noise of LiteLLM's sums. Then the event stands, is priced from the
 * cost book like any other, and `reportedCostLeftOut` says why. A cost of 0 is LiteLLM's word for an unknown price, and is no cost.
 */
export function litellmCost(value: unknown, isAskedFor: boolean): LitellmCost {
  const shortest = shortestDecimal(value);
  if (shortest === null) return { reportedCost: null, properties: {} };
  const properties = { responseCost: shortest };
  if (!isAskedFor) return { reportedCost: null, properties };
  const leftOut = whyInexact(value);
  if (leftOut !== null) return { reportedCost: null, properties: { ...properties, reportedCostLeftOut: leftOut } };
  return { reportedCost: { amount: shortest, currency: CURRENCY }, properties };
}

/** Null for what is no number, and for 0. */
function shortestDecimal(value: unknown): string | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value === 0) return null;
  return Decimal.parse(String(value)).toString();
}

function whyInexact(value: unknown): string | null {
  try {
    optionalAmount(value, 'response_cost', PRICE_PRECISION);
    return null;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}
