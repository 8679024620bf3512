import { multipliedAmount, percentOf } from './decimal-amount.ts';

test.each([
  ['0.1', '3', 0],
  ['0.5', '1', 1],
  ['-0.5', '1', -1],
  ['1.005', '100', 101],
  ['0.000000000001', '1000000000000', 1],
  ['-0.3', '5', -2],
])('%s x %s minor units are %i, half away from zero', (unit, quantity, expected) => {
  expect(multipliedAmount(unit, quantity)).toBe(expected);
});

test('8.875 % of 1000 is 89', () => {
  expect(percentOf(1000, '8.875')).toBe(89);
  expect(percentOf(-1000, '8.875')).toBe(-89);
});
