import { Decimal } from '@tare/core';
import type { BurnAllocation, Grant, Instant } from '@tare/core';
import { randomUUID } from 'node:crypto';

/** Where credits are. ISSUED is the tenant's side of every grant; GRANT what a grant still holds; the rest is where credits went. */
export type Account = 'ISSUED' | 'GRANT' | 'BURNT' | 'EXPIRED' | 'UNCOVERED' | 'DEBT';

/** One row of the ledger, never changed. The rows of a `transactionId` sum to zero (SEMANTICS 7.1). */
export interface Posting {
  readonly transactionId: string;
  readonly account: Account;
  /** Of GRANT, and of BURNT and EXPIRED the grant that the credits came from; null where no grant covered them. */
  readonly grantId: string | null;
  /** Positive: into the account. */
  readonly credits: Decimal;
  /** On BURNT and EXPIRED only, in the currency of the grant's price (SEMANTICS 7.9). */
  readonly revenue: Decimal;
  /** When it counts. */
  readonly at: Instant;
  readonly subscriptionId: string | null;
  readonly periodId: string | null;
  readonly dimensionKey: string | null;
  readonly invoiceId: string | null;
}

/** What usage a posting settles; all null for what no usage caused. */
export type PostingCause = Pick<Posting, 'subscriptionId' | 'periodId' | 'dimensionKey' | 'invoiceId'>;

export const NO_CAUSE: PostingCause = { subscriptionId: null, periodId: null, dimensionKey: null, invoiceId: null };

type Entry = Pick<Posting, 'account' | 'grantId' | 'credits'> & { readonly revenue?: Decimal };

export function issuePostings(grant: Pick<Grant, 'id' | 'credits' | 'effectiveAt'>, cause: PostingCause = NO_CAUSE): Posting[] {
  return entries(grant.effectiveAt, cause, [
    { account: 'ISSUED', grantId: null, credits: grant.credits.negated() },
    { account: 'GRANT', grantId: grant.id, credits: grant.credits },
  ]);
}

/** Also for what is given back: then credits and revenue are below zero. */
export function burnPostings(
  at: Instant,
  cause: PostingCause,
  { grantId, credits, revenue }: Omit<BurnAllocation, 'demandIndex'>,
): Posting[] {
  return entries(at, cause, [
    { account: 'GRANT', grantId, credits: credits.negated() },
    { account: 'BURNT', grantId, credits, revenue },
  ]);
}

/** Usage that no grant covered: owed (DEBT), or billed or leaked (UNCOVERED), as the plan says (SEMANTICS 7.5). */
export function uncoveredPostings(at: Instant, cause: PostingCause, account: 'UNCOVERED' | 'DEBT', credits: Decimal): Posting[] {
  return entries(at, cause, [
    { account, grantId: null, credits: credits.negated() },
    { account: 'BURNT', grantId: null, credits },
  ]);
}

/** A debt is taken from the next grant: what was burnt without cover is burnt from it now, with its revenue. */
export function debtPostings(at: Instant, cause: PostingCause, grantId: string, credits: Decimal, revenue: Decimal): Posting[] {
  return entries(at, cause, [
    { account: 'GRANT', grantId, credits: credits.negated() },
    { account: 'BURNT', grantId, credits, revenue },
    { account: 'BURNT', grantId: null, credits: credits.negated() },
    { account: 'DEBT', grantId: null, credits },
  ]);
}

export function expiryPostings(at: Instant, grantId: string, credits: Decimal, revenue: Decimal): Posting[] {
  return entries(at, NO_CAUSE, [
    { account: 'GRANT', grantId, credits: credits.negated() },
    { account: 'EXPIRED', grantId, credits, revenue },
  ]);
}

/** Takes back what is left of a grant whose invoice was voided. */
export function withdrawalPostings(at: Instant, cause: PostingCause, grantId: string, credits: Decimal): Posting[] {
  return entries(at, cause, [
    { account: 'GRANT', grantId, credits: credits.negated() },
    { account: 'ISSUED', grantId: null, credits },
  ]);
}

/** The opposite of a recorded posting's transaction, entry by entry (SEMANTICS 7.8). */
export function reversedPostings(recorded: readonly Posting[], at: Instant): Posting[] {
  const transactionId = randomUUID();
  return recorded.map((posting) => ({
    ...posting,
    transactionId,
    at,
    credits: posting.credits.negated(),
    revenue: posting.revenue.negated(),
  }));
}

function entries(at: Instant, cause: PostingCause, rows: readonly Entry[]): Posting[] {
  const transactionId = randomUUID();
  return rows.map((row) => ({ revenue: Decimal.ZERO, ...row, transactionId, at, ...cause }));
}
