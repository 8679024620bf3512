import { parsePlan } from '../pricing/index.ts';
import type { PlanInput } from '../pricing/index.ts';
import { parseInstant } from '../time/index.ts';
import type { Meter } from '../usage/index.ts';
import type { Segment } from './segment.ts';

/** Meters that specs of the core use. */
export const SAMPLE_METERS: ReadonlyMap<string, Meter> = new Map(
  (
    [
      ['calls', 'llm.completion', 'COUNT', null],
      ['tokens', 'llm.completion', 'SUM', 'tokens.total'],
      ['units', '*', 'SUM', 'quantity'],
      ['users', '*', 'UNIQUE_COUNT', 'user'],
      ['images', 'image', 'COUNT', null],
    ] as const
  ).map(([key, eventType, aggregation, valueProperty]) => [key, { key, eventType, aggregation, valueProperty, filters: [], groupBy: [] }]),
);

/** A subscription from 2026-01-01 on a monthly plan; everything may be told otherwise. */
export function sampleSegment(plan: Partial<PlanInput>, more: Partial<Segment> = {}): Segment {
  const start = more.start ?? parseInstant('2026-01-01T00:00:00Z');
  const input: PlanInput = { key: 'plan', name: 'Plan', kind: 'SUBSCRIPTION', currency: 'USD', interval: 'MONTH', prices: [], ...plan };
  return {
    id: 'segment',
    subscriptionId: 'subscription',
    planVersionId: 'version',
    planKey: input.key,
    planName: input.name,
    terms: parsePlan(input, SAMPLE_METERS),
    seats: 1,
    addOns: [],
    overrides: [],
    paused: false,
    creditsUnused: false,
    end: null,
    anchor: start,
    termStart: start,
    trialEnd: null,
    overlap: false,
    createdAt: start,
    timeZone: 'UTC',
    ...more,
    start,
  };
}
