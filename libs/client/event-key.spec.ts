import { newEventKey } from './event-key.ts';

/** The form whose order the event store keeps (libs/usage, event-identity.ts): lower case, the first bit 0. */
const ORDERED_UUID = /^[0-7][0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('keys are UUIDs of version 7 with the time of their making', () => {
  const before = Date.now();
  const key = newEventKey();
  expect(key).toMatch(ORDERED_UUID);
  const ms = Number.parseInt(key.replaceAll('-', '').slice(0, 12), 16);
  expect(ms).toBeGreaterThanOrEqual(before - 1);
  expect(ms).toBeLessThanOrEqual(Date.now() + 1);
});

test('every key is greater than the one before: within a millisecond, and when the clock goes back', () => {
  const start = Date.now() + 10_000;
  const keys = Array.from({ length: 200_000 }, (_, i) => newEventKey(start - (i % 7) * 1_000));
  expect(keys.every((key) => ORDERED_UUID.test(key))).toBe(true);
  expect(keys.every((key, i) => i === 0 || key > (keys[i - 1] ?? ''))).toBe(true);
  expect(newEventKey(start + 60_000) > (keys.at(-1) ?? '')).toBe(true);
});

test('a clock that says nothing sensible still gives keys, each its own', () => {
  const keys = [Number.NaN, -5, Infinity, 1e300].map((ms) => newEventKey(ms));
  expect(keys.every((key) => ORDERED_UUID.test(key))).toBe(true);
  expect(new Set(keys).size).toBe(keys.length);
});
