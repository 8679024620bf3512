import { Decimal } from '@tare/core';
import type { Grant, HeldCredits, Instant, TakenCredits } from '@tare/core';
import { randomUUID } from 'node:crypto';

/**
 * Where credits are. ISSUED is the tenant's side of every grant; GRANT what a grant still holds, RESERVED what reservations hold of it; the rest is where
 * credits went.
 */
export type Account = 'ISSUED' | 'GRANT' | 'RESERVED' | 'BURNT' | 'EXPIRED' | 'UNCOVERED' | 'DEBT';

/** What moved credits. */
export type Cause = 'GRANT' | 'USAGE' | 'DEBIT' | 'RESERVATION' | 'REPAYMENT' | 'EXPIRY' | 'VOID' | 'REFUND';

/** One row of the ledger, never changed. The rows of a `transactionId` sum to zero (SEMANTICS 7.1). */
export interface Posting extends PostingCause {
  readonly transactionId: string;
  readonly account: Account;
  /** Of GRANT and RESERVED, and of BURNT and EXPIRED the grant that the credits came from; null where no grant covered them. */
  readonly grantId: string | null;
  /** Positive: into the account. */
  readonly credits: Decimal;
  /** On BURNT and EXPIRED, and where price is taken back with credits; in the currency of the grant's price (SEMANTICS 7.9). */
  readonly revenue: Decimal;
  /** When it counts. */
  readonly at: Instant;
}

/** Why a posting was made; null for what does not apply. */
export interface PostingCause {
  readonly cause: Cause;
  readonly subscriptionId: string | null;
  /** The segment whose terms decided, and the start of the service period that it counts for. */
  readonly segmentId: string | null;
  readonly periodStart: Instant | null;
  /** The dimensions of the usage (`burnKey`). */
  readonly dimensionKey: string | null;
  /** Whose finalization or voiding it was. */
  readonly invoiceId: string | null;
}

export function causeOf(cause: Cause, more: Partial<PostingCause> = {}): PostingCause {
  return { cause, subscriptionId: null, segmentId: null, periodStart: null, dimensionKey: null, invoiceId: null, ...more };
}

type Entry = Pick<Posting, 'account' | 'grantId' | 'credits'> & { readonly revenue?: Decimal };

export function issuePostings(grant: Pick<Grant, 'id' | 'credits' | 'effectiveAt'>, cause: PostingCause = causeOf('GRANT')): Posting[] {
  return entries(grant.effectiveAt, cause, [
    { account: 'ISSUED', grantId: null, credits: grant.credits.negated() },
    { account: 'GRANT', grantId: grant.id, credits: grant.credits },
  ]);
}

/** Also for what is given back: then credits and revenue are below zero. */
export function burnPostings(at: Instant, cause: PostingCause, { grantId, credits, revenue }: TakenCredits): Posting[] {
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

/** A debt is taken from the next grant: what was burnt without cover is burnt from it now, with its revenue. Below zero: the repayment is taken back. */
export function repaymentPostings(at: Instant, cause: PostingCause, { grantId, credits, revenue }: TakenCredits): Posting[] {
  return entries(at, cause, [
    { account: 'GRANT', grantId, credits: credits.negated() },
    { account: 'BURNT', grantId, credits, revenue },
    { account: 'BURNT', grantId: null, credits: credits.negated() },
    { account: 'DEBT', grantId: null, credits },
  ]);
}

export function expiryPostings(at: Instant, { grantId, credits, revenue }: TakenCredits): Posting[] {
  return entries(at, causeOf('EXPIRY'), [
    { account: 'GRANT', grantId, credits: credits.negated() },
    { account: 'EXPIRED', grantId, credits, revenue },
  ]);
}

/** Takes back what is left of a grant, with its price: nobody earns that. */
export function withdrawalPostings(at: Instant, cause: PostingCause, { grantId, credits, revenue }: TakenCredits): Posting[] {
  return entries(at, cause, [
    { account: 'GRANT', grantId, credits: credits.negated(), revenue },
    { account: 'ISSUED', grantId: null, credits },
  ]);
}

/** Credits go from a grant to a reservation; below zero: back. */
export function holdPostings(at: Instant, held: readonly HeldCredits[]): Posting[] {
  return entries(
    at,
    causeOf('RESERVATION'),
    held.flatMap(({ grantId, credits }): Entry[] => [
      { account: 'GRANT', grantId, credits: credits.negated() },
      { account: 'RESERVED', grantId, credits },
    ]),
  );
}

/** Several entries under one transaction. */
export function entries(at: Instant, cause: PostingCause, rows: readonly Entry[], transactionId: string = randomUUID()): Posting[] {
  return rows.map((row) => ({ revenue: Decimal.ZERO, ...row, transactionId, at, ...cause }));
}
