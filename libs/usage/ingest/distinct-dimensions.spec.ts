import { parseUsageEvent, type EventCost, type UsageEvent } from '@tare/core';
import { DistinctDimensions, dimensionsText } from './distinct-dimensions.ts';

const PRICED: EventCost = { state: 'PRICED', amount: null, currency: 'USD', rateId: null, source: 'CATALOGUE' };
const event = (fields: object): UsageEvent =>
  parseUsageEvent(
    { key: 'k', customer: 'acme', type: 't', at: '2026-03-20T10:00:00Z', ...fields },
    { now: Infinity, backdatingLimit: null },
  );

test('events that say the same of what was used share a set; each dimension and what the cost says keeps them apart', () => {
  const distinct = new DistinctDimensions();
  const base = { provider: 'openai', model: 'gpt-4o' };
  const others = [
    {},
    { type: 'u' },
    { provider: 'azure' },
    { model: 'o3' },
    { serviceTier: 'batch' },
    { region: 'eu' },
    { pool: 'p' },
    { feature: 'chat' },
    { outcome: 'FAILED' },
    { subscription: 's' },
  ];
  const positions = others.map((other) => distinct.positionOf(event({ ...base, ...other }), PRICED));
  expect(positions).toEqual(others.map((_, i) => i));
  expect(others.map((other) => distinct.positionOf(event({ ...base, ...other, key: 'again', user: 'x' }), PRICED))).toEqual(positions);
  expect(distinct.positionOf(event(base), { ...PRICED, state: 'UNPRICED' })).toBe(10);
  expect(distinct.positionOf(event(base), { ...PRICED, currency: 'EUR' })).toBe(11);
  expect(new Set(distinct.sets.map(dimensionsText)).size).toBe(12);
});

test('a model with any number of features has each set once', () => {
  const distinct = new DistinctDimensions();
  const features = Array.from({ length: 100 }, (_, i) => event({ model: 'gpt-4o', feature: `f${i % 40}` }));
  const positions = features.map((one) => distinct.positionOf(one, PRICED));
  expect(positions).toEqual(features.map((_, i) => i % 40));
  expect(distinct.sets.map(({ feature }) => feature)).toEqual(Array.from({ length: 40 }, (_, i) => `f${i}`));
});
