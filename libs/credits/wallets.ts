import { Injectable } from '@nestjs/common';
import { breakage, Decimal, revenueOf } from '@tare/core';
import type { GrantToIssue, Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { CreditStore, type NewGrant, type StoredGrant } from './credit.store.ts';
import {
  burnPostings,
  debtPostings,
  expiryPostings,
  issuePostings,
  NO_CAUSE,
  reversedPostings,
  uncoveredPostings,
  withdrawalPostings,
  type Posting,
  type PostingCause,
} from './posting.ts';
import type { Settlement } from './settlement.ts';

/** What moves credits, inside a transaction that holds the wallet's lock (`CreditStore.lock`). */
@Injectable()
export class Wallets {
  constructor(private readonly store: CreditStore) {}

  /** Issues a grant and pays a debt from it (SEMANTICS 7.5). Null when the customer has a grant with the key. */
  async issue(tx: TenantTransaction, grant: NewGrant): Promise<StoredGrant | null> {
    const issued = await this.store.insertGrant(tx, grant);
    if (issued === null) return null;
    const cause = { ...NO_CAUSE, subscriptionId: grant.subscriptionId, invoiceId: grant.invoiceId };
    const debt = Decimal.min(await this.store.debt(tx, grant.customerId), issued.credits);
    const repaid = debt.isPositive() ? debtPostings(issued.effectiveAt, cause, issued.id, debt, revenueOf(issued, Decimal.ZERO, debt)) : [];
    await this.store.post(tx, grant.customerId, [...issuePostings(issued, cause), ...repaid]);
    return { ...issued, remaining: issued.credits.minus(debt) };
  }

  /** The grants that a plan makes, when the invoice of their period is finalized (SEMANTICS 7.6). Those that are there already stay as they are. */
  async issueOfPlan(tx: TenantTransaction, customerId: string, invoiceId: string | null, grants: readonly GrantToIssue[]): Promise<void> {
    for (const { key, credits, costBasis, effectiveAt, expiresAt, promotional, priority, subscriptionId } of grants) {
      const terms = { key, credits, costBasis, effectiveAt, expiresAt, promotional, priority };
      await this.issue(tx, { ...terms, customerId, source: 'PLAN', subscriptionId, invoiceId });
    }
  }

  /** Posts a planned settlement of a service period: from now on it is the truth (SEMANTICS 7.3). */
  async postSettlement(
    tx: TenantTransaction,
    customerId: string,
    cause: Omit<PostingCause, 'dimensionKey'>,
    { burns }: Settlement,
  ): Promise<void> {
    const postings = burns.flatMap((burn) => {
      const because = { ...cause, dimensionKey: burn.key };
      if (burn.grantId === null) return uncoveredPostings(burn.at, because, burn.against === 'DEBT' ? 'DEBT' : 'UNCOVERED', burn.credits);
      return burnPostings(burn.at, because, { grantId: burn.grantId, credits: burn.credits, revenue: burn.revenue });
    });
    await this.store.post(tx, customerId, postings);
  }

  /** Credits in grants that are gone at `upTo` become breakage, with the price paid for them, at their expiry (SEMANTICS 7.9). */
  async expireDue(tx: TenantTransaction, customerId: string, upTo: Instant): Promise<void> {
    const grants = await this.store.grants(tx, customerId);
    const postings = grants.flatMap((grant): Posting[] => {
      if (grant.expiresAt === null || grant.expiresAt > upTo || !grant.remaining.isPositive()) return [];
      return expiryPostings(grant.expiresAt, grant.id, grant.remaining, breakage(grant));
    });
    await this.store.post(tx, customerId, postings);
  }

  /**
   * Undoes what the finalization of an invoice did to the wallet: burns, and debts that its grants paid, are reversed as they were recorded, the last
   * first (SEMANTICS 7.8), and what is left of the grants that it issued is taken back. `at`: when that counts.
   */
  async reverseInvoice(tx: TenantTransaction, customerId: string, invoiceId: string, at: Instant): Promise<void> {
    const recorded = await this.store.postingsOf(tx, invoiceId);
    const transactions = new Map<string, Posting[]>();
    for (const posting of recorded) transactions.set(posting.transactionId, [...(transactions.get(posting.transactionId) ?? []), posting]);
    const burns = [...transactions.values()].filter(
      (postings) => postings.every(({ periodId }) => periodId !== null) || isRepayment(postings),
    );
    await this.store.post(
      tx,
      customerId,
      burns.reverse().flatMap((postings) => reversedPostings(postings, at)),
    );
    const cause = { ...NO_CAUSE, invoiceId };
    const issued = (await this.store.grants(tx, customerId)).filter(
      (grant) => grant.invoiceId === invoiceId && grant.remaining.isPositive(),
    );
    await this.store.post(
      tx,
      customerId,
      issued.flatMap((grant) => withdrawalPostings(at, cause, grant.id, grant.remaining)),
    );
  }
}

/** A debt that a grant paid when it was issued: no period's burn, but it goes with the grant. */
function isRepayment(postings: readonly Posting[]): boolean {
  return postings.some(({ account, periodId }) => account === 'DEBT' && periodId === null);
}
