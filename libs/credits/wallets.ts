import { Injectable } from '@nestjs/common';
import { availableAt, breakage, Decimal, nextRevenue, notCarried, returnedBurns } from '@tare/core';
import type { CreditCarry, GrantToIssue, Instant, LedgerBurn, TakenCredits } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { withBurntSince } from './credit-lapses.ts';
import { CreditStore, type NewGrant, type PeriodKey, type StoredGrant } from './credit.store.ts';
import {
  burnPostings,
  causeOf,
  expiryPostings,
  issuePostings,
  repaymentPostings,
  uncoveredPostings,
  withdrawalPostings,
  type Posting,
  type PostingCause,
} from './posting.ts';
import { SettlementStore } from './settlement.store.ts';

/** Which invoice brings a plan's credits, and whether it sells them without tax. */
export type IssuingInvoice = Pick<NewGrant, 'invoiceId' | 'taxedAtUse'>;

/** What moves credits, inside a transaction that holds the wallet's lock (`CreditStore.lock`). */
@Injectable()
export class Wallets {
  constructor(
    private readonly store: CreditStore,
    private readonly settlements: SettlementStore,
  ) {}

  /** Issues a grant and pays a debt from it (SEMANTICS 7.5). Null when the customer has a grant with the key. */
  async issue(tx: TenantTransaction, grant: NewGrant): Promise<StoredGrant | null> {
    const inserted = await this.store.insertGrant(tx, grant);
    if (inserted === null) return null;
    const { subscriptionId, invoiceId } = grant;
    const issued = { ...inserted, remaining: inserted.credits };
    const debt = Decimal.min(await this.store.debt(tx, grant.customerId), issued.credits);
    const repaid = { grantId: issued.id, credits: debt, revenue: nextRevenue(issued, debt) };
    await this.store.post(tx, grant.customerId, [
      ...issuePostings(issued, causeOf('GRANT', { subscriptionId, invoiceId })),
      ...(debt.isPositive() ? repaymentPostings(issued.effectiveAt, causeOf('REPAYMENT', { subscriptionId, invoiceId }), repaid) : []),
    ]);
    const filled = availableAt(await this.store.grants(tx, grant.customerId), issued.effectiveAt);
    await this.store.markFilled(tx, grant.customerId, filled, issued.id);
    return { ...issued, remaining: issued.credits.minus(debt), priceUsed: debt.isPositive() ? repaid.revenue : issued.priceUsed };
  }

  /**
   * The grants that a plan makes, when the invoice of their period is finalized (SEMANTICS 7.6). Those that are there already stay as they are. Usage that
   * came before them waits to be drawn: it is looked at again.
   */
  async issueOfPlan(tx: TenantTransaction, customerId: string, by: IssuingInvoice, grants: readonly GrantToIssue[]): Promise<void> {
    for (const { key, credits, costBasis, effectiveAt, expiresAt, promotional, priority, subscriptionId } of grants) {
      const terms = { key, credits, costBasis, effectiveAt, expiresAt, promotional, priority };
      await this.issue(tx, { ...terms, customerId, source: 'PLAN', subscriptionId, ...by });
    }
    if (grants.length > 0) await this.store.markUndrawn(tx, customerId);
  }

  /**
   * What does not roll over into the next period of a plan becomes breakage where the ended one is over (SEMANTICS 7.9). Once what the period burnt is drawn,
   * and before the next one is granted its own. What was burnt since then was of what goes on.
   */
  async carryOver(tx: TenantTransaction, customerId: string, carry: CreditCarry): Promise<void> {
    const burnt = await this.store.burntSince(tx, customerId, carry.at);
    const lost = notCarried(withBurntSince(await this.store.grants(tx, customerId), burnt.get(carry.at)), carry);
    await this.store.post(
      tx,
      customerId,
      lost.flatMap((taken) => expiryPostings(carry.at, taken)),
    );
  }

  /** Records burns as they were decided: from now on they are the truth (SEMANTICS 7.3). Below zero: what was given back. */
  async postBurns(tx: TenantTransaction, customerId: string, burns: readonly DecidedBurn[]): Promise<void> {
    const isReturnOfDebt = ({ against, credits }: DecidedBurn): boolean => against === 'DEBT' && credits.isNegative();
    const others = burns.filter((burn) => !isReturnOfDebt(burn));
    await this.store.post(tx, customerId, others.flatMap(postingsOf));
    for (const burn of burns.filter(isReturnOfDebt)) await this.returnDebt(tx, customerId, burn);
  }

  /** Credits in grants that are gone at `upTo` become breakage, with the price paid for them, at their expiry (SEMANTICS 7.9). */
  async expireDue(tx: TenantTransaction, customerId: string, upTo: Instant): Promise<void> {
    const grants = await this.store.grants(tx, customerId);
    const postings = grants.flatMap((grant): Posting[] => {
      if (grant.expiresAt === null || grant.expiresAt > upTo || !grant.remaining.isPositive()) return [];
      return expiryPostings(grant.expiresAt, { grantId: grant.id, credits: grant.remaining, revenue: breakage(grant) });
    });
    await this.store.post(tx, customerId, postings);
  }

  /**
   * Undoes what the finalization of an invoice did to the wallet: what usage of the periods that it closed burnt is given back as it was recorded, the last
   * first (SEMANTICS 7.8), and so are debts that its grants paid; what is left of the grants that it issued is taken back. `at`: when that counts.
   */
  async reverseInvoice(tx: TenantTransaction, customerId: string, invoiceId: string, at: Instant): Promise<void> {
    const repaid = await this.store.repayments(tx, customerId, invoiceId);
    const cause = causeOf('VOID', { invoiceId });
    const undone = standingRepayments(repaid).reverse();
    await this.store.post(
      tx,
      customerId,
      undone.flatMap((taken) => repaymentPostings(at, { ...cause, cause: 'REPAYMENT' }, negated(taken))),
    );
    for (const part of await this.settlements.void(tx, invoiceId, at)) await this.reversePeriod(tx, customerId, part, invoiceId, at);
    const issued = (await this.store.grants(tx, customerId)).filter(
      (grant) => grant.invoiceId === invoiceId && grant.remaining.isPositive(),
    );
    await this.store.post(
      tx,
      customerId,
      issued.flatMap((grant) => withdrawalPostings(at, cause, allOf(grant))),
    );
  }

  private async reversePeriod(tx: TenantTransaction, customerId: string, part: PeriodKey, invoiceId: string, at: Instant): Promise<void> {
    const returned = returnedBurns(await this.store.usageBurns(tx, part, null));
    await this.postBurns(
      tx,
      customerId,
      returned.map(({ dimensionKey, subscriptionId, ...burn }) => ({
        ...burn,
        at,
        cause: causeOf('VOID', { ...part, subscriptionId, dimensionKey, invoiceId }),
      })),
    );
  }

  /** What the wallet still owes is owed no more; of what a grant paid since, the last one gets its credits back. */
  private async returnDebt(tx: TenantTransaction, customerId: string, { at, cause, credits }: DecidedBurn): Promise<void> {
    const back = credits.negated();
    const owed = Decimal.min(back, await this.store.debt(tx, customerId));
    if (owed.isPositive()) await this.store.post(tx, customerId, uncoveredPostings(at, cause, 'DEBT', owed.negated()));
    const left = back.minus(owed);
    if (!left.isPositive()) return;
    const postings: Posting[] = [];
    for (const taken of undoneRepayments(await this.store.repayments(tx, customerId), left)) {
      // The repayment is undone, and with it the debt that it had paid is gone too.
      postings.push(...repaymentPostings(at, { ...causeOf('REPAYMENT'), invoiceId: cause.invoiceId }, negated(taken)));
      postings.push(...uncoveredPostings(at, cause, 'DEBT', taken.credits.negated()));
    }
    await this.store.post(tx, customerId, postings);
  }
}

/** A burn with why and when it counts. */
export interface DecidedBurn extends LedgerBurn {
  readonly at: Instant;
  readonly cause: PostingCause;
}

function postingsOf({ at, cause, grantId, credits, revenue, against }: DecidedBurn): Posting[] {
  if (grantId !== null) return burnPostings(at, cause, { grantId, credits, revenue });
  return uncoveredPostings(at, cause, against === 'DEBT' ? 'DEBT' : 'UNCOVERED', credits);
}

/** `credits` of the debts that grants paid, the last grant first: what it gets back where the debt is not there (any more). */
export function undoneRepayments(recorded: readonly TakenCredits[], credits: Decimal): TakenCredits[] {
  let left = credits;
  const undone: TakenCredits[] = [];
  for (const taken of standingRepayments(recorded).reverse()) {
    const part = Decimal.min(left, taken.credits);
    if (!part.isPositive()) break;
    const revenue = part.equals(taken.credits) ? taken.revenue : taken.revenue.times(part).dividedBy(taken.credits, 12);
    undone.push({ ...taken, credits: part, revenue });
    left = left.minus(part);
  }
  return undone;
}

/** Repayments that have not been taken back. */
function standingRepayments(recorded: readonly TakenCredits[]): TakenCredits[] {
  const net = new Map<string, TakenCredits>();
  for (const taken of recorded) {
    const known = net.get(taken.grantId);
    net.set(
      taken.grantId,
      known ? { ...known, credits: known.credits.plus(taken.credits), revenue: known.revenue.plus(taken.revenue) } : taken,
    );
  }
  return [...net.values()].filter(({ credits }) => credits.isPositive());
}

function negated({ grantId, credits, revenue }: TakenCredits): TakenCredits {
  return { grantId, credits: credits.negated(), revenue: revenue.negated() };
}

function allOf(grant: StoredGrant): TakenCredits {
  return { grantId: grant.id, credits: grant.remaining, revenue: breakage(grant) };
}
