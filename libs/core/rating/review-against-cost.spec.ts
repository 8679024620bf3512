import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import type { PlanInput } from '../pricing/index.ts';
import { SAMPLE_METERS, sampleSegment } from '../subscriptions/segment.fixture.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import type { UsageRecord } from '../usage/index.ts';
import { reviewAgainstCost } from './review-against-cost.ts';

const AT = '2026-01-05T00:00:00Z';
const usage = (cost: string, more: Parameters<typeof sampleUsage>[1] = {}): UsageRecord =>
  sampleUsage(AT, { input: '1000', cost: Decimal.parse(cost), ...more });
const review = (plan: Partial<PlanInput>, records: readonly UsageRecord[], rates: Parameters<typeof reviewAgainstCost>[3] = []): string[] =>
  reviewAgainstCost(sampleSegment(plan).terms, records, SAMPLE_METERS, rates).map(
    ({ code, path, message }) => `${code} ${path}: ${message}`,
  );
const tokens = (unitPrice: string, more: object = {}): Partial<PlanInput> => ({
  prices: [{ key: 'tokens', model: 'PER_UNIT', meter: 'tokens', unitPrice, ...more }],
});

test('a price below what a unit cost is told with both amounts, at cost it is not', () => {
  expect(review(tokens('0.0019'), [usage('2')])).toEqual([
    'PRICE_BELOW_COST prices[0].unitPrice: A unit of "tokens" cost 0.002 USD on average in the last month; at its cheapest this plan charges 0.0019 USD for it.',
  ]);
  expect(review(tokens('0.002'), [usage('2')])).toEqual([]);
});

test('tiers are held against cost at their cheapest, a free first one aside', () => {
  const tiers = [{ upTo: '5', unitPrice: '0' }, { upTo: '10', unitPrice: '0.003' }, { unitPrice: '0.001' }];
  const plan: Partial<PlanInput> = { prices: [{ key: 't', model: 'GRADUATED', meter: 'tokens', tiers }] };
  expect(review(plan, [usage('2')])).toEqual([
    expect.stringMatching(/^PRICE_BELOW_COST prices\[0\]\.tiers\[2\]\.unitPrice: .*charges 0.001 USD/),
  ]);
  expect(review(plan, [usage('0.5')])).toEqual([]);
});

test('a group is held against the cost of its own usage', () => {
  const plan = tokens('1', { groupBy: 'model', groups: [{ in: ['big'], unitPrice: '0.001' }] });
  expect(review(plan, [usage('2', { model: 'big' }), usage('2', { model: 'small' })])).toEqual([
    expect.stringMatching(/^PRICE_BELOW_COST prices\[0\]\.groups\[0\]\.unitPrice/),
  ]);
});

test('what several prices charge for the same calls is held against their cost together', () => {
  const tokensIn = { key: 'in', model: 'PER_UNIT' as const, meter: 'tokens', unitPrice: '0.0015' };
  const calls = { key: 'calls', model: 'PER_UNIT' as const, meter: 'calls', unitPrice: '0.5' };
  expect(review({ prices: [tokensIn, calls] }, [usage('2')])).toEqual([]);
  expect(review({ prices: [tokensIn] }, [usage('2')])).toHaveLength(1);
});

test('7.9 a burn rate is worth its credits at their price, and nothing is said where they have none', () => {
  const credit = (more: Partial<PlanInput>): Partial<PlanInput> => ({
    kind: 'CREDIT',
    burnRates: [{ meter: 'tokens', creditsPerUnit: '0.1' }],
    ...more,
  });
  expect(review(credit({ creditsPerInterval: '10', creditPrice: '0.01' }), [usage('2')])).toEqual([
    'BURN_RATE_BELOW_COST burnRates[0].creditsPerUnit: A unit of "tokens" cost 0.002 USD on average in the last month; at its cheapest this plan takes credits worth 0.001 USD for it.',
  ]);
  expect(review(credit({ creditsPerInterval: '10', creditPrice: '0.02' }), [usage('2')])).toEqual([]);
  expect(review(credit({}), [usage('2')])).toEqual([]);
});

test('4.5 a price on cost loses only under its ceiling', () => {
  const plus = (unitCeiling: string | null): Partial<PlanInput> => ({
    prices: [{ key: 'c', model: 'COST_PLUS', meter: 'tokens', markup: '0.3', unitCeiling }],
  });
  expect(review(plus(null), [usage('2')])).toEqual([]);
  expect(review(plus('0.001'), [usage('2')])).toEqual([expect.stringMatching(/^PRICE_BELOW_COST prices\[0\]\.unitCeiling/)]);
});

test('9.1 usage of unknown cost is not taken for free usage, and cost in another currency is converted', () => {
  expect(review(tokens('0.0019'), [usage('0', { costState: 'UNPRICED', costCurrency: null }), usage('2')])).toHaveLength(1);
  expect(review(tokens('0.0019'), [usage('2', { costState: 'PENDING' })])).toEqual([]);
  const euro = [usage('2', { costCurrency: 'EUR' })];
  const rates = [{ from: 'EUR', to: 'USD', rate: Decimal.parse('0.9'), validFrom: parseInstant('2026-01-01T00:00:00Z') }];
  expect(review(tokens('0.0019'), euro)).toEqual([]);
  expect(review(tokens('0.0019'), euro, rates)).toEqual([]);
  expect(review(tokens('0.0017'), euro, rates)).toHaveLength(1);
});
