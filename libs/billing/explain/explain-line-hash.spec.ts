import { Decimal, parseInstant } from '@tare/core';
import { lineHash, type HashedLine } from './explain-line-hash.ts';

const decimal = (text: string): Decimal => Decimal.parse(text);

const line: HashedLine = {
  scopeKey: 'USAGE:segment:tokens:2026-01-01T00:00:00.000Z',
  kind: 'USAGE',
  adjustsKind: null,
  adjusts: null,
  priceKey: 'tokens',
  planVersionId: 'version',
  segmentId: 'segment',
  subscriptionId: 'subscription',
  period: { start: parseInstant('2026-01-01T00:00:00Z'), end: parseInstant('2026-02-01T00:00:00Z') },
  quantity: decimal('12.5'),
  exactAmount: decimal('1.255'),
  amount: decimal('1.26'),
  discount: decimal('0.26'),
  lineDiscount: decimal('0.26'),
  discounts: [{ key: 'start', amount: decimal('0.26'), ofLine: true }],
  walk: [{ description: 'units', quantity: decimal('12.5'), unitPrice: decimal('0.1004'), amount: decimal('1.255') }],
  rounding: { exactAmount: decimal('1.255'), increment: decimal('0.01'), rounded: decimal('1.26'), alreadyBilled: Decimal.ZERO },
  credits: Decimal.ZERO,
};
const [step] = line.walk;
if (step === undefined) throw new Error('the line has a step');

test('the hash of a line is the same however its numbers were written, and for every text that is only for readers', () => {
  const hash = lineHash('USD', line);
  expect(hash).toBe('4a7d5794f36dc53d2ecfcef06401cc1474ce6473049b484ad880a8bde13e02ee');
  expect(lineHash('USD', { ...line, quantity: decimal('12.500'), walk: [{ ...step, description: 'Einheiten' }] })).toBe(hash);
});

test('any change of what decides the line changes its hash', () => {
  const changed: HashedLine[] = [
    { ...line, quantity: decimal('12.6') },
    { ...line, exactAmount: decimal('1.254') },
    { ...line, amount: decimal('1.25') },
    { ...line, discount: decimal('0.25') },
    { ...line, lineDiscount: Decimal.ZERO },
    { ...line, discounts: [] },
    { ...line, discounts: [{ key: 'start', amount: decimal('0.26'), ofLine: false }] },
    { ...line, planVersionId: 'another' },
    { ...line, segmentId: 'another' },
    { ...line, subscriptionId: 'another' },
    { ...line, priceKey: null },
    { ...line, scopeKey: 'FEE' },
    { ...line, kind: 'DELTA' },
    { ...line, adjusts: 'invoice' },
    { ...line, adjustsKind: 'USAGE' },
    { ...line, credits: Decimal.ONE },
    { ...line, period: { ...line.period, end: line.period.end + 1 } },
    { ...line, walk: [{ ...step, unitPrice: null }] },
    { ...line, walk: [step, { ...step, amount: Decimal.ZERO }] },
    { ...line, rounding: { ...line.rounding, alreadyBilled: Decimal.ONE } },
    { ...line, rounding: { ...line.rounding, increment: Decimal.ONE } },
  ];
  const hashes = [lineHash('USD', line), lineHash('EUR', line), ...changed.map((other) => lineHash('USD', other))];
  expect(new Set(hashes).size).toBe(hashes.length);
});
