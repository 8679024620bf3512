import fc from 'fast-check';
import { Decimal } from '@tare/core';
import path from 'node:path';

/** What is tested of the dashboard, which has no door to import from: its files are loaded by their paths. */
interface Exact {
  readonly compare: (a: string, b: string) => number;
  readonly sum: (texts: readonly string[]) => string;
  readonly rounded: (text: string, decimals: number) => string;
  readonly shifted: (text: string, places: number) => string;
  readonly roundedToAddUp: (parts: readonly string[], decimals: number) => string[];
}
interface Format {
  readonly moneyText: (amount: string, currency: string) => string;
  readonly percentText: (share: string) => string;
  readonly coverageText: (share: string) => string;
  readonly countText: (quantity: string) => string;
}

const amounts = path.resolve(import.meta.dirname, '../../apps/dashboard/amounts');
const load = async <Module>(file: string): Promise<Module> => (await import(path.join(amounts, file))) as Module;
const { compare, rounded, roundedToAddUp, shifted, sum } = await load<Exact>('exact.ts');
const { countText, coverageText, moneyText, percentText } = await load<Format>('format.ts');

const amount = fc
  .tuple(fc.bigInt(-(10n ** 22n), 10n ** 22n), fc.integer({ min: 0, max: 12 }))
  .map(([units, decimals]) => Decimal.fromUnits(units, decimals).toString());

test('an amount is rounded half away from zero and grouped, far beyond what a float holds', () => {
  expect(moneyText('12345678901234567890.125', 'USD')).toBe('12,345,678,901,234,567,890.13');
  expect(moneyText('-0.005', 'USD')).toBe('\u22120.01');
  expect(moneyText('1234.5', 'JPY')).toBe('1,235');
  expect(moneyText('1234.5', 'KWD')).toBe('1,234.500');
});

test('a cost too small for the currency is not shown as no cost', () => {
  expect(moneyText('0.0031', 'USD')).toBe('<0.01');
  expect(moneyText('-0.0031', 'USD')).toBe('>\u22120.01');
  expect(moneyText('0.4', 'JPY')).toBe('<1');
  expect(moneyText('0', 'USD')).toBe('0.00');
});

test('10.3 a coverage just below 1 is never shown as complete', () => {
  expect(coverageText('0.999999')).toBe('99.9 %');
  expect(coverageText('1')).toBe('100 %');
  expect(coverageText('0.94')).toBe('94 %');
  expect(percentText('-0.652998')).toBe('\u221265.3 %');
});

test('a quantity keeps every digit that says something', () => {
  expect(countText('11428571.428571')).toBe('11,428,571.428571');
  expect(countText('1200.00')).toBe('1,200');
});

test('sums, comparisons and roundings of strings agree with the decimals that bills are made with', () => {
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 0, max: 6 }), (a, b, decimals) => {
      const [left, right] = [Decimal.parse(a), Decimal.parse(b)];
      expect(Decimal.parse(sum([a, b])).equals(left.plus(right))).toBe(true);
      expect(Math.sign(compare(a, b))).toBe(Math.sign(left.compare(right)));
      expect(Decimal.parse(rounded(a, decimals)).equals(left.roundedTo(decimals))).toBe(true);
      expect(Decimal.parse(shifted(a, 2)).equals(left.times(Decimal.of(100)))).toBe(true);
    }),
  );
});

test('1.4 rounded parts add up to the rounded whole, and none is off by a unit or more', () => {
  fc.assert(
    fc.property(fc.array(amount, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 3 }), (parts, decimals) => {
      const shown = roundedToAddUp(parts, decimals);
      expect(Decimal.parse(sum(shown)).equals(Decimal.parse(rounded(sum(parts), decimals)))).toBe(true);
      const unit = Decimal.fromUnits(1n, decimals);
      shown.forEach((part, index) => {
        const off = Decimal.parse(part).minus(Decimal.parse(parts[index] ?? '0'));
        expect(off.compare(unit) < 0 && off.negated().compare(unit) < 0).toBe(true);
      });
    }),
  );
});
