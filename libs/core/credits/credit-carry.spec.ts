import { Decimal } from '../money/index.ts';
import { notCarried, withoutLost } from './credit-carry.ts';
import type { Grant } from './grant.ts';

const d = (text: string): Decimal => Decimal.parse(text);

function grant(id: string, effectiveAt: number, remaining: string, more: Partial<Grant> = {}): Grant {
  const paid = { amount: d('10'), currency: 'USD' };
  const base = { id, credits: d('100'), remaining: d(remaining), costBasis: paid, priority: 0, promotional: false, createdAt: effectiveAt };
  return { ...base, effectiveAt, expiresAt: null, subscriptionId: 'team', ...more };
}

const carry = { subscriptionId: 'team', at: 10, maximum: d('60') };
const lost = (grants: Grant[], more: Partial<typeof carry> = {}): string[] =>
  notCarried(grants, { ...carry, ...more }).map(
    ({ grantId, credits, revenue }) => `${grantId} ${credits.toString()} ${revenue.toString()}`,
  );

test('7.9 above the maximum the oldest credits go, with the price that was paid for them', () => {
  expect(lost([grant('february', 5, '100'), grant('january', 0, '30')])).toEqual(['january 30 3', 'february 40 4']);
  expect(lost([grant('february', 5, '40'), grant('january', 0, '30')])).toEqual(['january 10 1']);
  expect(lost([grant('february', 5, '60')])).toEqual([]);
});

test('7.9 a rest of a rest earns what is left of the price', () => {
  const third = grant('third', 0, '70', {
    costBasis: { amount: d('1'), currency: 'USD' },
    credits: d('90'),
    priceUsed: d('0.222222222222'),
  });
  expect(lost([third], { maximum: d('0') })).toEqual(['third 70 0.777777777778']);
});

test('7.7 what a reservation holds counts as left and is not taken', () => {
  expect(lost([grant('held', 0, '20', { reserved: d('50') })])).toEqual(['held 10 1']);
  expect(lost([grant('held', 0, '20', { reserved: d('90') })])).toEqual(['held 20 2']);
});

test('only credits of the subscription that live beyond the instant are meant', () => {
  const others = [
    grant('pack', 0, '100', { subscriptionId: null }),
    grant('another subscription', 0, '100', { subscriptionId: 'other' }),
    grant('ends now', 0, '100', { expiresAt: 10 }),
    grant('begins now', 10, '100'),
  ];
  expect(lost(others, { maximum: d('0') })).toEqual([]);
});

test('what was lost is gone from the wallet, with its price', () => {
  const grants = [grant('january', 0, '100', { priceUsed: Decimal.ZERO }), grant('pack', 0, '5', { subscriptionId: null })];
  const left = withoutLost(grants, notCarried(grants, carry));
  expect(left.map(({ id, remaining, priceUsed }) => [id, remaining.toString(), priceUsed?.toString()])).toEqual([
    ['january', '60', '4'],
    ['pack', '5', undefined],
  ]);
});
