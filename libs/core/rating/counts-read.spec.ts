import { Decimal } from '../money/index.ts';
import { parsePlan } from '../pricing/index.ts';
import type { PlanInput } from '../pricing/index.ts';
import { servicePeriodAt } from '../subscriptions/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import { parseInstant } from '../time/index.ts';
import { TOKEN_POOLS } from '../usage/index.ts';
import type { Meter, TokenPools, UsageRecord } from '../usage/index.ts';
import { burnDemand } from './burn-demand.ts';
import { countsRead, USAGE_COUNTS, type UsageCount } from './counts-read.ts';
import { ratePeriodUsage } from './rate-period-usage.ts';

const JANUARY = '2026-01-05T00:00:00Z';
const VALUES = [
  'tokens.total',
  'tokens.input',
  'tokens.output',
  ...TOKEN_POOLS.map((pool) => `tokens.${pool}`),
  'quantity',
  'gpuSeconds',
  'requests',
];
const METERS: ReadonlyMap<string, Meter> = new Map(
  VALUES.map((valueProperty) => [
    valueProperty,
    { key: valueProperty, eventType: '*', aggregation: 'SUM', valueProperty, filters: [], groupBy: [] },
  ]),
);

/** A sum of usage in which every count has a value of its own. */
const SUM: UsageRecord = {
  ...sampleUsage(JANUARY),
  events: Decimal.of(3),
  tokens: Object.fromEntries(TOKEN_POOLS.map((pool, i) => [pool, Decimal.of(11 + i * i * 7)])) as unknown as TokenPools,
  quantity: Decimal.of(101),
  gpuSeconds: Decimal.of(211),
  cost: Decimal.of(307),
  restatedCost: Decimal.of(401),
};

function without(record: UsageRecord, left: (count: UsageCount) => boolean): UsageRecord {
  const { tokens, quantity, gpuSeconds, cost, restatedCost } = record;
  const value = (count: UsageCount, there: Decimal): Decimal => (left(count) ? Decimal.ZERO : there);
  return {
    ...record,
    tokens: Object.fromEntries(TOKEN_POOLS.map((pool) => [pool, value(pool, tokens[pool])])) as unknown as TokenPools,
    quantity: value('quantity', quantity),
    gpuSeconds: value('gpuSeconds', gpuSeconds),
    cost: value('cost', cost),
    restatedCost: value('restatedCost', restatedCost),
  };
}

/** What a plan charges and burns for a sum of usage, as text. */
function outcome(plan: Partial<PlanInput>, record: UsageRecord): string {
  const input: PlanInput = { key: 'plan', name: 'Plan', kind: 'PER_QUERY', currency: 'USD', interval: 'MONTH', prices: [], ...plan };
  const segment = { ...sampleSegment({}), terms: parsePlan(input, METERS) };
  const period = servicePeriodAt(segment, parseInstant(JANUARY));
  if (period === null) throw new Error('no period');
  const rated = ratePeriodUsage(segment, period, [record], METERS).map(({ quantity, charge }) => [quantity, charge]);
  const burnt = burnDemand(segment, period, [record], METERS, { cuts: [] }).map(({ credits }) => credits);
  return JSON.stringify([rated, burnt]);
}

const PLANS: [string, Partial<PlanInput>][] = [
  ...VALUES.map((meter): [string, Partial<PlanInput>] => [
    `a price on ${meter}`,
    { prices: [{ key: 'p', model: 'PER_UNIT', meter, unitPrice: '1' }] },
  ]),
  ...VALUES.map((meter): [string, Partial<PlanInput>] => [
    `a burn rate on ${meter}`,
    { kind: 'CREDIT', burnRates: [{ meter, creditsPerUnit: '2' }] },
  ]),
  ['a percentage of quantity', { prices: [{ key: 'p', model: 'PERCENTAGE', meter: 'requests', rate: '0.5', valueProperty: 'quantity' }] }],
  ['a price on cost', { prices: [{ key: 'p', model: 'COST_PLUS', meter: 'requests', markup: '0.5', unitFloor: '0.1' }] }],
];

test.each(PLANS)(
  '%s charges the same without the counts that it does not read, and another amount without any that it reads',
  (_, plan) => {
    const input: PlanInput = { key: 'plan', name: 'Plan', kind: 'PER_QUERY', currency: 'USD', interval: 'MONTH', prices: [], ...plan };
    const read = countsRead(parsePlan(input, METERS), METERS);
    const whole = outcome(plan, SUM);
    expect(
      outcome(
        plan,
        without(SUM, (count) => !read.has(count)),
      ),
    ).toBe(whole);
    for (const count of USAGE_COUNTS.filter((one) => read.has(one)))
      expect(
        outcome(
          plan,
          without(SUM, (one) => one === count),
        ),
      ).not.toBe(whole);
  },
);
