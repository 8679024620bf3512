import fc from 'fast-check';
import { CodedError } from '../coded-error.ts';
import { Decimal } from './decimal.ts';
import { decimalFromJson, PRICE_PRECISION, QUANTITY_PRECISION, requirePrecision } from './precision.ts';

function errorOf(action: () => unknown): CodedError | null {
  try {
    action();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  return null;
}

describe('numbers on the wire', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [12, '12'],
    [-12, '-12'],
    [0.1, '0.1'],
    [2.8e-9, '0.0000000028'],
    [123456789.012345, '123456789.012345'],
    [999999999999999, '999999999999999'],
    [9007199254740000, '9007199254740000'],
    [1e15, '1000000000000000'],
  ])('1.1 the JSON number %d is taken as %s', (value, text) => {
    expect(decimalFromJson(value, 'quantity').toString()).toBe(text);
  });

  test.each([0.1 + 0.2, 1 / 3, 9007199254740991, 2 ** 53, 2 ** 53 + 2, 1e16, 1e300, NaN, Infinity, 1234567890.1234567])(
    '1.1 the JSON number %d is refused: it may not be what was written',
    (value) => {
      const error = errorOf(() => decimalFromJson(value, 'tokens.input'));
      expect([error?.code, error?.path]).toEqual(['NUMBER_NOT_EXACT', 'tokens.input']);
    },
  );

  test('1.1 a number of at most 15 significant digits is taken for exactly what was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999_999_999 }), fc.integer({ min: 0, max: 20 }), (units, decimals) => {
        const written = `${units}e-${decimals}`;
        expect(decimalFromJson(JSON.parse(written), 'quantity').equals(Decimal.parse(written))).toBe(true);
      }),
    );
  });

  test('1.1 a string is the exact form, of any length', () => {
    expect(decimalFromJson('0.30000000000000004', 'quantity').toString()).toBe('0.30000000000000004');
    expect(decimalFromJson('9007199254740993', 'quantity').toString()).toBe('9007199254740993');
  });

  test.each([null, undefined, true, {}, [], '1,5', ''])('1.1 %j is not a number at all', (value) => {
    const error = errorOf(() => decimalFromJson(value, 'quantity'));
    expect([error?.code, error?.path]).toEqual(['INVALID_DECIMAL', 'quantity']);
  });

  test('1.2 a price keeps 18 decimals and is refused with 19, never cut', () => {
    expect(requirePrecision(Decimal.parse('0.000000000000000001'), PRICE_PRECISION).toString()).toBe('0.000000000000000001');
    expect(errorOf(() => requirePrecision(Decimal.parse('0.0000000000000000001'), PRICE_PRECISION, 'unitPrice'))).toMatchObject({
      code: 'TOO_PRECISE',
      path: 'unitPrice',
    });
  });

  test('1.2 a quantity keeps 12 decimals and 30 digits', () => {
    const widest = '999999999999999999.999999999999';
    expect(requirePrecision(Decimal.parse(widest), QUANTITY_PRECISION).toString()).toBe(widest);
    expect(errorOf(() => requirePrecision(Decimal.parse(`1${widest}`), QUANTITY_PRECISION))?.code).toBe('TOO_PRECISE');
    expect(errorOf(() => requirePrecision(Decimal.parse('0.0000000000001'), QUANTITY_PRECISION))?.code).toBe('TOO_PRECISE');
    expect(requirePrecision(Decimal.parse('1.5000000000000000'), QUANTITY_PRECISION).toString()).toBe('1.5');
  });
});
