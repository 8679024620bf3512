import { CUSTOMERS, DEMO_END, DEMO_START } from './company.ts';
import { demoUsage } from './usage.ts';

const COUNT = 20_000;

test('the same events come out every time, each with a key of its own, in order of time', () => {
  const first = [...demoUsage(COUNT)];
  expect([...demoUsage(COUNT)]).toEqual(first);
  expect(first).toHaveLength(COUNT);
  expect(new Set(first.map((event) => event.key)).size).toBe(COUNT);
  expect(first.every((event, i) => i === 0 || (first[i - 1]?.at ?? '') <= event.at)).toBe(true);
  expect(first.every((event) => event.at >= DEMO_START.slice(0, 10) && event.at < DEMO_END.slice(0, 10))).toBe(true);
});

test('the shares are as skewed as measured: 29.9 % to the largest, 92.8 % to the ten largest', () => {
  const total = CUSTOMERS.reduce((sum, customer) => sum + customer.weight, 0);
  expect(CUSTOMERS.length).toBeGreaterThanOrEqual(40);
  expect((CUSTOMERS[0]?.weight ?? 0) / total).toBeCloseTo(0.299, 3);
  expect(CUSTOMERS.slice(0, 10).reduce((sum, customer) => sum + customer.weight, 0) / total).toBeCloseTo(0.928, 3);
  expect(new Set(CUSTOMERS.map((customer) => customer.plan))).toEqual(new Set(['metered', 'flat', 'credits', 'site']));
});

test('there are cached and reasoning tokens, a self-hosted model, an unknown one, and failures', () => {
  const events = [...demoUsage(COUNT)];
  expect(events.some((event) => Number(event.tokens?.cacheRead ?? 0) > 0)).toBe(true);
  expect(events.some((event) => Number(event.tokens?.reasoning ?? 0) > 0)).toBe(true);
  expect(events.some((event) => event.pool === 'h100-eu' && event.gpuSeconds !== undefined)).toBe(true);
  expect(events.some((event) => event.provider === 'nebula')).toBe(true);
  expect(events.some((event) => event.outcome === 'FAILED')).toBe(true);
});
