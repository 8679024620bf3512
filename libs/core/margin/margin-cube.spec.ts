import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { MICROS_PER_DAY, parseInstant } from '../time/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import type { Segment } from '../subscriptions/segment.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import { NO_TOKENS } from '../usage/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import { MARGIN_DIMENSIONS } from './margin-dimension.ts';
import type { MarginCustomer } from './margin-facts.ts';
import { decimal, sampleCustomer, sampleFee, sampleQuery, sampleUsageItem } from './margin.fixture.ts';
import { marginReport } from './margin-cube.ts';
import type { MarginReport } from './margin-cube.ts';
import type { MarginRow } from './margin-row.ts';

const JANUARY = parseInstant('2026-01-01T00:00:00Z');
const metered = sampleSegment({
  kind: 'PER_QUERY',
  prices: [
    {
      key: 'tokens',
      model: 'GRADUATED',
      meter: 'tokens',
      tiers: [
        { upTo: '1000', unitPrice: '0.003' },
        { upTo: null, unitPrice: '0.001' },
      ],
    },
  ],
});

function used(at: string, input: string, cost: string, more: Partial<UsageRecord> = {}): UsageRecord {
  return sampleUsage(at, { input, cost: decimal(cost), restatedCost: decimal(cost), ...more });
}

function rowOf(report: MarginReport, ...key: string[]): MarginRow {
  const row = report.rows.find((one) => JSON.stringify(one.key) === JSON.stringify(key));
  if (row === undefined) throw new Error(`no row ${key.join()} among ${report.rows.map((one) => one.key.join()).join('; ')}`);
  return row;
}

const text = (value: Decimal | null): string | null => value?.toString() ?? null;

test('10.1 a fee is earned in a straight line per second, and its days add up to it', () => {
  const segment = sampleSegment({});
  const customer = sampleCustomer({ revenue: [sampleFee('100', segment)] });
  const report = marginReport(sampleQuery({ groupBy: ['DAY'] }), [customer]);
  expect(report.rows).toHaveLength(31);
  expect(text(rowOf(report, '2026-01-01').revenue)).toBe('3.225806451613');
  expect(text(Decimal.sum(report.rows.map((row) => row.revenue)))).toBe('100');
  const half = marginReport(sampleQuery({ to: parseInstant('2026-01-16T12:00:00Z') }), [customer]);
  expect(text(half.total.revenue)).toBe('50');
});

test('10.4 what a group of a price earned is given to the usage of the group, and to no other', () => {
  const grouped = sampleSegment({
    prices: [
      {
        key: 'tokens',
        model: 'PER_UNIT',
        meter: 'tokens',
        unitPrice: '1',
        groupBy: 'model',
        groups: [{ in: ['big'], unitPrice: '5', minimumAmount: '40' }],
      },
    ],
  });
  const records = [used('2026-01-02T00:00:00Z', '4', '1', { model: 'big' }), used('2026-01-03T00:00:00Z', '6', '1', { model: 'small' })];
  const line = (amount: string, group: string | null): ReturnType<typeof sampleUsageItem> => {
    const item = sampleUsageItem(amount, grouped, 'tokens');
    return { ...item, spread: { ...item.spread, group } as typeof item.spread };
  };
  const report = marginReport(sampleQuery({ groupBy: ['MODEL'] }), [
    sampleCustomer({ segments: [grouped], records, revenue: [line('40', 'big'), line('6', null)] }),
  ]);
  expect(report.rows.map(({ key, revenue }) => [key[0], text(revenue)]).sort()).toEqual([
    ['(not usage)', '20'],
    ['big', '20'],
    ['small', '6'],
  ]);
});

test('10.1 a price for some time earns from the usage of its time only', () => {
  const timely = sampleSegment({
    prices: [
      { key: 'early', model: 'PER_UNIT', meter: 'tokens', unitPrice: '1', validUntil: '2026-01-10T00:00:00Z' },
      { key: 'late', model: 'PER_UNIT', meter: 'tokens', unitPrice: '2', validFrom: '2026-01-10T00:00:00Z' },
    ],
  });
  const records = [used('2026-01-02T00:00:00Z', '5', '1'), used('2026-01-20T00:00:00Z', '5', '1')];
  const revenue = [sampleUsageItem('5', timely, 'early'), sampleUsageItem('10', timely, 'late')];
  const report = marginReport(sampleQuery({ groupBy: ['DAY'] }), [sampleCustomer({ segments: [timely], records, revenue })]);
  expect([text(rowOf(report, '2026-01-02').revenue), text(rowOf(report, '2026-01-20').revenue)]).toEqual(['5', '10']);
});

test('10.1 usage is earned as the cumulative charge grows, tiers included, scaled to the line that was billed', () => {
  const records = [used('2026-01-02T00:00:00Z', '1000', '1'), used('2026-01-20T00:00:00Z', '1000', '1')];
  const customer = sampleCustomer({ segments: [metered], records, revenue: [sampleUsageItem('4', metered, 'tokens')] });
  const report = marginReport(sampleQuery({ groupBy: ['DAY'] }), [customer]);
  expect(text(rowOf(report, '2026-01-02').revenue)).toBe('3');
  expect(text(rowOf(report, '2026-01-20').revenue)).toBe('1');
  const rounded = sampleCustomer({ segments: [metered], records, revenue: [sampleUsageItem('4.01', metered, 'tokens')] });
  const scaled = marginReport(sampleQuery({ groupBy: ['DAY'] }), [rounded]);
  expect(text(rowOf(scaled, '2026-01-02').revenue)).toBe('3.0075');
  expect(text(scaled.total.revenue)).toBe('4.01');
});

test('10.1 a span inside a period earns what usage in it added to the tiers reached before', () => {
  const records = [used('2026-01-02T00:00:00Z', '1000', '1'), used('2026-01-20T00:00:00Z', '500', '1')];
  const customer = sampleCustomer({ segments: [metered], records, revenue: [sampleUsageItem('3.5', metered, 'tokens')] });
  const report = marginReport(sampleQuery({ from: parseInstant('2026-01-10T00:00:00Z') }), [customer]);
  expect(text(report.total.revenue)).toBe('0.5');
});

test('10.1 a minimum belongs to the last day of its period and to no usage', () => {
  const segment = sampleSegment({
    kind: 'SUBSCRIPTION',
    prices: [{ key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '0.01', minimumAmount: '30' }],
  });
  const records = [used('2026-01-02T00:00:00Z', '1000', '1')];
  const customer = sampleCustomer({ segments: [segment], records, revenue: [sampleUsageItem('30', segment, 'tokens')] });
  const report = marginReport(sampleQuery({ groupBy: ['DAY', 'MODEL'] }), [customer]);
  expect(text(rowOf(report, '2026-01-02', 'gpt-5').revenue)).toBe('10');
  expect(text(rowOf(report, '2026-01-31', '(not usage)').revenue)).toBe('20');
});

test('10.1 credits are earned by the usage that burns them, at their cost basis', () => {
  const segment = sampleSegment({ kind: 'CREDIT', prices: [], burnRates: [{ meter: 'tokens', creditsPerUnit: '0.01' }] });
  const record = used('2026-01-05T10:00:00Z', '1000', '0.2');
  const other = used('2026-01-05T11:00:00Z', '1000', '0.2', { model: 'small' });
  const key = JSON.stringify(['llm.completion', 'openai', 'gpt-5', null, null, null, null, 'SUCCEEDED']);
  const burn = sampleFee('0.7', segment, {
    kind: 'CREDIT_BURN',
    spread: { kind: 'BURN', at: parseInstant('2026-01-05T00:00:00Z'), dimensionKey: key },
  });
  const report = marginReport(sampleQuery({ groupBy: ['MODEL'] }), [
    sampleCustomer({ segments: [segment], records: [record, other], revenue: [burn] }),
  ]);
  expect(text(rowOf(report, 'gpt-5').revenue)).toBe('0.7');
  expect(text(rowOf(report, 'small').revenue)).toBe('0');
});

test('10.2 cost counts usage that nobody is charged for, at event time, and shared cost stands in its own column', () => {
  const records = [
    used('2026-01-03T00:00:00Z', '10', '2', { outcome: 'FAILED' }),
    used('2026-01-04T00:00:00Z', '10', '3', { type: 'internal' }),
    used('2026-02-01T00:00:00Z', '10', '5'),
  ];
  const sharedCosts = [{ at: parseInstant('2026-01-04T05:00:00Z'), pool: 'gpus', amount: decimal('7'), currency: 'USD' }];
  const report = marginReport(sampleQuery({ groupBy: ['POOL'] }), [sampleCustomer({ segments: [metered], records, sharedCosts })]);
  expect(text(report.total.cost)).toBe('5');
  expect(text(rowOf(report, 'gpus').sharedCost)).toBe('7');
  expect(text(report.total.margin)).toBe('-12');
});

test('10.3 a margin rate is null without revenue or without any known cost, and coverage below 1 is never rounded to 1', () => {
  const free = marginReport(sampleQuery(), [sampleCustomer({ records: [used('2026-01-03T00:00:00Z', '10', '2')] })]).total;
  expect([text(free.marginRate), text(free.margin), free.state]).toEqual([null, '-2', 'LOSS_MAKING']);
  expect(free.flags).toEqual(['LOSS_MAKING', 'NO_REVENUE']);
  const unpriced = { costState: 'UNPRICED', costCurrency: null } as const;
  const segment = sampleSegment({});
  const blind = sampleCustomer({ records: [used('2026-01-03T00:00:00Z', '10', '0', unpriced)], revenue: [sampleFee('10', segment)] });
  const unknown = marginReport(sampleQuery(), [blind]).total;
  expect([text(unknown.cost), text(unknown.margin), text(unknown.marginRate), unknown.state]).toEqual([null, null, null, 'COST_UNKNOWN']);
  expect([text(unknown.coverage), text(unknown.unpricedEvents)]).toEqual(['0', '1']);
  const nearly = [
    used('2026-01-03T00:00:00Z', '9999999', '1', { events: decimal('9999999') }),
    used('2026-01-03T00:00:00Z', '1', '0', unpriced),
  ];
  const almost = marginReport(sampleQuery(), [sampleCustomer({ records: nearly, revenue: [sampleFee('10', segment)] })]).total;
  expect([text(almost.coverage), text(almost.tokenCoverage), text(almost.margin), almost.state]).toEqual([
    '0.999999',
    '0.999999',
    '9',
    'PROFITABLE',
  ]);
});

test('10.3 usage that bears no cost stays out of coverage, and a customer without cost-bearing usage has a known cost of zero', () => {
  const segment = sampleSegment({});
  const outcome = used('2026-01-03T00:00:00Z', '0', '0', { costState: 'NOT_COST_BEARING', costCurrency: null });
  const row = marginReport(sampleQuery(), [sampleCustomer({ records: [outcome], revenue: [sampleFee('10', segment)] })]).total;
  expect([text(row.cost), text(row.coverage), row.state]).toEqual(['0', null, 'PROFITABLE']);
});

test('10.4 a line goes to the usage that it covers by billed quantity, fees to a row of their own, by cost only when asked', () => {
  const segment = sampleSegment({
    kind: 'SUBSCRIPTION',
    prices: [{ key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice: '0.01' }],
  });
  const records = [
    used('2026-01-02T00:00:00Z', '1000', '1', { model: 'large' }),
    used('2026-01-02T00:00:00Z', '3000', '4', { model: 'small' }),
    used('2026-01-02T00:00:00Z', '0', '5', { model: 'image', type: 'image' }),
  ];
  const customer = sampleCustomer({
    segments: [segment],
    records,
    revenue: [sampleUsageItem('40', segment, 'tokens'), sampleFee('31', segment)],
  });
  const report = marginReport(sampleQuery({ groupBy: ['MODEL'] }), [customer]);
  expect(report.rows.map((row) => [row.key[0], text(row.revenue)])).toEqual([
    ['(not usage)', '31'],
    ['small', '30'],
    ['large', '10'],
    ['image', '0'],
  ]);
  const byCost = marginReport(sampleQuery({ groupBy: ['MODEL'], feeAllocation: 'BY_COST' }), [customer]);
  expect(byCost.rows.map((row) => [row.key[0], text(row.revenue)])).toEqual([
    ['small', '42.4'],
    ['image', '15.5'],
    ['large', '13.1'],
  ]);
});

test('10.4 a cost-plus line goes by cost, not by quantity', () => {
  const segment = sampleSegment({ kind: 'PER_QUERY', prices: [{ key: 'plus', model: 'COST_PLUS', meter: 'tokens', markup: '0.5' }] });
  const records = [
    used('2026-01-02T00:00:00Z', '1000', '1', { model: 'cheap' }),
    used('2026-01-02T00:00:00Z', '1000', '3', { model: 'dear' }),
  ];
  const customer = sampleCustomer({ segments: [segment], records, revenue: [sampleUsageItem('6', segment, 'plus')] });
  const report = marginReport(sampleQuery({ groupBy: ['MODEL'] }), [customer]);
  expect([text(rowOf(report, 'dear').revenue), text(rowOf(report, 'cheap').revenue)]).toEqual(['4.5', '1.5']);
});

test('10.4 the cost of a record by kind of token follows the prices of its rate and adds up', () => {
  const tokens = { ...NO_TOKENS, uncachedInput: decimal('1000'), cacheRead: decimal('1000'), plainOutput: decimal('100') };
  const records = [used('2026-01-02T00:00:00Z', '0', '2.1', { tokens })];
  const prices = { input: decimal('10'), cacheRead: decimal('1'), output: decimal('100') };
  const rate = {
    provider: 'openai',
    model: 'gpt-5',
    currency: 'USD',
    validFrom: 0,
    validTo: null,
    serviceTier: null,
    region: null,
    prices,
    perRequest: null,
    perUnit: null,
    tiers: [],
    dailyWindow: null,
  };
  const report = marginReport(sampleQuery({ groupBy: ['TOKEN_KIND'], rateOf: () => rate }), [sampleCustomer({ records })]);
  expect(report.rows.map((row) => [row.key[0], text(row.cost)])).toEqual([
    ['input', '1'],
    ['output', '1'],
    ['cacheRead', '0.1'],
  ]);
  expect(text(Decimal.sum(report.rows.map((row) => row.events)))).toBe('1');
});

test('10.5 usage counts for the subscription that rated it, and what none rates for the oldest one or for no plan', () => {
  const old = sampleSegment({ key: 'old' }, { subscriptionId: 'old', createdAt: 1 });
  const newer = sampleSegment(
    { ...{ key: 'newer', kind: 'PER_QUERY' as const }, prices: [{ key: 't', model: 'PER_UNIT', meter: 'tokens', unitPrice: '1' }] },
    { subscriptionId: 'newer', createdAt: 2 },
  );
  const records = [used('2026-01-02T00:00:00Z', '1', '1'), used('2026-01-02T00:00:00Z', '1', '2', { type: 'other' })];
  const report = marginReport(sampleQuery({ groupBy: ['PLAN'] }), [
    sampleCustomer({ segments: [old, newer], records }),
    sampleCustomer({ key: 'stranger', name: 'stranger', segments: [], records: [used('2026-01-02T00:00:00Z', '1', '4')] }),
  ]);
  expect(report.rows.map((row) => [row.key[0], text(row.cost)])).toEqual([
    ['(no plan)', '4'],
    ['old', '2'],
    ['newer', '1'],
  ]);
});

test('10.5, 3.6 cost follows the name of a subscription in force, also in its pause, and no name that means nothing', () => {
  const prices = [{ key: 't', model: 'PER_UNIT' as const, meter: 'tokens', unitPrice: '1' }];
  const segmentOf = (key: string, more: Partial<Segment>): Segment =>
    sampleSegment({ key, kind: 'PER_QUERY', prices }, { subscriptionId: key, ...more });
  const half = parseInstant('2026-01-15T00:00:00Z');
  const segments = [
    segmentOf('ended', { createdAt: 1, end: half }),
    segmentOf('runs', { createdAt: 2 }),
    segmentOf('paused', { createdAt: 3, paused: true }),
  ];
  const by = (subscription: string, day: string, cost: string) => used(`2026-01-${day}T00:00:00Z`, '1', cost, { subscription });
  const records = [by('ended', '14', '1'), by('ended', '15', '2'), by('paused', '20', '4'), by('unknown', '20', '8')];
  const report = marginReport(sampleQuery({ groupBy: ['PLAN'] }), [sampleCustomer({ segments, records })]);
  expect(Object.fromEntries(report.rows.map((row) => [row.key[0], text(row.cost)]))).toEqual({ ended: '1', runs: '10', paused: '4' });
});

test('10.5 other currencies convert at the rate of the day; without a rate a cost is unknown and revenue is refused', () => {
  const rates = [
    { from: 'EUR', to: 'USD', rate: decimal('1.1'), validFrom: JANUARY },
    { from: 'EUR', to: 'USD', rate: decimal('1.2'), validFrom: parseInstant('2026-01-10T00:00:00Z') },
  ];
  const euro = { costCurrency: 'EUR' };
  const records = [used('2026-01-02T00:00:00Z', '1', '10', euro), used('2026-01-12T00:00:00Z', '1', '10', euro)];
  expect(text(marginReport(sampleQuery({ exchangeRates: rates }), [sampleCustomer({ records })]).total.cost)).toBe('23');
  const unknown = marginReport(sampleQuery(), [sampleCustomer({ records })]).total;
  expect([text(unknown.cost), unknown.flags]).toEqual([null, ['NO_REVENUE', 'COST_UNKNOWN']]);
  const segment = sampleSegment({ currency: 'EUR' });
  const paying = sampleCustomer({ segments: [segment], revenue: [sampleFee('31', segment)] });
  expect(text(marginReport(sampleQuery({ exchangeRates: rates }), [paying]).total.revenue)).toBe('36.3');
  expect(() => marginReport(sampleQuery(), [paying])).toThrow(expect.objectContaining({ code: 'NO_EXCHANGE_RATE' }));
});

test('10.6 a customer is at risk when usage as in the last days turns it loss-making before its period ends', () => {
  const segment = sampleSegment({});
  const asOf = parseInstant('2026-01-15T00:00:00Z');
  const customer = (cost: string): MarginCustomer =>
    sampleCustomer({ segments: [segment], records: [used('2026-01-14T00:00:00Z', '1', cost)], revenue: [sampleFee('31', segment)] });
  const query = sampleQuery({ asOf, to: asOf });
  expect(marginReport(query, [customer('13')]).total.state).toBe('AT_RISK');
  expect(marginReport(query, [customer('8')]).total.state).toBe('PROFITABLE');
  expect(marginReport(query, [customer('15')]).total.flags).toEqual(['LOSS_MAKING']);
  expect(marginReport(sampleQuery(), [customer('30')]).total.state).toBe('PROFITABLE');
});

const dimension = fc.constantFrom(...MARGIN_DIMENSIONS);
const event = fc.record({
  day: fc.integer({ min: 0, max: 30 }),
  input: fc.integer({ min: 0, max: 5000 }),
  cost: fc.integer({ min: 0, max: 10_000_000 }),
  model: fc.constantFrom('large', 'small', null),
  feature: fc.constantFrom('chat', null),
  user: fc.constantFrom('u1', 'u2', null),
  traceId: fc.constantFrom('t1', null),
  costState: fc.constantFrom('PRICED' as const, 'UNPRICED' as const, 'REPORTED' as const),
});

test('10.4 every grouping adds up to the total, to the last digit', () => {
  const segment = sampleSegment({
    kind: 'SUBSCRIPTION',
    prices: [
      {
        key: 'tokens',
        model: 'GRADUATED',
        meter: 'tokens',
        tiers: [
          { upTo: '700', unitPrice: '0.003' },
          { upTo: null, unitPrice: '0.0007' },
        ],
        minimumAmount: '2',
      },
      { key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '0.07' },
    ],
  });
  const property = fc.property(
    fc.array(event, { maxLength: 12 }),
    fc.uniqueArray(dimension, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('NONE' as const, 'BY_COST' as const),
    fc.tuple(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 20 })),
    (events, groupBy, feeAllocation, [line, fee, startDay]) => {
      const records = events.map(({ day, input, cost, ...more }) =>
        used('2026-01-01T00:00:00Z', String(input), more.costState === 'UNPRICED' ? '0' : Decimal.fromUnits(BigInt(cost), 7).toString(), {
          ...more,
          from: JANUARY + day * MICROS_PER_DAY,
        }),
      );
      const cents = (value: number): string => Decimal.fromUnits(BigInt(value), 2).toString();
      const revenue = [
        sampleUsageItem(cents(line), segment, 'tokens'),
        sampleUsageItem(cents(line + 7), segment, 'calls'),
        sampleFee(cents(fee), segment),
      ];
      const customer = sampleCustomer({ segments: [segment], records, revenue });
      const from = JANUARY + startDay * MICROS_PER_DAY;
      const report = marginReport(sampleQuery({ groupBy, feeAllocation, from }), [customer]);
      const whole = marginReport(sampleQuery({ from }), [customer]).total;
      for (const field of ['revenue', 'events', 'unpricedEvents', 'sharedCost'] as const) {
        expect(text(Decimal.sum(report.rows.map((row) => row[field])))).toBe(text(whole[field]));
      }
      expect(text(Decimal.sum(report.rows.map((row) => row.cost ?? Decimal.ZERO)))).toBe(text(whole.cost ?? Decimal.ZERO));
      if (startDay === 0) expect(text(whole.revenue)).toBe(text(Decimal.sum(revenue.map(({ amount }) => amount))));
    },
  );
  fc.assert(property, { numRuns: 150 });
});
