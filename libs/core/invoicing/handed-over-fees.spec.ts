import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import type { AssembledLine } from './assembled-invoice.ts';
import { isEmptyInvoice } from './assemble-invoice.ts';

const start = parseInstant('2026-01-11T00:00:00Z');
const end = parseInstant('2026-02-01T00:00:00Z');
const share = (amount: string) => ({ key: 'coupon', amount: Decimal.parse(amount), ofLine: false });

const line = (kind: AssembledLine['kind'], amount: string, more: Partial<AssembledLine> = {}): AssembledLine =>
  ({
    kind,
    priceKey: 'fee',
    amount: Decimal.parse(amount),
    discounts: [],
    credits: Decimal.ZERO,
    period: { start, end },
    ...more,
  }) as AssembledLine;
const credit = (amount: string, more: Partial<AssembledLine> = {}) => line('PRORATION_CREDIT', amount, more);
const charge = (amount: string, more: Partial<AssembledLine> = {}) => line('PRORATION_CHARGE', amount, more);
const isEmpty = (lines: AssembledLine[], tax = '0') => isEmptyInvoice({ lines, tax: Decimal.parse(tax) });

describe('6.1 a change that leaves every fee as it was is no invoice', () => {
  test.each([
    ['credit and charge of one fee', [credit('-21'), charge('21')]],
    ['of several fees, in any order', [credit('-21'), credit('-5', { priceKey: 'seat' }), charge('5', { priceKey: 'seat' }), charge('21')]],
    ['a fee of another name that is as high', [credit('-21'), charge('21', { priceKey: 'base' })]],
    [
      'discounts that are given back and taken again',
      [credit('-21', { discounts: [share('-2.1')] }), charge('21', { discounts: [share('2.1')] })],
    ],
  ])('%s', (_, lines) => {
    expect(isEmpty(lines)).toBe(true);
  });

  test.each([
    ['a fee that is higher', [credit('-21'), charge('42')]],
    ['two fees that come to as much', [credit('-21'), charge('20'), charge('1', { priceKey: 'other' })]],
    ['one fee that is new beside it', [credit('-21'), charge('21'), charge('5', { priceKey: 'seat' })]],
    ['only a credit', [credit('-21')]],
    ['a discount that is over', [credit('-21', { discounts: [share('-2.1')] }), charge('21')]],
    ['another discount', [credit('-21', { discounts: [share('-2.1')] }), charge('21', { discounts: [{ ...share('2.1'), key: 'other' }] })]],
    ['the fee of another time', [credit('-21'), charge('21', { period: { start, end: end + 1 } })]],
    ['usage beside it', [credit('-21'), charge('21'), line('USAGE', '0')]],
    ['credits that are granted', [credit('-21'), charge('21', { priceKey: null, credits: Decimal.ONE })]],
  ])('but one with %s is', (_, lines) => {
    expect(isEmpty(lines)).toBe(false);
  });

  test('and one with a tax is', () => {
    expect(isEmpty([credit('-21'), charge('21')], '0.01')).toBe(false);
    expect(isEmpty([], '0.01')).toBe(false);
    expect(isEmpty([])).toBe(true);
  });
});
