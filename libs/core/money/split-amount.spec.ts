import fc from 'fast-check';
import { Decimal } from './decimal.ts';
import { cumulativeShare, splitByLargestRemainder } from './split-amount.ts';

const CENT = Decimal.parse('0.01');
const cents = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((units) => Decimal.fromUnits(BigInt(units), 2));
const weights = fc.array(
  fc.integer({ min: 0, max: 100_000 }).map((units) => Decimal.fromUnits(BigInt(units), 3)),
  { minLength: 1, maxLength: 12 },
);

function split(total: string, parts: string[], increment = '0.01'): string[] {
  const shares = splitByLargestRemainder(
    Decimal.parse(total),
    parts.map((part) => Decimal.parse(part)),
    Decimal.parse(increment),
  );
  return shares.map(String);
}

describe('splitting an amount', () => {
  test('1.4 the parts add up to the whole, each a multiple of the increment and less than one increment from its exact share', () => {
    fc.assert(
      fc.property(cents, weights, (total, parts) => {
        const shares = splitByLargestRemainder(total, parts, CENT);
        const whole = Decimal.sum(parts);
        expect(Decimal.sum(shares).equals(total)).toBe(true);
        for (const [index, share] of shares.entries()) {
          expect(share.decimals).toBeLessThanOrEqual(2);
          if (whole.isZero()) continue;
          const error = share
            .times(whole)
            .minus(total.times(parts[index] ?? Decimal.ZERO))
            .abs();
          expect(error.compare(CENT.times(whole))).toBe(-1);
        }
      }),
    );
  });

  test('1.4 a weight of nothing gets nothing, unless all weigh nothing', () => {
    fc.assert(
      fc.property(cents, weights, (total, parts) => {
        fc.pre(parts.some((part) => part.isPositive()));
        const shares = splitByLargestRemainder(total, [Decimal.ZERO, ...parts], CENT);
        expect(shares[0]?.isZero()).toBe(true);
      }),
    );
  });

  test('1.4 what is left over goes to the largest remainders, earlier parts first', () => {
    expect(split('100', ['1', '1', '1'])).toEqual(['33.34', '33.33', '33.33']);
    expect(split('-100', ['1', '1', '1'])).toEqual(['-33.34', '-33.33', '-33.33']);
    expect(split('0.05', ['1', '2', '1'])).toEqual(['0.01', '0.03', '0.01']);
    expect(split('10', ['0.5', '0.25', '0.25'], '1')).toEqual(['5', '3', '2']);
  });

  test('1.4 when all weights are zero everything goes to the first part', () => {
    expect(split('7.77', ['0', '0', '0'])).toEqual(['7.77', '0', '0']);
  });

  test('1.4 a total finer than the increment is still given out in full', () => {
    expect(split('1.005', ['0', '1', '1'])).toEqual(['0', '0.505', '0.5']);
  });

  test('1.4 nonsense is refused', () => {
    const invalid = expect.objectContaining({ code: 'INVALID_WEIGHT' });
    expect(() => split('1', ['-1', '2'])).toThrow(invalid);
    expect(() => split('1', [])).toThrow(invalid);
    expect(split('0', [])).toEqual([]);
  });
});

describe('amounts that accumulate', () => {
  test('1.6 pieces cut anywhere add up to the fee', () => {
    const fee = fc.integer({ min: 1, max: 10_000_000 }).map((units) => Decimal.fromUnits(BigInt(units), 2));
    const cuts = fc.array(fc.integer({ min: 0, max: 2_678_400 }), { maxLength: 40 });
    fc.assert(
      fc.property(fee, cuts, (total, inner) => {
        const seconds = 2_678_400n;
        const points = [0n, ...inner.sort((a, b) => a - b).map(BigInt), seconds];
        const values = points.map((point) => cumulativeShare(total, point, seconds));
        const pieces = values.slice(1).map((value, index) => value.minus(values[index] ?? Decimal.ZERO));
        expect(Decimal.sum(pieces).equals(total)).toBe(true);
        expect(pieces.some((piece) => piece.isNegative())).toBe(false);
      }),
    );
  });

  test('1.6 a third is kept at 12 decimals and the whole is given back unrounded', () => {
    const fee = Decimal.parse('10.0000000000000001');
    expect(cumulativeShare(Decimal.of(10), 1n, 3n).toString()).toBe('3.333333333333');
    expect(cumulativeShare(fee, Decimal.parse('1.5'), Decimal.parse('1.50')).toString()).toBe(fee.toString());
    expect(cumulativeShare(Decimal.of(10), 1n, 3n, 2).toString()).toBe('3.33');
    expect(() => cumulativeShare(fee, 0n, 0n)).toThrow(expect.objectContaining({ code: 'DIVISION_BY_ZERO' }));
  });
});
