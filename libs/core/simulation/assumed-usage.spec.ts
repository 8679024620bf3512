import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { sampleUsage } from '../subscriptions/usage.fixture.ts';
import { NO_TOKENS, inclusive } from '../usage/index.ts';
import type { UsageRecord } from '../usage/index.ts';
import { NO_ASSUMPTIONS, usageAfter } from './assumptions.ts';
import type { Assumptions } from './assumptions.ts';
import { assumedUsage } from './assumed-usage.ts';
import type { ListCost } from './assumed-usage.ts';

const decimal = (text: string): Decimal => Decimal.parse(text);
const PRICES = new Map([
  ['large', 10],
  ['small', 1],
]);

/** A token costs what its model's table says, from the cache a tenth of it, as a batch half. */
const listCost: ListCost = ({ model, serviceTier, tokens }) => {
  const price = PRICES.get(model ?? '');
  if (price === undefined) return null;
  const weighed = tokens.uncachedInput.plus(tokens.plainOutput).plus(tokens.cacheRead.times(decimal('0.1')));
  return { amount: weighed.times(Decimal.of(price)).times(decimal(serviceTier === 'batch' ? '0.5' : '1')), currency: 'USD' };
};

function record(more: Partial<UsageRecord> = {}): UsageRecord {
  const tokens = { ...NO_TOKENS, uncachedInput: decimal('100') };
  return sampleUsage('2026-01-05T00:00:00Z', { model: 'large', tokens, cost: decimal('1000'), restatedCost: decimal('1000'), ...more });
}

function assumed(more: Partial<Assumptions>, from: UsageRecord = record()): UsageRecord[] {
  return assumedUsage([from], { ...NO_ASSUMPTIONS, ...more }, listCost);
}

const costs = (records: readonly UsageRecord[]): string[] => records.map(({ cost }) => cost.toString());

test('11.3 nothing assumed leaves usage as it was', () => {
  expect(assumed({})).toEqual([record()]);
});

test('11.3 a share of a model that is routed to another costs what that one costs', () => {
  const route = { provider: 'openai', model: 'large', toProvider: 'openai', toModel: 'small', share: decimal('0.25') };
  const [moved, rest] = assumed({ modelRoutes: [route] });
  expect([moved?.model, moved?.cost.toString(), rest?.model, rest?.cost.toString()]).toEqual(['small', '25', 'large', '750']);
});

test('11.3 a model without a price in the cost book makes the cost unknown, never free', () => {
  const route = { provider: 'openai', model: 'large', toProvider: 'openai', toModel: 'nobody knows', share: Decimal.ONE };
  expect(assumed({ modelRoutes: [route] })).toMatchObject([{ costState: 'UNPRICED', costCurrency: null, events: Decimal.ONE }]);
});

test('11.3 input from cache and batches are priced again by the ratio of list prices, so that an agreed discount stays', () => {
  const agreed = record({ cost: decimal('800'), restatedCost: decimal('800') });
  expect(costs(assumed({ cacheRate: decimal('0.5') }, agreed))).toEqual(['440']);
  expect(costs(assumed({ batchShare: decimal('0.5') }, agreed))).toEqual(['200', '400']);
});

test('11.3 multipliers of usage and cost act one after the other', () => {
  const [one] = assumed({ usageMultiplier: decimal('2'), costMultiplier: decimal('0.1') });
  expect([one?.cost.toString(), one?.events.toString(), one?.tokens.uncachedInput.toString()]).toEqual(['200', '2', '200']);
});

test('11.3 routes and batches move usage and never make or lose any', () => {
  const share = fc.integer({ min: 0, max: 100 }).map((percent) => Decimal.fromUnits(BigInt(percent), 2));
  const property = fc.property(share, share, share, (routeShare, batchShare, cacheRate) => {
    const route = { provider: 'openai', model: 'large', toProvider: 'openai', toModel: 'small', share: routeShare };
    const records = assumed({ modelRoutes: [route], batchShare, cacheRate });
    expect(Decimal.sum(records.map(({ events }) => events)).toString()).toBe('1');
    expect(Decimal.sum(records.map(({ tokens }) => inclusive(tokens).total)).toString()).toBe('100');
  });
  fc.assert(property, { numRuns: 100 });
});

test('11.3 usage responds to the relative change of what is billed, and never falls below zero', () => {
  const after = (elasticity: string, before: string, billed: string): string =>
    usageAfter(decimal(elasticity), decimal(before), decimal(billed)).toString();
  expect(after('-0.5', '100', '120')).toBe('0.9');
  expect(after('-9', '100', '120')).toBe('0');
  expect(after('-0.5', '0', '120')).toBe('1');
});
