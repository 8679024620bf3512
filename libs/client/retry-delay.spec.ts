import { readRetryAfter, retryDelayMs } from './retry-delay.ts';

test('waits grow, differ from client to client, and keep to their limit and to what the server asked for', () => {
  const sample = (attempt: number): number[] => Array.from({ length: 200 }, () => retryDelayMs(attempt, 5_000, 0));
  expect(Math.max(...sample(1))).toBeLessThanOrEqual(200);
  expect(Math.max(...sample(4))).toBeGreaterThan(800);
  expect(Math.max(...sample(40))).toBeLessThanOrEqual(5_000);
  expect(new Set(sample(4)).size).toBeGreaterThan(100);
  expect(retryDelayMs(1, 5_000, 700)).toBe(700);
});

test('Retry-After is read as seconds or as a date; nonsense is none, and nobody is sent away for a day', () => {
  const now = Date.parse('2026-10-01T00:00:00Z');
  expect(readRetryAfter('2', now)).toBe(2_000);
  expect(readRetryAfter('0.5', now)).toBe(500);
  expect(readRetryAfter('Thu, 01 Oct 2026 00:00:30 GMT', now)).toBe(30_000);
  for (const header of [null, '', ' ', 'soon', '-3', 'Thu, 01 Oct 2020 00:00:30 GMT']) expect(readRetryAfter(header, now)).toBe(0);
  expect(readRetryAfter('86400', now)).toBe(300_000);
});
