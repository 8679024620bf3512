import { Decimal } from './decimal.ts';
import { CURRENCY_CODES, currencyOf, formatAmount, roundToBilling, stripeAmount } from './currency.ts';

const amount = (text: string) => Decimal.parse(text);

describe('the currency table', () => {
  test('1.5 every currency is billed at its ISO minor unit, except five at 0.010', () => {
    const exceptions = CURRENCY_CODES.filter((code) => {
      const { billingIncrement, minorUnits } = currencyOf(code);
      return !billingIncrement.equals(Decimal.fromUnits(1n, minorUnits));
    });
    expect(exceptions).toEqual(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);
    expect(exceptions.map((code) => currencyOf(code).billingIncrement.toFixed(3))).toEqual(Array(5).fill('0.010'));
  });

  test('1.5 the ISO minor units that are not two are these', () => {
    const withMinorUnits = (units: number) => CURRENCY_CODES.filter((code) => currencyOf(code).minorUnits === units).join(' ');
    expect(withMinorUnits(0)).toBe('BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF');
    expect(withMinorUnits(3)).toBe('BHD IQD JOD KWD LYD OMR TND');
    expect(withMinorUnits(4)).toBe('CLF UYW');
    expect(CURRENCY_CODES.filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
    expect(new Set(CURRENCY_CODES).size).toBe(CURRENCY_CODES.length);
  });

  test('1.5 the currencies of the largest economies are there with two decimals', () => {
    const codes =
      'USD CNY EUR INR GBP BRL CAD RUB MXN AUD IDR TRY SAR PLN CHF TWD SEK ARS THB AED ILS NOK SGD PHP MYR ZAR DKK HKD NGN EGP'.split(' ');
    expect(codes.filter((code) => currencyOf(code).billingIncrement.toString() !== '0.01')).toEqual([]);
  });

  test.each(['BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'])(
    '1.5 %s has no decimals, at Stripe neither',
    (code) => {
      expect(currencyOf(code)).toMatchObject({ minorUnits: 0, stripe: { decimals: 0, refusal: null } });
    },
  );

  test('1.5 ISK is billed whole and sent to Stripe x100', () => {
    const billed = roundToBilling(amount('1234.5'), 'ISK');
    expect([billed.toString(), stripeAmount(billed, 'ISK')]).toEqual(['1235', 123_500n]);
  });

  test.each(['HUF', 'TWD'])('1.5 %s is billed and sent with two decimals', (code) => {
    const billed = roundToBilling(amount('10.125'), code);
    expect([formatAmount(billed, code), stripeAmount(billed, code)]).toEqual(['10.13', 1_013n]);
  });

  test.each(['BHD', 'JOD', 'KWD', 'OMR', 'TND'])('1.5 %s is rounded so that the last of its three decimals is 0', (code) => {
    const billed = roundToBilling(amount('1.2345'), code);
    expect([formatAmount(billed, code), stripeAmount(billed, code)]).toEqual(['1.230', 1_230n]);
  });

  test.each(['UGX', 'MGA', 'IQD'])('1.5 %s is refused by the sync, not billed differently', (code) => {
    expect(() => stripeAmount(Decimal.ONE, code)).toThrow(expect.objectContaining({ code: 'CURRENCY_NOT_SYNCED' }));
  });

  test('1.5 nothing is rounded at the sync: a billed amount of any currency is an exact integer for Stripe', () => {
    const sent = CURRENCY_CODES.filter((code) => currencyOf(code).stripe.refusal === null);
    const isExact = (code: string) => stripeAmount(roundToBilling(amount('98765.43215'), code), code) > 0n;
    expect(sent.filter((code) => !isExact(code))).toEqual([]);
    expect(() => stripeAmount(amount('0.005'), 'USD')).toThrow(expect.objectContaining({ code: 'TOO_PRECISE' }));
  });

  test.each(['usd', 'XYZ', '', 'XAU', 'constructor'])('refuses %j as a currency', (code) => {
    expect(() => currencyOf(code, 'currency')).toThrow(expect.objectContaining({ code: 'UNKNOWN_CURRENCY', path: 'currency' }));
  });

  test('1.3 an amount is rounded half away from zero at the increment', () => {
    expect(['0.005', '-0.005', '0.0049', '2.675'].map((text) => formatAmount(roundToBilling(amount(text), 'USD'), 'USD'))).toEqual([
      '0.01',
      '-0.01',
      '0.00',
      '2.68',
    ]);
  });

  test('shows the decimals of the currency, and all digits of an amount that is not rounded yet', () => {
    expect([formatAmount(amount('12.3'), 'USD'), formatAmount(amount('12'), 'JPY'), formatAmount(amount('0.00012'), 'USD')]).toEqual([
      '12.30',
      '12',
      '0.00012',
    ]);
  });
});
