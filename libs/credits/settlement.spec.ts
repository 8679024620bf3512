import { Decimal } from '@tare/core';
import type { Grant } from '@tare/core';
import { settleLate, settlePeriod, uncoveredOf, type RecordedBurn } from './settlement.ts';

const decimal = (text: string) => Decimal.parse(text);
const grant = (id: string, remaining: string, more: Partial<Grant> = {}): Grant => ({
  id,
  credits: decimal('100'),
  remaining: decimal(remaining),
  costBasis: { amount: decimal('50'), currency: 'USD' },
  priority: 0,
  effectiveAt: 0,
  expiresAt: null,
  promotional: false,
  createdAt: 0,
  ...more,
});
const demand = (key: string, credits: string, at = 10) => ({ at, key, credits: decimal(credits) });
const burn = (grantId: string | null, key: string, credits: string, revenue = '0'): RecordedBurn => ({
  grantId,
  key,
  credits: decimal(credits),
  revenue: decimal(revenue),
  against: grantId === null ? 'UNCOVERED' : 'GRANT',
});
const BLOCK = { creditExhaustion: 'BLOCK' as const, overdraftLimit: null };
const OVERDRAFT = { creditExhaustion: 'OVERDRAFT' as const, overdraftLimit: decimal('5') };
const shown = (burns: readonly { grantId: string | null; credits: Decimal; against: string }[]) =>
  burns.map(({ grantId, credits, against }) => `${grantId ?? against} ${credits.toString()}`);

test('7.2 a period burns grants in their order and says what is left uncovered', () => {
  const wallet = { grants: [grant('second', '10', { priority: 1 }), grant('first', '10')], debt: Decimal.ZERO };
  const settled = settlePeriod(BLOCK, wallet, [demand('a', '12'), demand('b', '12')]);
  expect(shown(settled.burns)).toEqual(['first 10', 'second 2', 'second 8', 'UNCOVERED 4']);
  expect(settled.uncoveredCredits.toString()).toBe('4');
  expect(settled.wallet.grants.map(({ remaining }) => remaining.toString())).toEqual(['0', '0']);
});

test('7.5 an overdraft reaches to its limit, what is owed already counts', () => {
  const settled = settlePeriod(OVERDRAFT, { grants: [], debt: decimal('2') }, [demand('a', '10')]);
  expect(shown(settled.burns)).toEqual(['DEBT 3', 'UNCOVERED 7']);
  expect(settled.wallet.debt.toString()).toBe('5');
  expect(settled.uncoveredCredits.toString()).toBe('7');
});

test('7.3 late usage burns only what is more than was recorded, from what is effective now', () => {
  const wallet = { grants: [grant('old', '5', { expiresAt: 20 }), grant('now', '3', { effectiveAt: 20 })], debt: Decimal.ZERO };
  const settled = settleLate(BLOCK, wallet, [demand('a', '30'), demand('b', '4')], [burn('old', 'a', '25'), burn('old', 'b', '4')], 20);
  expect(shown(settled.burns)).toEqual(['now 3', 'UNCOVERED 2']);
  expect(settled.burns.every(({ at }) => at === 20)).toBe(true);
});

test('7.8 what was used less is given back to the grant that gave last, with its revenue', () => {
  const wallet = { grants: [grant('first', '0'), grant('second', '90', { priority: 1 })], debt: Decimal.ZERO };
  const recorded = [burn('second', 'a', '10', '5'), burn('first', 'a', '100', '50'), burn(null, 'a', '2')];
  const settled = settleLate(BLOCK, wallet, [demand('a', '95')], recorded, 20);
  expect(shown(settled.burns)).toEqual(['UNCOVERED -2', 'second -10', 'first -5']);
  expect(settled.burns.map(({ revenue }) => revenue.toString())).toEqual(['0', '-5', '-2.5']);
  expect(settled.uncoveredCredits.toString()).toBe('0');
  expect(uncoveredOf(recorded).toString()).toBe('2');
});

test('a closed period whose usage did not change settles nothing', () => {
  const wallet = { grants: [grant('first', '10')], debt: Decimal.ZERO };
  const recorded = [burn('first', 'a', '7', '3.5'), burn('first', 'a', '-2', '-1'), burn(null, 'b', '1')];
  const settled = settleLate(BLOCK, wallet, [demand('a', '5'), demand('b', '1')], recorded, 20);
  expect(settled.burns).toEqual([]);
  expect(settled.uncoveredCredits.toString()).toBe('1');
});
