import { Decimal } from '@tare/core';
import type { Posting } from './posting.ts';

/** What postings change of the sums that a wallet keeps. */
export function walletSums(postings: readonly Posting[]): { balance: Decimal; reserved: Decimal; debt: Decimal } {
  const sum = (account: Posting['account']): Decimal =>
    Decimal.sum(postings.filter((posting) => posting.account === account).map(({ credits }) => credits));
  return { balance: sum('GRANT'), reserved: sum('RESERVED'), debt: sum('DEBT').negated() };
}

/** What postings change of a grant. */
export interface MovedGrant {
  readonly grantId: string;
  remaining: Decimal;
  reserved: Decimal;
  priceUsed: Decimal;
}

export function movedGrants(postings: readonly Posting[]): MovedGrant[] {
  const moved = new Map<string, MovedGrant>();
  for (const { grantId, account, credits, revenue } of postings) {
    if (grantId === null) continue;
    const sums = moved.get(grantId) ?? { grantId, remaining: Decimal.ZERO, reserved: Decimal.ZERO, priceUsed: Decimal.ZERO };
    if (account === 'GRANT') sums.remaining = sums.remaining.plus(credits);
    if (account === 'RESERVED') sums.reserved = sums.reserved.plus(credits);
    sums.priceUsed = sums.priceUsed.plus(revenue);
    moved.set(grantId, sums);
  }
  return [...moved.values()];
}
