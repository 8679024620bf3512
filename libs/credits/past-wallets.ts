import { Injectable } from '@nestjs/common';
import { MeterStore } from '@tare/catalog';
import { dayStart, dayStarts, Decimal, periodContains, returnedBurns, slotStart, standingBurns } from '@tare/core';
import type { HeldCredits, Instant, LedgerBurn, Period, Segment, TakenCredits } from '@tare/core';
import type { Customer } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { CreditStore, periodKey, type PeriodKey, type StoredGrant, type ToldElsewhere } from './credit.store.ts';
import { commitKey, type CreditDebit, type CreditReservation } from './debit.ts';
import { DebitStore } from './debit.store.ts';
import { cutsOfGrants } from './draw-down.ts';
import { RatedUsageReader } from './rated-usage.ts';
import { burningParts, demandsOf, keyOfPart, type BurningPart, type PartDemand } from './usage-demands.ts';
import { undoneRepayments } from './wallets.ts';

/** Whose wallet is asked for. */
export interface PastWalletQuery {
  readonly customer: Customer;
  /** All of the customer. */
  readonly segments: readonly Segment[];
  /** The balance is what something at this very instant finds: what was used before it is gone, what is used at it or later is there. */
  readonly at: Instant;
}

/** A wallet as it was at an instant. */
export interface PastWallet {
  /** Every grant of the customer with what it held, and what reservations held of it. */
  readonly grants: readonly StoredGrant[];
  /** Owed then, as far as no grant that was there then has paid it since. */
  readonly debt: Decimal;
}

/** The customer's day that an instant lies in, as far as a service period reaches. */
interface PartDay {
  readonly part: BurningPart;
  readonly day: Period;
}

/**
 * Wallets at an instant that is over, to the event (SEMANTICS 7.3, 12). The ledger is coarser: usage of a customer's day is posted at its beginning, and debits of
 * a quarter of an hour share a posting. So in the day that the instant lies in, usage is read again, and what was recorded of it and used later is given back:
 * the last recorded first, so that grants hold what they would if nothing had come after the instant. Debits are told by their own rows. What a reservation
 * held then it holds: the debit that its commit made later, which counts for its beginning, is given back, and it has run out when its time was over. Nothing is written.
 */
@Injectable()
export class PastWallets {
  constructor(
    private readonly store: CreditStore,
    private readonly debits: DebitStore,
    private readonly usage: RatedUsageReader,
    private readonly meters: MeterStore,
  ) {}

  /** What usage has brought by now is drawn already. */
  async wallet(tx: TenantTransaction, query: PastWalletQuery): Promise<PastWallet> {
    const { customer, at } = query;
    const days = daysAround(query);
    const told: ToldElsewhere = {
      at,
      debitsFrom: slotStart(at),
      usage: days.map(({ part, day }) => ({ ...keyOfPart(part), from: day.start })),
    };
    const before = await this.store.grantsBefore(tx, customer.id, told);
    const burnt = await this.burntBefore(tx, query, days, { told, grants: before });
    const debited = await this.debits.takenBetween(tx, customer.id, { start: told.debitsFrom, end: at });
    const owedByUsage = Decimal.sum(burnt.filter(({ against }) => against === 'DEBT').map(({ credits }) => credits));
    const held = await this.debits.reservationsOver(tx, customer.id, at);
    const committed = await this.committedLater(tx, customer.id, held);
    const owed = (await this.store.debtBefore(tx, customer.id, told)).plus(owedByUsage).plus(debited.debt);
    const debt = owed.minus(Decimal.sum(committed.map((debit) => debit.debt)));
    const unpaid = await this.paidAhead(tx, query, debt);
    const givenBack = committed.flatMap(({ taken }) => taken.map(negatedTaken));
    const moves = [...burnt.flatMap(takenOf), ...debited.taken, ...unpaid, ...givenBack];
    const released = held.filter(({ expiresAt }) => expiresAt <= at).flatMap((reservation) => reservation.held);
    return { grants: before.map((grant) => releasedBy(movedBy(grant, moves), released)), debt: Decimal.max(Decimal.ZERO, debt) };
  }

  /** Debits by which reservations that were open at the instant were committed since: they count for the beginning of the reservation. */
  private committedLater(tx: TenantTransaction, customerId: string, held: readonly CreditReservation[]): Promise<CreditDebit[]> {
    const keys = held.filter(({ status }) => status === 'COMMITTED').map(({ id }) => commitKey(id));
    return keys.length === 0 ? Promise.resolve([]) : this.debits.debits(tx, customerId, keys);
  }

  /** What was recorded of the usage of the days, and below zero what was used of it at the instant or later. */
  private async burntBefore(
    tx: TenantTransaction,
    { customer, segments, at }: PastWalletQuery,
    days: readonly PartDay[],
    { told, grants }: { told: ToldElsewhere; grants: readonly StoredGrant[] },
  ): Promise<LedgerBurn[]> {
    const recorded = await this.store.usageBurnsBefore(tx, customer.id, told.usage, at);
    if (recorded.length === 0) return [];
    const span = { start: Math.min(...days.map(({ day }) => day.start)), end: Math.max(...days.map(({ day }) => day.end)) };
    const meters = await this.meters.byKeys(tx);
    const cuts = cutsOfGrants(grants);
    const usage = await this.usage.read(tx, { customerNo: customer.no, segments, meters, span, cuts: [...cuts, at], upToSeq: null });
    const earlier = new Map([...usage].map(([segmentId, records]) => [segmentId, records.filter(({ from }) => from < at)]));
    const wanted = creditsOf(days, (parts) => demandsOf(parts, { usage, meters, cuts }));
    const wantedBefore = creditsOf(days, (parts) => demandsOf(parts, { usage: earlier, meters, cuts }));
    const later = [...sumsOf(recorded)].map(([name, burnt]) =>
      laterOf(burnt, wanted.get(name) ?? Decimal.ZERO, wantedBefore.get(name) ?? Decimal.ZERO),
    );
    // What was given back in these days of burns from before them stands against nothing here.
    const standing = Decimal.sum(standingBurns(recorded).map(({ credits }) => credits));
    return [...recorded, ...returnedBurns(recorded, Decimal.min(standing, Decimal.sum(later)))];
  }

  /** Debts that arose later, and that grants which began by then paid as they began: those grants still held it. Below zero, as what is given back. */
  private async paidAhead(tx: TenantTransaction, { customer, at }: PastWalletQuery, debt: Decimal): Promise<TakenCredits[]> {
    if (!debt.isNegative()) return [];
    const paid = await this.store.repayments(tx, customer.id, null, at);
    return undoneRepayments(paid, debt.negated()).map(negatedTaken);
  }
}

/** Days that began before the instant, of the service periods that it lies in. */
function daysAround({ segments, at }: PastWalletQuery): PartDay[] {
  return burningParts(segments, { start: at, end: at + 1 }).flatMap((part) => {
    const { segment, period } = part;
    const start = Math.max(period.start, dayStart(at, segment.timeZone));
    if (!periodContains(period, at) || start === at) return [];
    const [, next] = dayStarts({ start, end: period.end }, segment.timeZone);
    return [{ part, day: { start, end: next ?? period.end } }];
  });
}

const nameOf = (period: PeriodKey, dimensionKey: string): string => `${periodKey(period)} ${dimensionKey}`;

/** What the days ask for, by period and dimensions: a demand begins where its piece of a day does, so none reaches out of it. */
function creditsOf(days: readonly PartDay[], demandsOf: (parts: readonly BurningPart[]) => readonly PartDemand[]): Map<string, Decimal> {
  return addedUp(
    days.flatMap(({ part, day }) =>
      demandsOf([part])
        .filter(({ at }) => periodContains(day, at))
        .map(({ key, credits }) => [nameOf(keyOfPart(part), key), credits] as const),
    ),
  );
}

/** What stands of burns, by period and dimensions. */
function sumsOf(burns: readonly (LedgerBurn & PeriodKey & { readonly dimensionKey: string })[]): Map<string, Decimal> {
  return addedUp(burns.map((burn) => [nameOf(burn, burn.dimensionKey), burn.credits]));
}

function addedUp(amounts: readonly (readonly [string, Decimal])[]): Map<string, Decimal> {
  const sums = new Map<string, Decimal>();
  for (const [name, amount] of amounts) sums.set(name, (sums.get(name) ?? Decimal.ZERO).plus(amount));
  return sums;
}

/**
 * How much of what a day burnt was used at the instant or later. Where less was recorded than the day asks for (what came after its period was closed burnt
 * elsewhere), the earlier usage counts as the one that was; where more was (credits that moved in time inside the period), what is above it stays.
 */
function laterOf(burnt: Decimal, wanted: Decimal, wantedBefore: Decimal): Decimal {
  return Decimal.max(Decimal.ZERO, Decimal.min(burnt, wanted).minus(wantedBefore));
}

function takenOf({ grantId, credits, revenue }: LedgerBurn): TakenCredits[] {
  return grantId === null ? [] : [{ grantId, credits, revenue }];
}

function negatedTaken({ grantId, credits, revenue }: TakenCredits): TakenCredits {
  return { grantId, credits: credits.negated(), revenue: revenue.negated() };
}

/** What reservations held of the grant whose time was over: nobody had ended them yet. */
function releasedBy(grant: StoredGrant, released: readonly HeldCredits[]): StoredGrant {
  const own = Decimal.sum(released.filter(({ grantId }) => grantId === grant.id).map(({ credits }) => credits));
  return own.isZero() ? grant : { ...grant, remaining: grant.remaining.plus(own), reserved: grant.reserved.minus(own) };
}

function movedBy(grant: StoredGrant, moves: readonly TakenCredits[]): StoredGrant {
  const own = moves.filter(({ grantId }) => grantId === grant.id);
  if (own.length === 0) return grant;
  return {
    ...grant,
    remaining: grant.remaining.minus(Decimal.sum(own.map(({ credits }) => credits))),
    priceUsed: grant.priceUsed.plus(Decimal.sum(own.map(({ revenue }) => revenue))),
  };
}
