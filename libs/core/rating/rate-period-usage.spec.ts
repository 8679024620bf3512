import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import { servicePeriodAt } from '../subscriptions/index.ts';
import type { Segment, ServicePeriod } from '../subscriptions/index.ts';
import { SAMPLE_METERS, sampleSegment } from '../subscriptions/segment.fixture.ts';
import { ratePeriodUsage } from './rate-period-usage.ts';
import { burnDemand } from './burn-demand.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';

const d = (text: string): Decimal => Decimal.parse(text);
const JANUARY = '2026-01-05T00:00:00Z';

function periodOf(segment: Segment, at = JANUARY): ServicePeriod {
  const period = servicePeriodAt(segment, parseInstant(at));
  if (period === null) throw new Error('no period');
  return period;
}

const perCall = sampleSegment({
  kind: 'PER_QUERY',
  prices: [{ key: 'calls', model: 'PER_UNIT', meter: 'calls', unitPrice: '0.5', includedQuantity: '1' }],
});

test('2.1 an event at the end of a period belongs to the next one, one at its start to it', () => {
  const records = ['2025-12-31T23:59:59.999999Z', '2026-01-01T00:00:00Z', '2026-01-31T23:59:59.999999Z', '2026-02-01T00:00:00Z'].map((at) =>
    sampleUsage(at),
  );
  const [rated] = ratePeriodUsage(perCall, periodOf(perCall), records, SAMPLE_METERS);
  expect([rated?.quantity.toString(), rated?.charge.amount.toString()]).toEqual(['2', '0.5']);
});

test('4.5 a price on cost awaits the cost of events that have none, and is never free', () => {
  const segment = sampleSegment({ prices: [{ key: 'cost', model: 'COST_PLUS', meter: 'calls', markup: '0.5' }] });
  const known = sampleUsage(JANUARY, { cost: d('2') });
  const unpriced = sampleUsage(JANUARY, { costState: 'UNPRICED', costCurrency: null });
  const rate = (records: (typeof known)[]): [string | undefined, boolean | undefined] => {
    const [rated] = ratePeriodUsage(segment, periodOf(segment), records, SAMPLE_METERS);
    return [rated?.charge.amount.toString(), rated?.awaitingCost];
  };
  expect(rate([known])).toEqual(['3', false]);
  expect(rate([known, unpriced])[1]).toBe(true);
  expect(rate([known, { ...unpriced, costState: 'PENDING' }])[1]).toBe(true);
  expect(rate([known, unpriced, { ...unpriced, events: d('-1') }])).toEqual(['3', false]);
});

test('4.5 cost in another currency is converted at the rate of its time, and awaited without one', () => {
  const segment = sampleSegment({ prices: [{ key: 'cost', model: 'COST_PLUS', meter: 'calls', markup: '0' }] });
  const record = sampleUsage(JANUARY, { cost: d('2'), costCurrency: 'EUR' });
  const exchangeRates = [
    { from: 'EUR', to: 'USD', rate: d('1.1'), validFrom: parseInstant('2026-01-01T00:00:00Z') },
    { from: 'EUR', to: 'USD', rate: d('9'), validFrom: parseInstant('2026-01-06T00:00:00Z') },
  ];
  const [converted] = ratePeriodUsage(segment, periodOf(segment), [record], SAMPLE_METERS, { exchangeRates });
  expect(converted?.charge.amount.toString()).toBe('2.2');
  expect(ratePeriodUsage(segment, periodOf(segment), [record], SAMPLE_METERS)[0]?.awaitingCost).toBe(true);
});

const perModel = sampleSegment({
  prices: [
    {
      key: 'tokens',
      model: 'GRADUATED',
      meter: 'tokens',
      tiers: [{ upTo: '100', unitPrice: '1' }, { unitPrice: '0.5' }],
      groupBy: 'model',
      groups: [
        { in: ['big', 'huge'], tiers: [{ upTo: '10', unitPrice: '7' }, { unitPrice: '3' }], minimumAmount: '100' },
        { in: ['tiny'], tiers: [{ unitPrice: '0.01' }], includedQuantity: '50' },
      ],
    },
  ],
});
const tokensOf = (model: string | null, input: string): ReturnType<typeof sampleUsage> => sampleUsage(JANUARY, { model, input });

test('each group of a price is rated by itself, and usage in none together by the amounts of the price', () => {
  const records = [tokensOf('big', '8'), tokensOf('huge', '4'), tokensOf('tiny', '150'), tokensOf('other', '90'), tokensOf(null, '20')];
  const rated = ratePeriodUsage(perModel, periodOf(perModel), records, SAMPLE_METERS);
  expect(rated.map(({ priceKey, group, quantity, charge }) => [priceKey, group, quantity.toString(), charge.amount.toString()])).toEqual([
    ['tokens', 'big, huge', '12', '100'],
    ['tokens', 'tiny', '150', '1'],
    ['tokens', null, '110', '105'],
  ]);
});

test('a member that one group charged in an earlier part is still charged in another', () => {
  const segment = sampleSegment({
    prices: [
      { key: 'users', model: 'PER_UNIT', meter: 'users', unitPrice: '10', groupBy: 'model', groups: [{ in: ['big'], unitPrice: '30' }] },
    ],
  });
  const before = [sampleUsage('2026-01-02T00:00:00Z', { user: 'ann', model: 'small' })];
  const now = [
    sampleUsage('2026-01-20T00:00:00Z', { user: 'ann', model: 'big' }),
    sampleUsage('2026-01-20T00:00:00Z', { user: 'ann', model: 'small' }),
  ];
  const rated = ratePeriodUsage(segment, periodOf(segment), now, SAMPLE_METERS, { chargedBefore: () => before });
  expect(rated.map(({ charge }) => charge.amount.toString())).toEqual(['30', '0']);
});

test('2.1 a price takes usage from the instant that it is valid on, until the instant that it is not', () => {
  const until = '2026-01-10T12:00:00Z';
  const segment = sampleSegment({
    prices: [
      { key: 'early', model: 'PER_UNIT', meter: 'calls', unitPrice: '1', validUntil: until },
      { key: 'late', model: 'PER_UNIT', meter: 'calls', unitPrice: '10', validFrom: until },
      { key: 'later', model: 'PER_UNIT', meter: 'images', unitPrice: '100', validFrom: '2026-02-01T00:00:00Z' },
    ],
  });
  const records = ['2026-01-10T11:59:59.999999Z', until, '2026-01-20T00:00:00Z'].map((at) => sampleUsage(at));
  const rated = ratePeriodUsage(segment, periodOf(segment), records, SAMPLE_METERS);
  expect(rated.map(({ priceKey, charge }) => [priceKey, charge.amount.toString()])).toEqual([
    ['early', '1'],
    ['late', '20'],
  ]);
});

test('6.2 minimums and first-tier flat fees of a price that is valid for a part of the period are for that part', () => {
  const segment = sampleSegment({
    prices: [
      { key: 'least', model: 'PER_UNIT', meter: 'calls', unitPrice: '0', minimumAmount: '31', validFrom: '2026-01-11T00:00:00Z' },
      { key: 'entry', model: 'VOLUME', meter: 'images', tiers: [{ flatFee: '62' }], validUntil: '2026-01-02T12:00:00Z' },
    ],
  });
  const rated = ratePeriodUsage(segment, periodOf(segment), [], SAMPLE_METERS);
  expect(rated.map(({ charge }) => charge.amount.toString())).toEqual(['21', '3']);
});

test('6.2 a member of UNIQUE_COUNT that an earlier part charged is not charged again', () => {
  const segment = sampleSegment({ prices: [{ key: 'users', model: 'PER_UNIT', meter: 'users', unitPrice: '10' }] });
  const before = ['ann', 'bob'].map((user) => sampleUsage('2026-01-02T00:00:00Z', { user }));
  const now = ['bob', 'cyd'].map((user) => sampleUsage('2026-01-20T00:00:00Z', { user }));
  const [rated] = ratePeriodUsage(segment, periodOf(segment), now, SAMPLE_METERS, { chargedBefore: () => before });
  expect(rated?.charge.amount.toString()).toBe('10');
});

const burning = sampleSegment(
  {
    kind: 'CREDIT',
    burnRates: [
      { meter: 'tokens', creditsPerUnit: '0.01' },
      { meter: 'calls', creditsPerUnit: '2' },
    ],
  },
  { timeZone: 'Asia/Kathmandu' },
);

test('7.3 burn demands are by day of the customer and dimensions, cut where a grant begins or ends', () => {
  const records = ['2026-01-05T18:14:59Z', '2026-01-05T18:15:00Z', '2026-01-06T10:00:00Z'].map((at) => sampleUsage(at, { input: '100' }));
  const cut = parseInstant('2026-01-06T09:00:00Z');
  const demands = burnDemand(burning, periodOf(burning), records, SAMPLE_METERS, { cuts: [cut] });
  expect(demands.map((demand) => [demand.at, demand.credits.toString()])).toEqual([
    [parseInstant('2026-01-04T18:15:00Z'), '3'],
    [parseInstant('2026-01-05T18:15:00Z'), '3'],
    [cut, '3'],
  ]);
  expect(demands[0]?.parts.map((part) => part.credits.toString())).toEqual(['1', '2']);
});

test('7.3 neither charges nor burn demands depend on the order in which usage arrived', () => {
  const records = Array.from({ length: 12 }, (_, index) =>
    sampleUsage(`2026-01-${String(3 + (index % 4)).padStart(2, '0')}T0${index % 10}:00:00Z`, {
      model: ['a', 'b', 'c'][index % 3] ?? 'a',
      input: String(index * 7),
    }),
  );
  const demandsOf = (order: typeof records): string =>
    JSON.stringify(burnDemand(burning, periodOf(burning), order, SAMPLE_METERS).map(({ at, key, credits }) => [at, key, credits]));
  const chargeOf = (order: typeof records): string => JSON.stringify(ratePeriodUsage(perCall, periodOf(perCall), order, SAMPLE_METERS));
  fc.assert(
    fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (shuffled) => {
      expect(demandsOf(shuffled)).toBe(demandsOf(records));
      expect(chargeOf(shuffled)).toBe(chargeOf(records));
    }),
    { numRuns: 30 },
  );
});
