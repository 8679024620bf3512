import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { addRecords, negateRecord, recordOfEvent, sumRecords } from './add-records.ts';
import { aggregate, meterMatches, needsEvents, uniqueMembers } from './aggregate.ts';
import { parseUsageEvent } from './parse-usage-event.ts';
import { filterMatches, recordText, recordValue } from './record-property.ts';
import { poolsOfProperty } from './token-pools.ts';
import type { Aggregation, Meter, UsageRecord } from './usage-record.ts';
import { validateMeter } from './validate-meter.ts';

const DAY = Date.parse('2026-03-01T00:00:00Z');

function record(fields: Record<string, unknown> = {}, second = 0): UsageRecord {
  const at = new Date(DAY + second * 1_000).toISOString();
  const event = parseUsageEvent(
    { key: 'k', customer: 'c', type: 'llm', at, ...fields },
    { now: DAY * 1_000 + 1e12, backdatingLimit: null },
  );
  return recordOfEvent(event, { state: 'PRICED', amount: Decimal.parse('0.001'), currency: 'USD' });
}

function meter(aggregation: Aggregation, valueProperty: string | null, more: Partial<Meter> = {}): Meter {
  return { key: 'm', eventType: '*', aggregation, valueProperty, filters: [], groupBy: [], ...more };
}

const anyRecord = fc
  .record({
    model: fc.constantFrom('a', 'b', null),
    type: fc.constantFrom('llm', 'image'),
    input: fc.nat(1_000),
    cached: fc.nat(1_000),
    quantity: fc.nat(50).map((units) => `${units}e-1`),
    user: fc.constantFrom('u1', 'u2', 'u3', null),
    second: fc.nat(5),
    score: fc.option(fc.integer({ min: -5, max: 5 })),
  })
  .map(({ model, type, input, cached, quantity, user, second, score }) =>
    record({ model, type, tokens: { input: input + cached, cacheRead: cached }, quantity, user, properties: { score } }, second),
  );
const manyRecords = fc.array(anyRecord, { maxLength: 20 });
const METERS = [
  meter('SUM', 'tokens.total'),
  meter('SUM', 'quantity', { eventType: 'llm' }),
  meter('COUNT', null, { filters: [{ property: 'model', in: ['a'] }] }),
  meter('MAX', 'tokens.input'),
  meter('MAX', 'properties.score'),
  meter('LATEST', 'properties.score'),
  meter('LATEST', 'quantity'),
  meter('UNIQUE_COUNT', 'user'),
];

describe('a meter', () => {
  test('counts the same in whatever order usage comes', () => {
    fc.assert(
      fc.property(manyRecords, fc.infiniteStream(fc.nat()), (records, random) => {
        const keyed = records.map((one) => ({ one, at: random.next().value ?? 0 }));
        const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ one }) => one);
        for (const one of METERS) expect(aggregate(one, [], shuffled).toString()).toBe(aggregate(one, [], records).toString());
      }),
    );
  });

  test('sums and counts the same over buckets as over events', () => {
    fc.assert(
      fc.property(manyRecords, (records) => {
        const buckets = sumRecords(records);
        for (const one of METERS.filter((candidate) => !needsEvents(candidate))) {
          expect(aggregate(one, [], buckets).toString()).toBe(aggregate(one, [], records).toString());
        }
      }),
    );
  });

  test('4.7 gives for a sum of parts the sum of what the parts give', () => {
    fc.assert(
      fc.property(manyRecords, manyRecords, (a, b) => {
        for (const one of METERS.filter(({ aggregation }) => aggregation === 'SUM' || aggregation === 'COUNT')) {
          const parts = aggregate(one, [], a).plus(aggregate(one, [], b));
          expect(aggregate(one, [], [...a, ...b]).equals(parts)).toBe(true);
        }
      }),
    );
  });

  test('is not moved by seeing a user, a greatest or a latest value twice', () => {
    fc.assert(
      fc.property(manyRecords, (records) => {
        for (const one of METERS.filter(({ aggregation }) => ['MAX', 'LATEST', 'UNIQUE_COUNT'].includes(aggregation))) {
          expect(aggregate(one, [], [...records, ...records]).toString()).toBe(aggregate(one, [], records).toString());
        }
      }),
    );
  });

  test('3.5 usage that is taken back leaves nothing in any sum', () => {
    fc.assert(
      fc.property(manyRecords, anyRecord, (records, voided) => {
        for (const one of METERS.filter(({ aggregation }) => aggregation === 'SUM' || aggregation === 'COUNT')) {
          const corrected = [...records, voided, negateRecord(voided)];
          expect(aggregate(one, [], corrected).equals(aggregate(one, [], records))).toBe(true);
        }
      }),
    );
  });

  test('4.8 reads inclusive totals or exclusive pools', () => {
    const usage = record({
      tokens: {
        input: 1000,
        cacheRead: 300,
        cacheWrite5m: 50,
        cacheWrite1h: 60,
        inputAudio: 70,
        output: 200,
        reasoning: 80,
        outputAudio: 20,
      },
      quantity: 7,
      gpuSeconds: '1.5',
    });
    const values = [
      'tokens.total',
      'tokens.input',
      'tokens.output',
      'tokens.uncachedInput',
      'tokens.cacheRead',
      'tokens.plainOutput',
      'quantity',
      'gpuSeconds',
      'requests',
    ];
    expect(values.map((property) => recordValue(property, usage).toString())).toEqual([
      '1200',
      '1000',
      '200',
      '520',
      '300',
      '100',
      '7',
      '1.5',
      '1',
    ]);
    const pools = [
      'tokens.uncachedInput',
      'tokens.cacheRead',
      'tokens.cacheWrite5m',
      'tokens.cacheWrite1h',
      'tokens.inputAudio',
      'tokens.plainOutput',
      'tokens.reasoning',
      'tokens.outputAudio',
    ];
    expect(Decimal.sum(pools.map((pool) => recordValue(pool, usage))).toString()).toBe('1200');
    expect(poolsOfProperty('tokens.output')).toEqual(['plainOutput', 'reasoning', 'outputAudio']);
  });

  test('keeps the event type and values that it asks for', () => {
    const filtered = meter('COUNT', null, {
      eventType: 'llm',
      filters: [
        { property: 'model', in: ['a', 'b'] },
        { property: 'outcome', in: ['SUCCEEDED'] },
      ],
    });
    const kept = [{ model: 'a' }, { model: 'c' }, { model: 'b', outcome: 'FAILED' }, { model: 'a', type: 'image' }, {}];
    expect(kept.map((fields) => meterMatches(filtered, record(fields)))).toEqual([true, false, false, false, false]);
  });

  test('counts for one price only what that price matches', () => {
    const records = [record({ model: 'a', quantity: 1 }), record({ model: 'b', quantity: 2 })];
    expect(aggregate(meter('SUM', 'quantity'), [{ property: 'model', in: ['b'] }], records).toString()).toBe('2');
  });

  test('reads free properties by path, nested or with dots in their names', () => {
    const usage = record({ properties: { order: { pages: '2.50', paid: true }, 'gen_ai.request.size': 12, list: [1], toString: 1 } });
    expect(recordValue('properties.order.pages', usage).toString()).toBe('2.5');
    expect(recordValue('properties.gen_ai.request.size', usage).toString()).toBe('12');
    expect(recordValue('properties.order.missing', usage).toString()).toBe('0');
    expect(recordValue('properties.order', usage).toString()).toBe('0');
    expect(recordText('properties.order.paid', usage)).toBe('true');
    expect(recordText('properties.constructor.name', usage)).toBeNull();
    expect(filterMatches([{ property: 'properties.gen_ai.request.size', in: ['12'] }], usage)).toBe(true);
  });

  test('an event without a value is neither the greatest nor the latest', () => {
    const records = [record({ properties: { seats: -3 } }, 1), record({}, 2), record({ properties: { seats: 'many' } }, 3)];
    expect(aggregate(meter('MAX', 'properties.seats'), [], records).toString()).toBe('-3');
    expect(aggregate(meter('LATEST', 'properties.seats'), [], records).toString()).toBe('-3');
    expect(aggregate(meter('MAX', 'properties.seats'), [], []).toString()).toBe('0');
  });

  test('the latest value is the one of the latest event, and of several at once the greatest', () => {
    const records = [record({ quantity: 9 }, 1), record({ quantity: 4 }, 2), record({ quantity: 5 }, 2)];
    expect(aggregate(meter('LATEST', 'quantity'), [], records).toString()).toBe('5');
  });

  test('6.2 the members that were counted can be told, so that they are charged once', () => {
    const records = [record({ user: 'u1' }), record({ user: 'u2' }), record({ user: 'u1' }), record({})];
    expect([...uniqueMembers(meter('UNIQUE_COUNT', 'user'), [], records)].sort()).toEqual(['u1', 'u2']);
  });

  test('12 says when sums are not enough', () => {
    expect(
      [meter('SUM', 'tokens.total'), meter('COUNT', null), meter('SUM', 'quantity', { groupBy: ['model'] })].map((one) => needsEvents(one)),
    ).toEqual([false, false, false]);
    expect(METERS.slice(3).every((one) => needsEvents(one))).toBe(true);
    expect(needsEvents(meter('SUM', 'properties.pages'))).toBe(true);
    expect(needsEvents(meter('COUNT', null, { filters: [{ property: 'user', in: ['u'] }] }))).toBe(true);
    expect(needsEvents(meter('COUNT', null, { groupBy: ['traceId'] }))).toBe(true);
    expect(needsEvents(meter('SUM', 'quantity'), [{ property: 'properties.plan', in: ['x'] }])).toBe(true);
  });
});

describe('sums of records', () => {
  test('do not depend on the order in which they are added, and keep dimensions apart', () => {
    fc.assert(
      fc.property(manyRecords, (records) => {
        const forwards = JSON.stringify(sumRecords(records));
        expect(JSON.stringify(sumRecords([...records].reverse()))).toBe(forwards);
        const events = Decimal.sum(sumRecords(records).map((sum) => sum.events));
        expect(events.toString()).toBe(String(records.length));
      }),
    );
  });

  test('start at their earliest part and forget what only events know', () => {
    const sum = addRecords(record({ user: 'u', properties: { a: 1 }, quantity: 1 }, 5), record({ user: 'v', quantity: '0.5' }, 3));
    expect(sum).toMatchObject({ from: (DAY + 3_000) * 1_000 });
    expect([sum.quantity, sum.events, sum.cost].map(String)).toEqual(['1.5', '2', '0.002']);
    expect(Object.keys(sum).filter((name) => ['user', 'traceId', 'properties'].includes(name))).toEqual([]);
  });
});

describe('a new meter', () => {
  const refusals: [string, Meter, string, string][] = [
    ['a sum of nothing', meter('SUM', null), 'VALUE_PROPERTY_MISSING', 'valueProperty'],
    ['a property that does not exist', meter('SUM', 'tokens.prompt'), 'UNKNOWN_PROPERTY', 'valueProperty'],
    ['a sum of names', meter('SUM', 'user'), 'UNKNOWN_PROPERTY', 'valueProperty'],
    ['unique numbers', meter('UNIQUE_COUNT', 'quantity'), 'UNKNOWN_PROPERTY', 'valueProperty'],
    ['an empty path', meter('SUM', 'properties.'), 'UNKNOWN_PROPERTY', 'valueProperty'],
    [
      'an unknown filter',
      meter('COUNT', null, { filters: [{ property: 'colour', in: ['red'] }] }),
      'UNKNOWN_PROPERTY',
      'filters[0].property',
    ],
    ['a filter that keeps nothing', meter('COUNT', null, { filters: [{ property: 'model', in: [] }] }), 'FILTER_EMPTY', 'filters[0].in'],
    ['an unknown group', meter('COUNT', null, { groupBy: ['model', 'cost'] }), 'UNKNOWN_PROPERTY', 'groupBy[1]'],
    ['no key', meter('COUNT', null, { key: '' }), 'FIELD_MISSING', 'key'],
  ];
  test.each(refusals)('is refused for %s', (_, invalid, code, path) => {
    expect(() => validateMeter(invalid)).toThrow(expect.objectContaining({ code, path }));
  });

  test('is accepted when it can be read', () => {
    for (const one of METERS) expect(validateMeter(one)).toBe(one);
  });
});
