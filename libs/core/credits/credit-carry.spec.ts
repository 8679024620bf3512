import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { lapsesOf, notCarried, withoutLapses, withoutLost } from './credit-carry.ts';
import type { CarriedGrant } from './credit-carry.ts';
import type { Grant } from './grant.ts';
import { availableAt } from './usable-credits.ts';
import { WalletBook } from './wallet-book.ts';

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

test('7.9 what was burnt since the instant was there then, and is not lost a second time', () => {
  const burnt: CarriedGrant[] = [{ ...grant('january', 0, '50'), burntSince: d('50') }];
  expect(notCarried(burnt, carry).map(({ credits }) => credits.toString())).toEqual(['40']);
});

test('7.9 from the instant on a wallet has what goes on, before it all, and what is used before is that much less lost', () => {
  const grants = [grant('january', 0, '100'), grant('pack', 0, '5', { subscriptionId: null })];
  const lapses = lapsesOf([{ carry, grants }]);
  expect([9, 10].map((at) => availableAt(grants, at, lapses).toString())).toEqual(['105', '65']);
  expect(withoutLapses(grants, lapses).map(({ remaining }) => remaining.toString())).toEqual(['60', '5']);
  const book = new WalletBook(grants, Decimal.ZERO, Decimal.ZERO, lapses);
  expect(book.debit(d('66'), 10, null)).toBeNull();
  book.debit(d('30'), 9, null);
  expect([9, 10].map((at) => book.availableAt(at).toString())).toEqual(['75', '65']);
  book.debit(d('20'), 10, null);
  expect([9, 10].map((at) => book.availableAt(at).toString())).toEqual(['55', '45']);
});

test('7.9 whatever is used on either side of the instant, what goes on is never more than the maximum, and none of it is lost', () => {
  const use = fc.record({ at: fc.constantFrom(9, 10), credits: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(fc.array(use, { maxLength: 12 }), fc.integer({ min: 0, max: 120 }), (uses, maximum) => {
      const limit = { ...carry, maximum: Decimal.of(maximum) };
      const grants = [grant('january', 0, '70'), grant('february', 5, '50')];
      const book = new WalletBook(grants, Decimal.ZERO, Decimal.ZERO, lapsesOf([{ carry: limit, grants }]));
      const taken = { before: Decimal.ZERO, since: new Map<string, Decimal>() };
      for (const { at, credits } of uses) {
        for (const part of book.debit(Decimal.of(credits), at, null)?.taken ?? []) {
          if (at === 9) taken.before = taken.before.plus(part.credits);
          else taken.since.set(part.grantId, (taken.since.get(part.grantId) ?? Decimal.ZERO).plus(part.credits));
        }
      }
      const since = Decimal.sum([...taken.since.values()]);
      expect(since.compare(limit.maximum)).toBeLessThanOrEqual(0);
      const left = book.grants.map((one): CarriedGrant => ({ ...one, burntSince: taken.since.get(one.id) ?? Decimal.ZERO }));
      const lostInTheEnd = Decimal.sum(notCarried(left, limit).map(({ credits }) => credits));
      const usable = Decimal.sum(book.grants.map(({ remaining }) => remaining)).minus(lostInTheEnd);
      expect(book.availableAt(10).toString()).toBe(usable.toString());
    }),
  );
});
