import { CodedError, Decimal, periodContains, segmentEnd, servicePeriodAt, WalletBook } from '@tare/core';
import type { CreditLapse, DecidedDebit, Instant, Period, Segment } from '@tare/core';
import { randomUUID } from 'node:crypto';
import type { StoredGrant, WalletRow } from './credit.store.ts';
import { commitKey, type CreditDebit, type CreditReservation, type WalletSums } from './debit.ts';
import type { EndedReservation, WalletWrite } from './debit.store.ts';
import { aheadOf, type PendingGrant } from './pending-grants.ts';
import { causeOf, entries, type Posting } from './posting.ts';
import type { WatchTerms } from './wallet-watch.ts';

/** What is asked of a wallet. */
export type WalletOrder =
  | { readonly kind: 'DEBIT'; readonly key: string; readonly credits: Decimal; readonly at: Instant; readonly feature: string | null }
  | {
      readonly kind: 'RESERVE';
      readonly id: string;
      readonly key: string;
      readonly credits: Decimal;
      readonly at: Instant;
      readonly ttlSeconds: number;
    }
  | { readonly kind: 'COMMIT'; readonly reservationId: string; readonly credits: Decimal }
  | { readonly kind: 'RELEASE'; readonly reservationId: string }
  /** Nothing but what time has done: reservations that have run out are released. */
  | { readonly kind: 'LOOK' };

/** What became of an order, and the wallet right after it. */
export interface WalletAnswer extends WalletSums {
  readonly debit: CreditDebit | null;
  readonly reservation: CreditReservation | null;
}

export type WalletOutcome = WalletAnswer | CodedError;

/** A wallet as it was loaded. */
export interface LoadedWallet {
  readonly row: WalletRow;
  readonly grants: readonly StoredGrant[];
  readonly reservations: readonly CreditReservation[];
  /** Those with credits to burn, oldest subscription first. */
  readonly segments: readonly Segment[];
  readonly settledUntil: ReadonlyMap<string, Instant>;
  /** Grants that plans make for the periods that run, and that are still to come. */
  readonly pending: readonly PendingGrant[];
  /** What periods that are over, or soon will be, do not carry on. */
  readonly lapses: readonly CreditLapse[];
  readonly watch: WatchTerms;
}

/** Rows that answer what was asked before. */
export interface KnownRows {
  readonly debits: ReadonlyMap<string, CreditDebit>;
  readonly reservations: readonly CreditReservation[];
}

/** Whose rule holds in a stretch of time, and what is decided there counts for. */
interface KnownPlace {
  readonly segment: Segment | null;
  readonly subscriptionId: string | null;
  readonly segmentId: string | null;
  readonly periodStart: Instant | null;
  readonly from: Instant;
  readonly until: Instant;
}

/** Credits that go one way: burnt from a grant, held of it, or covered by nothing. */
interface Move {
  readonly to: 'BURNT' | 'RESERVED' | 'DEBT' | 'UNCOVERED';
  readonly grantId: string | null;
  readonly slot: number;
  readonly place: KnownPlace;
  at: Instant;
  credits: Decimal;
  revenue: Decimal;
}

/** Postings of debits at nearly one time are one row: they carry the first of their times. */
const SLOT = 15 * 60 * 1_000_000;

/**
 * One wallet in memory, and what is decided on it before it is written: orders in the order in which they come. What has been decided and not been written is
 * lost with the lane; who writes it calls `written`.
 */
export class WalletLane {
  private readonly book: WalletBook;
  private readonly open: Map<string, CreditReservation>;
  private readonly ended = new Map<string, CreditReservation>();
  private version: number;
  private debits = new Map<string, CreditDebit>();
  private reservations: CreditReservation[] = [];
  private ending: EndedReservation[] = [];
  private moves: Move[] = [];
  private place: KnownPlace | null = null;
  private transactionId = randomUUID();
  /** Something was refused because of what the wallet holds: true only if that is what it holds. */
  refused = false;

  constructor(readonly wallet: LoadedWallet) {
    const { grants, row, reservations, lapses } = wallet;
    this.book = new WalletBook(grants, row.debt, Decimal.sum(reservations.map(({ uncovered }) => uncovered)), lapses);
    this.open = new Map(wallet.reservations.map((reservation) => [reservation.id, reservation]));
    this.version = wallet.row.version;
  }

  decide(order: WalletOrder, now: Instant, known: KnownRows): WalletOutcome {
    this.releaseExpired(now);
    switch (order.kind) {
      case 'DEBIT':
        return this.debit(order, now, known);
      case 'RESERVE':
        return this.reserve(order, now, known);
      case 'COMMIT':
        return this.commit(order, now, known);
      case 'RELEASE':
        return this.release(order, now, known);
      case 'LOOK':
        return this.answer(now, null, null);
      default:
        return order satisfies never;
    }
  }

  /** In grants, and of grants to come what nothing has been taken of yet. */
  availableAt(now: Instant): Decimal {
    const { debt, promisedDebt } = this.book;
    const ahead = this.aheadAt(now);
    const available = this.book.availableAt(now);
    return ahead.isPositive() ? available.plus(Decimal.max(Decimal.ZERO, ahead.minus(debt).minus(promisedDebt))) : available;
  }

  /** What is to be written; null: nothing. */
  pending(customerId: string): WalletWrite | null {
    if (this.debits.size + this.reservations.length + this.ending.length === 0) return null;
    const { version, transactionId, reservations, ending: ended } = this;
    return { customerId, version, transactionId, debits: [...this.debits.values()], postings: this.postings(), reservations, ended };
  }

  written(): void {
    this.version += 1;
    this.refused = false;
    this.debits = new Map();
    [this.reservations, this.ending, this.moves] = [[], [], []];
    this.transactionId = randomUUID();
  }

  get knownVersion(): number {
    return this.version;
  }

  private debit(order: WalletOrder & { kind: 'DEBIT' }, now: Instant, known: KnownRows): WalletOutcome {
    const before = known.debits.get(order.key) ?? this.debits.get(order.key);
    if (before !== undefined) return isSameDebit(before, order) ? this.answer(now, before, null) : reusedKey(order.key);
    const place = this.placeAt(order.at);
    const decided = this.book.debit(order.credits, order.at, place.segment?.terms ?? null, this.aheadAt(order.at));
    if (decided === null) return this.exhausted(order.credits, order.at);
    return this.answer(now, this.keep(order, decided, place), null);
  }

  private reserve(order: WalletOrder & { kind: 'RESERVE' }, now: Instant, known: KnownRows): WalletOutcome {
    const { id, key, credits, at, ttlSeconds } = order;
    const before = [...known.reservations, ...this.open.values(), ...this.ended.values()].find((one) => one.key === key);
    if (before !== undefined) {
      const isSame = before.credits.equals(credits) && before.ttlSeconds === ttlSeconds;
      return isSame ? this.answer(now, null, before) : reusedKey(key);
    }
    const decided = this.book.hold(credits, at, this.placeAt(at).segment?.terms ?? null, this.aheadAt(at));
    if (decided === null) return this.exhausted(credits, at);
    const uncovered = decided.uncovered.plus(decided.debt);
    const reservation: CreditReservation = {
      ...{ id, key, credits, at, ttlSeconds, expiresAt: at + ttlSeconds * 1_000_000, status: 'OPEN', held: decided.held, uncovered },
      committed: null,
    };
    this.move(reservation, at, 1);
    this.open.set(id, reservation);
    this.reservations.push(reservation);
    return this.answer(now, null, reservation);
  }

  private commit({ reservationId, credits }: WalletOrder & { kind: 'COMMIT' }, now: Instant, known: KnownRows): WalletOutcome {
    const reservation = this.found(reservationId, known);
    if (reservation === null) return unknownReservation(reservationId);
    if (reservation.status === 'COMMITTED' && reservation.committed?.equals(credits)) return this.answer(now, null, reservation);
    if (reservation.status !== 'OPEN') return endedReservation(reservation);
    const { at, held } = reservation;
    this.end(reservation, 'COMMITTED', now, credits);
    const place = this.placeAt(at);
    const decided = this.book.settle(credits, at, place.segment?.terms ?? null, held, this.aheadAt(at));
    const debit = this.keep({ key: commitKey(reservationId), credits, at, feature: null }, decided, place);
    return this.answer(now, debit, this.ended.get(reservationId) ?? null);
  }

  private release({ reservationId }: WalletOrder & { kind: 'RELEASE' }, now: Instant, known: KnownRows): WalletOutcome {
    const reservation = this.found(reservationId, known);
    if (reservation === null) return unknownReservation(reservationId);
    if (reservation.status === 'RELEASED' || reservation.status === 'EXPIRED') return this.answer(now, null, reservation);
    if (reservation.status !== 'OPEN') return endedReservation(reservation);
    this.end(reservation, 'RELEASED', now, null);
    return this.answer(now, null, this.ended.get(reservationId) ?? null);
  }

  private releaseExpired(now: Instant): void {
    if (this.open.size === 0) return;
    for (const reservation of [...this.open.values()]) if (reservation.expiresAt <= now) this.end(reservation, 'EXPIRED', now, null);
  }

  private end(reservation: CreditReservation, status: EndedReservation['status'], now: Instant, committed: Decimal | null): void {
    this.book.release(reservation.held, reservation.uncovered);
    this.move(reservation, now, -1);
    this.open.delete(reservation.id);
    this.ended.set(reservation.id, { ...reservation, status, committed });
    this.ending.push({ id: reservation.id, status, committed, at: now });
  }

  /** Credits that are sure to come for the period that the instant lies in: they may be owed until then (docs/decisions/0024). */
  private aheadAt(at: Instant): Decimal {
    const { pending, row } = this.wallet;
    if (pending.length === 0) return Decimal.ZERO;
    const inPeriod = pending.filter(({ period }) => periodContains(period, at));
    return Decimal.max(Decimal.ZERO, aheadOf(inPeriod, row.waiting));
  }

  /** Into the reservation, or out of it again. */
  private move({ held }: CreditReservation, at: Instant, sign: 1 | -1): void {
    for (const { grantId, credits } of held) {
      const moved = sign === 1 ? credits : credits.negated();
      this.add('RESERVED', grantId, moved, Decimal.ZERO, at, NO_PLACE);
    }
  }

  private keep(
    { key, credits, at, feature }: Pick<CreditDebit, 'key' | 'credits' | 'at' | 'feature'>,
    { taken, debt, uncovered }: DecidedDebit,
    place: KnownPlace,
  ): CreditDebit {
    const { subscriptionId, segmentId, periodStart } = place;
    const debit: CreditDebit = {
      key,
      credits,
      at,
      feature,
      reverses: null,
      taken,
      debt,
      uncovered,
      subscriptionId,
      segmentId,
      periodStart,
    };
    for (const part of taken) this.add('BURNT', part.grantId, part.credits, part.revenue, at, place);
    if (!debt.isZero()) this.add('DEBT', null, debt, Decimal.ZERO, at, place);
    if (!uncovered.isZero()) this.add('UNCOVERED', null, uncovered, Decimal.ZERO, at, place);
    this.debits.set(key, debit);
    return debit;
  }

  /** Adds to what is posted: what goes the same way at nearly the same time is one move. */
  private add(to: Move['to'], grantId: string | null, credits: Decimal, revenue: Decimal, at: Instant, place: KnownPlace): void {
    const slot = Math.floor(at / SLOT);
    const isSame = (move: Move | undefined): boolean =>
      move !== undefined && move.to === to && move.grantId === grantId && move.slot === slot && move.place === place;
    // Nearly always it is what the one before it was.
    const last = this.moves.at(-1);
    const move = isSame(last) ? last : this.moves.findLast(isSame);
    if (move === undefined) {
      this.moves.push({ to, grantId, slot, place, at, credits, revenue });
      return;
    }
    move.credits = move.credits.plus(credits);
    move.revenue = move.revenue.plus(revenue);
    if (at < move.at) move.at = at;
  }

  private postings(): Posting[] {
    return this.moves
      .filter(({ credits }) => !credits.isZero())
      .flatMap(({ to, grantId, at, credits, revenue, place }) => {
        const { subscriptionId, segmentId, periodStart } = place;
        const cause = causeOf(to === 'RESERVED' ? 'RESERVATION' : 'DEBIT', { subscriptionId, segmentId, periodStart });
        const from = { account: to === 'BURNT' || to === 'RESERVED' ? ('GRANT' as const) : to, grantId, credits: credits.negated() };
        return entries(at, cause, [from, { account: to === 'RESERVED' ? to : 'BURNT', grantId, credits, revenue }], this.transactionId);
      });
  }

  /** Whose rule holds at an instant, and with what its uncovered credits are billed; kept, since most debits are of one time. */
  private placeAt(at: Instant): KnownPlace {
    const { segments } = this.wallet;
    if (segments.length === 0) return NO_PLACE;
    if (this.place !== null && this.place.from <= at && at < this.place.until) return this.place;
    const segment = this.segmentAt(at);
    this.place = segment === null ? { ...NO_PLACE, ...this.stretchOf(at, null) } : this.placeOf(segment, at);
    return this.place;
  }

  /** The plan whose rule holds: a CREDIT plan before others with burn rates, then the oldest. */
  private segmentAt(at: Instant): Segment | null {
    const active = this.wallet.segments.filter((segment) => segment.start <= at && at < (segmentEnd(segment) ?? Infinity));
    return active.find(({ terms }) => terms.kind === 'CREDIT') ?? active[0] ?? null;
  }

  /** The service period that uncovered credits are billed with: the open one, where that of the debit is closed already. */
  private placeOf(segment: Segment, at: Instant): KnownPlace {
    const open = Math.max(at, this.wallet.settledUntil.get(segment.subscriptionId) ?? at);
    const own = this.segmentAt(open) ?? segment;
    const period = servicePeriodAt(own, open) ?? servicePeriodAt(segment, at);
    const place = { subscriptionId: own.subscriptionId, segmentId: own.id, periodStart: period?.start ?? null };
    return { segment, ...place, ...this.stretchOf(at, servicePeriodAt(segment, at)) };
  }

  /** Around the instant, up to where something begins or ends. */
  private stretchOf(at: Instant, period: Period | null): Pick<KnownPlace, 'from' | 'until'> {
    const { segments, settledUntil, lapses } = this.wallet;
    const bounds = segments.flatMap((segment) => [segment.start, segmentEnd(segment) ?? Infinity]);
    const edges = [...bounds, ...settledUntil.values(), ...lapses.map((lapse) => lapse.at)];
    const before = edges.filter((edge) => edge <= at);
    const after = edges.filter((edge) => edge > at);
    return { from: Math.max(period?.start ?? -Infinity, ...before), until: Math.min(period?.end ?? Infinity, ...after) };
  }

  private found(id: string, known: KnownRows): CreditReservation | null {
    return this.open.get(id) ?? this.ended.get(id) ?? known.reservations.find((one) => one.id === id) ?? null;
  }

  private exhausted(credits: Decimal, at: Instant): CodedError {
    this.refused = true;
    const left = this.availableAt(at).toString();
    return new CodedError('CREDITS_EXHAUSTED', `${credits.toString()} credits are asked for, and ${left} are there.`, 'credits');
  }

  private answer(now: Instant, debit: CreditDebit | null, reservation: CreditReservation | null): WalletAnswer {
    let reserved = Decimal.ZERO;
    if (this.open.size > 0) for (const { held } of this.open.values()) for (const { credits } of held) reserved = reserved.plus(credits);
    return { debit, reservation, available: this.availableAt(now), reserved, debt: this.book.debt };
  }
}

const NO_PLACE: KnownPlace = {
  ...{ segment: null, subscriptionId: null, segmentId: null, periodStart: null },
  ...{ from: -Infinity, until: Infinity },
};

function isSameDebit(debit: CreditDebit, { credits, feature }: WalletOrder & { kind: 'DEBIT' }): boolean {
  return debit.reverses === null && debit.credits.equals(credits) && debit.feature === feature;
}

function reusedKey(key: string): CodedError {
  return new CodedError('KEY_REUSED', `There is another debit or reservation with the key "${key}".`, 'key');
}

function unknownReservation(id: string): CodedError {
  return new CodedError('NOT_FOUND', `There is no reservation with id "${id}".`, 'reservation');
}

function endedReservation({ status, committed }: CreditReservation): CodedError {
  const how = committed === null ? status : `${status} with ${committed.toString()} credits`;
  return new CodedError('RESERVATION_ENDED', `The reservation is ${how} already.`, 'reservation');
}
