import fc from 'fast-check';
import { Decimal as Oracle } from 'decimal.js';
import { CodedError } from '../coded-error.ts';
import { Decimal } from './decimal.ts';

const Exact = Oracle.clone({ precision: 400, rounding: Oracle.ROUND_HALF_UP, toExpNeg: -9e15, toExpPos: 9e15 });

/** Texts of decimals with up to 30 digits on either side of the point. */
const decimalText = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.option(fc.stringMatching(/^\d{1,30}$/), { nil: undefined }))
  .map(([negative, whole, fraction]) => `${negative ? '-' : ''}${whole}${fraction === undefined ? '' : `.${fraction}`}`);
const nonZeroText = decimalText.filter((text) => /[1-9]/.test(text));

function oracleText(value: Oracle): string {
  return value.isZero() ? '0' : value.toFixed();
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return 'none';
}

describe('an exact decimal', () => {
  test('1.1 adds, subtracts and multiplies exactly, whatever the size', () => {
    fc.assert(
      fc.property(decimalText, decimalText, (a, b) => {
        const [left, right] = [Decimal.parse(a), Decimal.parse(b)];
        expect(left.plus(right).toString()).toBe(oracleText(new Exact(a).plus(b)));
        expect(left.minus(right).toString()).toBe(oracleText(new Exact(a).minus(b)));
        expect(left.times(right).toString()).toBe(oracleText(new Exact(a).times(b)));
      }),
    );
  });

  test('1.3 divides and rounds half away from zero, as the oracle does', () => {
    fc.assert(
      fc.property(decimalText, nonZeroText, fc.nat(20), (a, b, decimals) => {
        expect(Decimal.parse(a).dividedBy(Decimal.parse(b), decimals).toString()).toBe(
          oracleText(new Exact(a).dividedBy(b).toDecimalPlaces(decimals)),
        );
        expect(Decimal.parse(a).roundedTo(decimals).toString()).toBe(oracleText(new Exact(a).toDecimalPlaces(decimals)));
      }),
    );
  });

  test('4.3 counts whole packages upwards, also below zero', () => {
    fc.assert(
      fc.property(decimalText, nonZeroText, (a, b) => {
        expect(Decimal.parse(a).ceilDividedBy(Decimal.parse(b)).toString()).toBe(oracleText(new Exact(a).dividedBy(b).ceil()));
      }),
    );
  });

  test('compares by value, not by the way it is written', () => {
    fc.assert(
      fc.property(decimalText, decimalText, (a, b) => {
        expect(Decimal.parse(a).compare(Decimal.parse(b))).toBe(new Exact(a).comparedTo(b));
        expect(Decimal.parse(a).equals(Decimal.parse(a.includes('.') ? `${a}00` : `${a}.0`))).toBe(true);
      }),
    );
  });

  test('survives the way to text and back', () => {
    fc.assert(
      fc.property(decimalText, (a) => {
        const text = Decimal.parse(a).toString();
        expect(text).toBe(oracleText(new Exact(a)));
        expect(Decimal.parse(text).toString()).toBe(text);
        expect(JSON.stringify({ amount: Decimal.parse(a) })).toBe(`{"amount":"${text}"}`);
      }),
    );
  });

  test.each([
    ['0.5', '1'],
    ['-0.5', '-1'],
    ['1.5', '2'],
    ['2.5', '3'],
    ['-2.5', '-3'],
    ['2.4999999999999999999', '2'],
    ['-0.4', '0'],
  ])('1.3 %s rounds to %s', (text, rounded) => {
    expect(Decimal.parse(text).roundedTo(0).toString()).toBe(rounded);
  });

  test('1.3 rounds to a multiple of an increment that is not a power of ten', () => {
    expect(Decimal.parse('0.125').roundedToIncrement(Decimal.parse('0.05')).toString()).toBe('0.15');
    expect(Decimal.parse('-0.125').roundedToIncrement(Decimal.parse('0.05')).toString()).toBe('-0.15');
    expect(Decimal.parse('7').roundedToIncrement(Decimal.parse('5')).toString()).toBe('5');
  });

  test.each([
    ['007', '7'],
    ['-0', '0'],
    ['-0.000', '0'],
    ['1e3', '1000'],
    ['1.25E+2', '125'],
    ['-5e-7', '-0.0000005'],
    ['1.500', '1.5'],
    ['123456789012345', '123456789012345'],
    ['1234567890123456', '1234567890123456'],
  ])('reads %s as %s', (text, plain) => {
    expect(Decimal.parse(text).toString()).toBe(plain);
  });

  test.each(['', '-', '+1', '.5', '1.', '1,5', ' 1', '1 ', '0x10', 'NaN', 'Infinity', '1e', '1e1000', '1_000', '--1', '١', '1\n'])(
    'refuses %j',
    (text) => {
      expect(codeOf(() => Decimal.parse(text))).toBe('INVALID_DECIMAL');
    },
  );

  test('refuses texts without end', () => {
    expect(codeOf(() => Decimal.parse('9'.repeat(1_001)))).toBe('INVALID_DECIMAL');
  });

  test('refuses division by zero and numbers that are not whole', () => {
    expect(codeOf(() => Decimal.ONE.dividedBy(Decimal.ZERO, 2))).toBe('DIVISION_BY_ZERO');
    expect(codeOf(() => Decimal.ONE.ceilDividedBy(Decimal.ZERO))).toBe('DIVISION_BY_ZERO');
    expect(codeOf(() => Decimal.of(1.5))).toBe('INVALID_DECIMAL');
    expect(codeOf(() => Decimal.of(2 ** 53))).toBe('INVALID_DECIMAL');
  });

  test('counts the digits that are really there', () => {
    const cases = ['1.500', '120', '0.05', '0', '-12.34'].map((text) => Decimal.parse(text));
    expect(cases.map((value) => [value.decimals, value.digits])).toEqual([
      [1, 2],
      [0, 3],
      [2, 1],
      [0, 1],
      [2, 4],
    ]);
  });

  test('pads to fixed decimals and refuses to round silently', () => {
    expect(Decimal.parse('12.3').toFixed(2)).toBe('12.30');
    expect(Decimal.parse('-0.05').toFixed(2)).toBe('-0.05');
    expect(Decimal.parse('5').toFixed(0)).toBe('5');
    expect(codeOf(() => Decimal.parse('0.005').toFixed(2))).toBe('TOO_PRECISE');
    expect(Decimal.parse('1.20').unitsAt(3)).toBe(1_200n);
  });

  test('sums, and finds the least and the greatest', () => {
    const values = ['0.1', '0.2', '-0.3', '5'].map((text) => Decimal.parse(text));
    const [first = Decimal.ZERO, ...others] = values;
    expect(Decimal.sum(values).toString()).toBe('5');
    expect(Decimal.min(first, ...others).toString()).toBe('-0.3');
    expect(Decimal.max(first, ...others).toString()).toBe('5');
  });
});
