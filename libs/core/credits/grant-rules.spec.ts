import { Decimal } from '../money/index.ts';
import { usedPercent } from './grant-rules.ts';

const percent = (filled: string, available: string): string | undefined =>
  usedPercent(Decimal.parse(filled), Decimal.parse(available))?.toString();

test('a share of a wallet is told when it is used, not a millionth of a credit before', () => {
  expect(percent('100', '20')).toBe('80');
  expect(percent('100', '20.000000000001')).toBe('79');
  expect(percent('3', '1')).toBe('66');
});

test('what is owed counts as all used, what is there beyond the filling as nothing used', () => {
  expect([percent('100', '-5'), percent('100', '250'), percent('100', '0')]).toEqual(['100', '0', '100']);
});

test('a wallet that never held anything has no share', () => {
  expect(percent('0', '0')).toBeUndefined();
});
