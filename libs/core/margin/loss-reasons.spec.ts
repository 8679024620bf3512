import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { NO_TOKENS } from '../usage/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import { lossProfile } from './loss-profile.ts';
import type { LossProfile } from './loss-profile.ts';
import { lossReasons, lossYardstick } from './loss-reasons.ts';
import type { MarginCustomer, MarginQuery } from './margin-facts.ts';
import { decimal, sampleCustomer, sampleFee, sampleQuery } from './margin.fixture.ts';

interface Habits {
  readonly key: string;
  readonly model?: string;
  readonly input?: string;
  readonly cached?: string;
  readonly reasoning?: string;
  readonly failed?: boolean;
  readonly cost: string;
  readonly discount?: string;
}

const prices = { input: decimal('10'), cacheRead: decimal('1'), output: decimal('40') };
const rate = {
  provider: 'openai',
  model: 'm',
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
const query: MarginQuery = sampleQuery({ rateOf: () => rate });

function customer({
  key,
  model = 'm',
  input = '1000',
  cached = '0',
  reasoning = '0',
  failed = false,
  cost,
  discount = '0',
}: Habits): MarginCustomer {
  const segment = sampleSegment({ kind: 'PER_QUERY', prices: [] });
  const tokens = {
    ...NO_TOKENS,
    uncachedInput: decimal(input),
    cacheRead: decimal(cached),
    plainOutput: decimal('100'),
    reasoning: decimal(reasoning),
  };
  const outcome = failed ? 'FAILED' : 'SUCCEEDED';
  const record = sampleUsage('2026-01-05T00:00:00Z', { model, tokens, cost: decimal(cost), restatedCost: decimal(cost), outcome });
  const fee = { ...sampleFee('10', segment), kind: 'USAGE' as const, discount: decimal(discount) };
  return sampleCustomer({ key, name: key, segments: [segment], records: [record], revenue: [fee] });
}

function reasonsOf(habits: readonly Habits[], loss: string): { code: string; amount: string; label: string }[] {
  const profiles = habits.map((one) => lossProfile(customer(one), query));
  const reasons = lossReasons(profiles[0] as LossProfile, decimal(loss), 'USD', lossYardstick(profiles));
  return reasons.map(({ code, amount, label }) => ({ code, amount: amount.toString(), label }));
}

const NORMAL = ['b', 'c', 'd', 'e'].map((key): Habits => ({ key, cost: '4' }));

test('10.6 a dearer choice of models is the cost that would disappear at the median mix', () => {
  const [first] = reasonsOf([{ key: 'a', model: 'dear', cost: '40' }, ...NORMAL], '30');
  expect(first).toMatchObject({ code: 'MODEL_MIX', amount: '30' });
  expect(first?.label).toContain('at the median it would be 36.00 USD better');
});

test('10.6 cache misses are what reading as much from the cache as the median customer would save', () => {
  const others = NORMAL.map((one): Habits => ({ ...one, input: '500', cached: '500' }));
  const reasons = reasonsOf([{ key: 'a', cost: '14' }, ...others], '9');
  const misses = reasons.find(({ code }) => code === 'CACHE_MISSES');
  // 10 of the 14 are its input (1000 x 10 against 100 x 40); half of that input from cache costs a tenth
  expect(misses?.amount).toBe('4.5');
});

test('10.6 failed calls explain the cost that went to them above the median', () => {
  const reasons = reasonsOf([{ key: 'a', failed: true, cost: '4' }, ...NORMAL], '1');
  expect(reasons[0]).toMatchObject({ code: 'FAILED_CALLS', amount: '1' });
  expect(reasons[0]?.label).toBe(
    'Failed calls: 100 % of its cost went to calls that failed, 0 % at the median customer; at the median it would be 4.00 USD better.',
  );
});

test('10.6 a discount explains what it takes off above the median', () => {
  const reasons = reasonsOf([{ key: 'a', cost: '4', discount: '10' }, ...NORMAL], '12');
  expect(reasons.map(({ code, amount }) => [code, amount])).toEqual([
    ['DISCOUNT', '10'],
    ['UNEXPLAINED', '2'],
  ]);
});

test('10.6 a loss that no driver explains stands as unexplained', () => {
  expect(reasonsOf([{ key: 'a', cost: '4' }, ...NORMAL], '3').map(({ code, amount }) => [code, amount])).toEqual([['UNEXPLAINED', '3']]);
});

test('10.6 reasons add up to the loss exactly, none is below zero, and no profit has any', () => {
  const habits = fc.record({
    model: fc.constantFrom('m', 'n', 'o'),
    input: fc.integer({ min: 0, max: 5000 }).map(String),
    cached: fc.integer({ min: 0, max: 5000 }).map(String),
    reasoning: fc.integer({ min: 0, max: 500 }).map(String),
    failed: fc.boolean(),
    cost: fc.integer({ min: 0, max: 900 }).map((cents) => Decimal.fromUnits(BigInt(cents), 2).toString()),
    discount: fc.integer({ min: 0, max: 9 }).map(String),
  });
  const property = fc.property(fc.array(habits, { minLength: 1, maxLength: 7 }), fc.integer({ min: -100, max: 5000 }), (all, cents) => {
    const profiles = all.map((one, index) => lossProfile(customer({ ...one, key: String(index) }), query));
    const yardstick = lossYardstick(profiles);
    const loss = Decimal.fromUnits(BigInt(cents), 2);
    for (const profile of profiles) {
      const reasons = lossReasons(profile, loss, 'USD', yardstick);
      expect(Decimal.sum(reasons.map(({ amount }) => amount)).toString()).toBe(Decimal.max(Decimal.ZERO, loss).toString());
      expect(reasons.every(({ amount }) => amount.isPositive())).toBe(true);
    }
  });
  fc.assert(property, { numRuns: 100 });
});
