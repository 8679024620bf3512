import { CodedError } from '../coded-error.ts';
import type { Instant } from '../time/index.ts';
import type { MeterFilter, TokenPool } from '../usage/index.ts';
import type { PlanMeter } from './plan-input.ts';

const INPUT_POOLS: readonly TokenPool[] = ['uncachedInput', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'inputAudio'];
const OUTPUT_POOLS: readonly TokenPool[] = ['plainOutput', 'reasoning', 'outputAudio'];

/** Some use of a meter by a plan: a price or a burn rate. */
export interface MeterUse {
  readonly meter: PlanMeter;
  readonly match: readonly MeterFilter[];
  /** A price's own property where it has one, else the meter's. */
  readonly valueProperty: string | null;
  /** The time that it is for; null: open on that side. */
  readonly validFrom?: Instant | null;
  readonly validUntil?: Instant | null;
  /** Where it stands in the request: `prices[1]`. */
  readonly path: string;
}

/**
 * Refuses a plan that charges for one token twice: an inclusive meter beside one of its parts, or one meter twice, with filters that some usage passes
 * both of (SEMANTICS 4.8). Prices that are never valid together count nothing twice. The path is that of the later use. @throws CodedError OVERLAPPING_METERS
 */
export function refuseOverlap(uses: readonly MeterUse[]): void {
  for (const [index, use] of uses.entries()) {
    const other = uses.slice(0, index).find((earlier) => countSameThing(earlier, use));
    if (other === undefined) continue;
    throw new CodedError(
      'OVERLAPPING_METERS',
      `It counts what ${other.path} counts already (meter ${other.meter.key}). Tell them apart with match, or set allowOverlap.`,
      `${use.path}.meter`,
    );
  }
}

/** Whether there is a time at which both hold. */
export function shareTime(a: Pick<MeterUse, 'validFrom' | 'validUntil'>, b: Pick<MeterUse, 'validFrom' | 'validUntil'>): boolean {
  const start = Math.max(a.validFrom ?? -Infinity, b.validFrom ?? -Infinity);
  return start < Math.min(a.validUntil ?? Infinity, b.validUntil ?? Infinity);
}

/** Whether some usage could pass both: event types meet, and no property is asked for with values that have nothing in common. */
export function mayMeet(
  a: { readonly eventType: string; readonly filters: readonly MeterFilter[] },
  b: { readonly eventType: string; readonly filters: readonly MeterFilter[] },
): boolean {
  const sameType = a.eventType === '*' || b.eventType === '*' || a.eventType === b.eventType;
  return sameType && !a.filters.some((one) => b.filters.some((two) => one.property === two.property && areDisjoint(one.in, two.in)));
}

/** Token pools that a value property reads; none for what is not tokens (SEMANTICS 4.8). */
export function poolsRead(valueProperty: string | null): readonly string[] {
  if (valueProperty === 'tokens.total') return [...INPUT_POOLS, ...OUTPUT_POOLS];
  if (valueProperty === 'tokens.input') return INPUT_POOLS;
  if (valueProperty === 'tokens.output') return OUTPUT_POOLS;
  return valueProperty?.startsWith('tokens.') === true ? [valueProperty.slice('tokens.'.length)] : [];
}

function countSameThing(a: MeterUse, b: MeterUse): boolean {
  const isSame = a.meter.key === b.meter.key || shareTokens(a, b);
  return isSame && shareTime(a, b) && mayMeet(reach(a), reach(b));
}

function shareTokens(a: MeterUse, b: MeterUse): boolean {
  const pools = poolsRead(a.meter.aggregation === 'COUNT' ? null : a.valueProperty);
  return poolsRead(b.meter.aggregation === 'COUNT' ? null : b.valueProperty).some((pool) => pools.includes(pool));
}

function reach(use: MeterUse): { eventType: string; filters: MeterFilter[] } {
  return { eventType: use.meter.eventType, filters: [...use.meter.filters, ...use.match] };
}

function areDisjoint(a: readonly string[], b: readonly string[]): boolean {
  return !a.some((value) => b.includes(value));
}
