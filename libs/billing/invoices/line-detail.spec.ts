import { Decimal, type AssembledLine } from '@tare/core';
import { lineDetailOf, readLineDetail } from './invoice.ts';

const d = (text: string): Decimal => Decimal.parse(text);
const PERIOD = { start: 0, end: 1 };

const USAGE: AssembledLine = {
  ...{ scopeKey: 'USAGE:segment:calls:', kind: 'USAGE', priceKey: 'calls', group: null, description: 'Plan: calls', period: PERIOD },
  ...{
    segmentId: 'segment',
    subscriptionId: 'subscription',
    planVersionId: 'version',
    adjusts: null,
    adjustsKind: null,
    credits: Decimal.ZERO,
  },
  ...{ quantity: d('3'), exactAmount: d('0.375'), amount: d('0.38'), lineDiscount: Decimal.ZERO, discount: Decimal.ZERO, discounts: [] },
  walk: [{ description: 'units', quantity: d('3'), unitPrice: d('0.125'), amount: d('0.375') }],
  rounding: { exactAmount: d('0.375'), increment: d('0.01'), rounded: d('0.38'), alreadyBilled: Decimal.ZERO },
};

function readBack(line: AssembledLine, invoiceSubscriptionId: string | null = 'subscription') {
  const { exactAmount, amount } = line;
  return readLineDetail(JSON.parse(lineDetailOf(line, invoiceSubscriptionId)), { exactAmount, amount, invoiceSubscriptionId });
}

const detailOf = ({ walk, rounding, lineDiscount, discounts, adjustsKind, credits, subscriptionId }: AssembledLine) => ({
  ...{ walk, rounding, lineDiscount, discounts, adjustsKind, credits, subscriptionId },
});
const text = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('8.4 a line of usage is explained as it was, from its columns and what is kept beside them', () => {
  expect(text(readBack(USAGE))).toEqual(text(detailOf(USAGE)));
  expect(Object.keys(JSON.parse(lineDetailOf(USAGE, 'subscription')) as object)).toEqual(['walk', 'rounding']);
});

test('8.4 so is a line with everything: a part billed before, discounts, credits, a correction, words in any script', () => {
  const line: AssembledLine = {
    ...USAGE,
    ...{ kind: 'DELTA', adjusts: 'invoice', adjustsKind: 'USAGE', credits: d('12.5'), lineDiscount: d('0.01'), discount: d('0.03') },
    amount: d('-0.12'),
    exactAmount: d('-0.125'),
    discounts: [
      { key: 'spring "sale"', amount: d('0.01'), ofLine: true },
      { key: 'rest', amount: d('0.02'), ofLine: false },
    ],
    walk: [
      { description: 'tier 1 ("größer" \\ 数)', quantity: d('1'), unitPrice: null, amount: d('1.5') },
      { description: 'already billed', quantity: d('1'), unitPrice: d('0'), amount: d('-1.625') },
    ],
    rounding: { exactAmount: d('1.5'), increment: d('0.01'), rounded: d('1.5'), alreadyBilled: d('1.62') },
  };
  expect(text(readBack(line))).toEqual(text(detailOf(line)));
});

test('a line of another subscription than its invoice, or of one that is of none, keeps its own', () => {
  expect(readBack(USAGE, 'another').subscriptionId).toBe('subscription');
  expect(readBack({ ...USAGE, subscriptionId: '' }, null).subscriptionId).toBe('');
});

test('lines that were written whole are read as before', () => {
  const columns = { exactAmount: USAGE.exactAmount, amount: USAGE.amount, invoiceSubscriptionId: null };
  expect(text(readLineDetail(text(detailOf(USAGE)), columns))).toEqual(text(detailOf(USAGE)));
});
