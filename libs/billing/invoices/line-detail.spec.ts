import { Decimal, type AssembledLine } from '@tare/core';
import { lineDetailOf, readLineDetail, readScopeKey, storedScopeKey } from './invoice.ts';

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

function readBack(line: AssembledLine, invoiceSubscriptionId: string | null = 'subscription', currency = 'USD') {
  const { quantity, exactAmount, amount } = line;
  const invoice = { invoiceSubscriptionId, currency };
  return readLineDetail(JSON.parse(lineDetailOf(line, invoice)), { quantity, exactAmount, amount, ...invoice });
}

const detailOf = ({ walk, rounding, lineDiscount, discounts, adjustsKind, credits, subscriptionId }: AssembledLine) => ({
  ...{ walk, rounding, lineDiscount, discounts, adjustsKind, credits, subscriptionId },
});
const text = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('8.4 a line of usage is explained as it was, from its columns and what is kept beside them', () => {
  expect(text(readBack(USAGE))).toEqual(text(detailOf(USAGE)));
  expect(lineDetailOf(USAGE, { invoiceSubscriptionId: 'subscription', currency: 'USD' })).toBe('{"units":"0.125"}');
});

test.each<[string, Partial<AssembledLine>]>([
  ['an allowance before', { walk: [{ description: 'included', quantity: d('1'), unitPrice: d('0'), amount: d('0') }, ...USAGE.walk] }],
  ['another quantity than the line', { quantity: d('4') }],
  ['another amount than the line', { exactAmount: d('0.376') }],
  ['a step that only looks like it', { walk: [{ description: 'Units', quantity: d('3'), unitPrice: d('0.125'), amount: d('0.375') }] }],
  ['no unit price', { walk: [{ description: 'units', quantity: d('3'), unitPrice: null, amount: d('0.375') }] }],
  ['no steps', { walk: [] }],
])('8.4 a walk with %s is kept step by step', (_, fields) => {
  const line = { ...USAGE, ...fields };
  expect(text(readBack(line))).toEqual(text(detailOf(line)));
});

test('1.5 a rounding to another increment than that of the currency is kept', () => {
  expect(text(readBack(USAGE, 'subscription', 'JPY'))).toEqual(text(detailOf(USAGE)));
  expect(text(readBack(USAGE, 'subscription', 'KWD'))).toEqual(text(detailOf(USAGE)));
});

test('8.3 what a line bills is named by its columns, unless it corrects another line or is named otherwise', () => {
  const period = { start: Date.parse('2026-03-01T00:00:00Z') * 1_000 + 7, end: Date.parse('2026-04-01T00:00:00Z') * 1_000 };
  const scopeKey = 'USAGE:segment:calls:2026-03-01T00:00:00.000007Z';
  const plain: AssembledLine = { ...USAGE, period, scopeKey };
  const lines: AssembledLine[] = [
    plain,
    { ...plain, group: 'gpt-5', scopeKey: `${scopeKey}:gpt-5` },
    { ...plain, kind: 'DELTA', adjusts: 'invoice' },
    { ...plain, scopeKey: 'another' },
  ];
  expect(lines.map(storedScopeKey)).toEqual(['', '', scopeKey, 'another']);
  expect(lines.map((line) => readScopeKey(storedScopeKey(line), line))).toEqual(lines.map((line) => line.scopeKey));
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
  const { quantity, exactAmount, amount } = USAGE;
  const columns = { quantity, exactAmount, amount, invoiceSubscriptionId: null, currency: 'JPY' };
  expect(text(readLineDetail(text(detailOf(USAGE)), columns))).toEqual(text(detailOf(USAGE)));
});
