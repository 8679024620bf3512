import { CodedError } from '../coded-error.ts';
import type { PlanInput } from './plan-input.ts';

/**
 * Fields that are read and kept, and that no bill follows yet. A plan that uses one is refused, so that no bill is made that ignores it.
 * Whoever builds the behaviour of a field takes its entry away.
 */
const PLAN_FIELDS: readonly (keyof PlanInput)[] = ['creditRollover', 'creditRolloverMaximum', 'creditRolloverPeriods'];

/** @throws CodedError NOT_AVAILABLE */
export function refuseUnavailable(input: PlanInput): void {
  const refuse = (field: string, path: string): never => {
    throw new CodedError('NOT_AVAILABLE', `${field} is not available yet.`, path);
  };
  for (const field of PLAN_FIELDS) if (isUsed(input[field])) refuse(field, field);
}

/** One interval is what everything has anyway. */
function isUsed(value: unknown): boolean {
  return value !== null && value !== undefined && value !== false && value !== 1 && !(Array.isArray(value) && value.length === 0);
}
