import fc from 'fast-check';
import { recordOfEvent } from './add-records.ts';
import { aggregate, uniqueMembers } from './aggregate.ts';
import { countEvent, emptyCount, mergeCount, quantityOfCount, type MeterCount } from './meter-count.ts';
import { parseUsageEvent } from './parse-usage-event.ts';
import type { Meter, UsageRecord } from './usage-record.ts';

const DAY = Date.parse('2026-03-01T00:00:00Z');

function event(fields: Record<string, unknown>, second = 0): UsageRecord {
  const at = new Date(DAY + second * 1_000).toISOString();
  const parsed = parseUsageEvent(
    { key: 'k', customer: 'c', type: 'llm', at, ...fields },
    { now: DAY * 1_000 + 1e12, backdatingLimit: null },
  );
  return recordOfEvent(parsed, { state: 'UNPRICED', amount: null, currency: null });
}

function meter(aggregation: Meter['aggregation'], valueProperty: string | null, more: Partial<Meter> = {}): Meter {
  return { key: 'm', eventType: '*', aggregation, valueProperty, filters: [], groupBy: [], ...more };
}

const METERS = [
  meter('SUM', 'properties.score'),
  meter('SUM', 'tokens.input', { filters: [{ property: 'user', in: ['u1', 'u2'] }] }),
  meter('COUNT', null, { filters: [{ property: 'properties.tier', in: ['gold', '1', 'true'] }] }),
  meter('MAX', 'properties.score'),
  meter('MAX', 'quantity'),
  meter('LATEST', 'properties.score'),
  meter('LATEST', 'tokens.total', { eventType: 'image' }),
  meter('UNIQUE_COUNT', 'user'),
  meter('UNIQUE_COUNT', 'properties.tier'),
];

/** Values as they come: negative, exact strings, doubles, missing, and things that are no numbers. */
const score = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom('-0.5', '2.50', '1e2', 'many', '', true, null, 0.1 + 0.2, [3], { value: 3 }),
);
const anyEvent = fc
  .record({
    type: fc.constantFrom('llm', 'image'),
    user: fc.constantFrom('u1', 'u2', 'u3', null),
    tokens: fc.record({ input: fc.nat(500), output: fc.nat(500) }),
    quantity: fc.nat(9),
    properties: fc.record({ score, tier: fc.constantFrom('gold', 'silver', 1, true, null) }, { requiredKeys: [] }),
    second: fc.nat(3),
  })
  .map(({ second, ...fields }) => event(fields, second));

function countOf(one: Meter, events: readonly UsageRecord[]): MeterCount {
  const count = emptyCount();
  for (const each of events) countEvent(one, count, each);
  return count;
}

const shown = ({ members, value, ...rest }: MeterCount): string =>
  JSON.stringify([rest, value, [...members].sort(([a], [b]) => (a < b ? -1 : 1))]);

describe('what a meter counted', () => {
  test('over any parts of the events, merged in any order, is what it counts over all of them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, fc.nat(3), fc.nat()), { maxLength: 25 }), (placed) => {
        const events = placed.map(([one]) => one);
        const shuffled = [...placed].sort((a, b) => a[2] - b[2]);
        for (const one of METERS) {
          const parts = [3, 1, 0, 2].map((part) =>
            countOf(
              one,
              shuffled.filter(([, where]) => where === part).map(([each]) => each),
            ),
          );
          const whole = emptyCount();
          for (const part of parts) mergeCount(one.aggregation, whole, part);
          expect(shown(whole)).toBe(shown(countOf(one, events)));
          expect(quantityOfCount(one.aggregation, whole).toString()).toBe(aggregate(one, [], events).toString());
          if (one.aggregation === 'UNIQUE_COUNT')
            expect([...whole.members.keys()].sort()).toEqual([...uniqueMembers(one, [], events)].sort());
        }
      }),
    );
  });

  test('of two values at one instant the greatest is the latest, whichever came first', () => {
    const [low, high] = [event({ quantity: 4 }, 2), event({ quantity: 5 }, 2)];
    const latest = meter('LATEST', 'quantity');
    expect([countOf(latest, [low, high]), countOf(latest, [high, low])].map(({ value }) => String(value))).toEqual(['5', '5']);
  });

  test('a greatest value below zero is kept, and no value is not zero', () => {
    const max = meter('MAX', 'properties.score');
    expect(String(countOf(max, [event({ properties: { score: -7 } }), event({}), event({ properties: { score: 'x' } })]).value)).toBe('-7');
    expect(countOf(max, [event({})])).toMatchObject({ events: 1, value: null });
  });

  test('a count that an event does not name is 0, and the latest: only a free property can be missing', () => {
    const events = [event({ quantity: 4, properties: { score: 4 } }, 1), event({}, 2)];
    const latestOf = (property: string): string => String(countOf(meter('LATEST', property), events).value);
    expect([latestOf('quantity'), latestOf('tokens.total'), latestOf('properties.score')]).toEqual(['0', '0', '4']);
  });

  test('1.1 numbers of which nobody knows what was written count by their shortest form, and are told', () => {
    const sum = meter('SUM', 'properties.score');
    const scores = [0.1 + 0.2, 2 ** 53 + 2, 0.3, 12, '0.30000000000000004', 1e21];
    const count = countOf(
      sum,
      scores.map((each) => event({ properties: { score: each } })),
    );
    expect(count.inexact).toBe(3);
    expect(String(countOf(sum, [event({ properties: { score: 0.1 + 0.2 } })]).value)).toBe('0.30000000000000004');
    expect(countOf(meter('COUNT', null), [event({ properties: { score: 0.1 + 0.2 } })]).inexact).toBe(0);
  });

  test('members remember how many events name them, so that one event can be taken back', () => {
    const users = meter('UNIQUE_COUNT', 'user');
    const count = countOf(users, [event({ user: 'a' }), event({ user: 'a' }), event({ user: 'b' }), event({})]);
    expect([...count.members]).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(count.events).toBe(4);
  });
});
