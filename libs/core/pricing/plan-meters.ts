import { CodedError } from '../coded-error.ts';
import type { PlanMeter } from './plan-input.ts';

/** The tenant's meters by key. */
export type PlanMeters = ReadonlyMap<string, PlanMeter>;

/** @throws CodedError UNKNOWN_METER */
export function requireMeter(key: string, meters: PlanMeters, path: string): PlanMeter {
  const meter = meters.get(key);
  if (meter === undefined) throw new CodedError('UNKNOWN_METER', 'There is no meter with this key: create it first.', path);
  return meter;
}
