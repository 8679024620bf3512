import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { burnCredits, reverseBurn } from './burn-credits.ts';
import { breakage } from './grant-rules.ts';
import { availableAt } from './usable-credits.ts';
import { applyExhaustion } from './exhaustion.ts';
import type { Grant } from './grant.ts';

const d = (text: string): Decimal => Decimal.parse(text);

function grant(id: string, more: Partial<Grant> & { paid?: string } = {}): Grant {
  const { paid, ...rest } = more;
  const costBasis = paid === undefined ? null : { amount: d(paid), currency: 'USD' };
  const credits = rest.credits ?? d('100');
  return {
    id,
    credits,
    remaining: credits,
    costBasis,
    priority: 0,
    effectiveAt: 0,
    expiresAt: null,
    promotional: paid === undefined,
    createdAt: 0,
    ...rest,
  };
}

const order = (grants: Grant[]): string[] => burnCredits(grants, [{ at: 5, credits: d('1100') }]).allocations.map(({ grantId }) => grantId);

test('7.2 lower priority burns first, then soonest expiry, promotional, lower price, oldest, id', () => {
  const ordered = [
    grant('first', { priority: -1 }),
    grant('soon', { expiresAt: 10, paid: '9' }),
    grant('later', { expiresAt: 20 }),
    grant('gift'),
    grant('gift with a value', { paid: '50', promotional: true }),
    grant('cheap', { paid: '1' }),
    grant('large and cheap', { credits: d('1000'), paid: '20', createdAt: -5 }),
    grant('dear', { paid: '3', createdAt: -1 }),
    grant('dear a', { paid: '3' }),
    grant('dear b', { paid: '3' }),
  ];
  const expected = ['first', 'soon', 'later', 'gift', 'gift with a value', 'cheap', 'large and cheap'];
  fc.assert(
    fc.property(fc.shuffledSubarray(ordered, { minLength: ordered.length }), (shuffled) => {
      expect(order(shuffled)).toEqual(expected);
      const all = burnCredits(shuffled, [{ at: 5, credits: d('5000') }]).allocations.map(({ grantId }) => grantId);
      expect(all).toEqual(ordered.map(({ id }) => id));
    }),
    { numRuns: 30 },
  );
});

test('7.2 expiry is exclusive: at that instant the grant is gone', () => {
  const one = grant('g', { effectiveAt: 5, expiresAt: 10 });
  expect(availableAt([one], 4).toString()).toBe('0');
  expect(availableAt([one], 5).toString()).toBe('100');
  expect(availableAt([one], 9).toString()).toBe('100');
  expect(availableAt([one], 10).toString()).toBe('0');
});

test('7.3 a debit uses what is effective at its own time, and the rest is uncovered', () => {
  const grants = [grant('old', { expiresAt: 10 }), grant('new', { effectiveAt: 10 })];
  const { allocations, uncovered } = burnCredits(grants, [
    { at: 9, credits: d('130') },
    { at: 10, credits: d('30') },
  ]);
  expect(allocations.map(({ demandIndex, grantId, credits }) => [demandIndex, grantId, credits.toString()])).toEqual([
    [0, 'old', '100'],
    [1, 'new', '30'],
  ]);
  expect(uncovered.map(({ demandIndex, credits }) => [demandIndex, credits.toString()])).toEqual([[0, '30']]);
});

test('7.4 what is burnt and what is left is what was granted, and never below zero', () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(amounts, amounts, (granted, wanted) => {
      const grants = granted.map((credits, index) => grant(`g${index}`, { credits: Decimal.of(credits) }));
      const { allocations, uncovered, remaining } = burnCredits(
        grants,
        wanted.map((credits) => ({ at: 1, credits: Decimal.of(credits) })),
      );
      const burnt = Decimal.sum(allocations.map(({ credits }) => credits));
      expect(burnt.plus(Decimal.sum(remaining.values())).toString()).toBe(Decimal.sum(grants.map(({ credits }) => credits)).toString());
      expect(burnt.plus(Decimal.sum(uncovered.map(({ credits }) => credits))).toString()).toBe(
        Decimal.sum(wanted.map((credits) => Decimal.of(credits))).toString(),
      );
      expect([...remaining.values()].some((left) => left.isNegative())).toBe(false);
    }),
  );
});

test('7.5 what no grant covers is leakage, billed, or a debt up to the limit, as the plan says', () => {
  const uncovered = [
    { demandIndex: 0, credits: d('30') },
    { demandIndex: 1, credits: d('40') },
  ];
  const settled = (creditExhaustion: 'BLOCK' | 'OVERAGE' | 'OVERDRAFT', debt = '0'): string[][] =>
    applyExhaustion({ creditExhaustion, overdraftLimit: d('50') }, uncovered, d(debt)).map(({ overage, debt: owed, leakage }) => [
      overage.toString(),
      owed.toString(),
      leakage.toString(),
    ]);
  expect(settled('BLOCK')).toEqual([
    ['0', '0', '30'],
    ['0', '0', '40'],
  ]);
  expect(settled('OVERAGE')).toEqual([
    ['30', '0', '0'],
    ['40', '0', '0'],
  ]);
  expect(settled('OVERDRAFT')).toEqual([
    ['0', '30', '0'],
    ['0', '20', '20'],
  ]);
  expect(settled('OVERDRAFT', '50')).toEqual([
    ['0', '0', '30'],
    ['0', '0', '40'],
  ]);
});

test('7.9 all burns of a grant and its breakage add up to the price paid', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 10 }), (burns) => {
      const bought = grant('g', { credits: d('700'), paid: '9.99' });
      const { allocations, remaining } = burnCredits(
        [bought],
        burns.map((credits) => ({ at: 1, credits: Decimal.of(credits) })),
      );
      const rest = breakage({ ...bought, remaining: remaining.get('g') ?? Decimal.ZERO });
      const revenue = Decimal.sum(allocations.map((allocation) => allocation.revenue));
      expect(revenue.plus(rest).toString()).toBe('9.99');
      expect(revenue.decimals).toBeLessThanOrEqual(12);
    }),
  );
});

test('7.9 burns in several runs have the revenue of one run', () => {
  const bought = grant('g', { credits: d('3'), paid: '1' });
  const once = burnCredits(
    [bought],
    [1, 1, 1].map(() => ({ at: 1, credits: d('1') })),
  ).allocations.map(({ revenue }) => revenue.toString());
  const later = burnCredits(
    [{ ...bought, remaining: d('2') }],
    [1, 1].map(() => ({ at: 1, credits: d('1') })),
  ).allocations.map(({ revenue }) => revenue.toString());
  expect(once).toEqual(['0.333333333333', '0.333333333334', '0.333333333333']);
  expect(later).toEqual(once.slice(1));
});

test('7.8 a reversal gives back the recorded allocations, the last one first', () => {
  const { allocations } = burnCredits(
    [grant('a', { priority: 1, paid: '10' }), grant('b', { priority: 2, paid: '20' })],
    [{ at: 1, credits: d('150') }],
  );
  const part = reverseBurn(allocations, d('70'));
  expect(part.map(({ grantId, credits, revenue }) => [grantId, credits.toString(), revenue.toString()])).toEqual([
    ['b', '-50', '-10'],
    ['a', '-20', '-2'],
  ]);
  const all = reverseBurn(allocations);
  expect(Decimal.sum(all.map(({ revenue }) => revenue)).toString()).toBe('-20');
  expect(() => reverseBurn(allocations, d('151'))).toThrow('More credits');
});
