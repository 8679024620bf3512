import { Decimal, type AssembledInvoice } from '@tare/core';
import { invoiceDetailOf, invoiceDetailText, readInvoiceDetail } from './invoice.ts';

const d = (text: string): Decimal => Decimal.parse(text);

const PLAIN: AssembledInvoice = {
  ...{ currency: 'USD', lines: [], subtotal: d('12.5'), discounts: d('2'), creditsApplied: Decimal.ZERO, taxBase: d('10.50') },
  ...{ taxes: [], creditsTaxed: 'AT_PURCHASE', untaxedBurns: Decimal.ZERO, tax: Decimal.ZERO, total: d('10.5') },
  ...{
    balanceApplied: Decimal.ZERO,
    balanceCarried: Decimal.ZERO,
    grants: [],
    discountUses: [],
    allowances: [],
    awaitingCost: [],
    leakage: [],
  },
};
const netOf = ({ subtotal, discounts }: AssembledInvoice): Decimal => subtotal.minus(discounts);
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('of an invoice without taxes, balances and credits nothing is kept that its columns tell', () => {
  expect(invoiceDetailText(PLAIN)).toBe('{}');
});

test.each<[string, Partial<AssembledInvoice>]>([
  ['nothing further', {}],
  [
    'taxes, and credits that are taxed when they are burnt',
    {
      taxBase: d('11.25'),
      taxes: [{ name: 'VAT "reduced"', percent: d('7'), base: d('11.25'), amount: d('0.79') }],
      creditsTaxed: 'AT_USE',
      untaxedBurns: d('-0.75'),
    },
  ],
  ['what it took from the balance', { balanceApplied: d('3.1') }],
  ['what it left on the balance', { balanceCarried: d('0.4') }],
  [
    'credits that wait for its payment',
    {
      grants: [
        {
          ...{ segmentId: 's', subscriptionId: 'u', key: 'k', credits: d('100'), costBasis: { amount: d('9.99'), currency: 'USD' } },
          ...{ effectiveAt: 5, expiresAt: null, promotional: false, priority: 0, grantedWhen: 'PAID' },
        },
      ],
    },
  ],
  [
    'uses of discounts, prices that await their cost, and leakage',
    {
      discountUses: [{ key: 'coupon', periodStart: 7, amount: d('1.5') }],
      awaitingCost: [{ priceKey: 'p', group: null, segmentId: 's', period: { start: 1, end: 2 }, scopeKey: 'USAGE:s:p:1', events: d('3') }],
      leakage: [{ segmentId: 's', period: { start: 1, end: 2 }, credits: d('4') }],
    },
  ],
])('what is kept of an invoice is read back whole: %s', (_, fields) => {
  const invoice: AssembledInvoice = { ...PLAIN, ...fields };
  const read = readInvoiceDetail(JSON.parse(invoiceDetailText(invoice)), netOf(invoice));
  expect(asJson(read)).toEqual(asJson(invoiceDetailOf(invoice)));
});
