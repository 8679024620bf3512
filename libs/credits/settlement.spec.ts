import { Decimal } from '@tare/core';
import type { Grant } from '@tare/core';
import { settlePeriod } from './settlement.ts';

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
