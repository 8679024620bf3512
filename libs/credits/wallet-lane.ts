import { CodedError, Decimal, segmentEnd, servicePeriodAt, WalletBook } from '@tare/core';
import type { DecidedDebit, Instant, Segment } from '@tare/core';
import { randomUUID } from 'node:crypto';
import type { StoredGrant, WalletRow } from './credit.store.ts';
import type { CreditDebit, CreditReservation, WalletSums } from './debit.ts';
import type { EndedReservation, WalletWrite } from './debit.store.ts';
import { causeOf, type Cause, type Posting } from './posting.ts';
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
  readonly watch: WatchTerms;
}

/** Rows that answer what was asked before. */
export interface KnownRows {
  readonly debits: ReadonlyMap<string, CreditDebit>;
  readonly reservations: readonly CreditReservation[];
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
  private debits: CreditDebit[] = [];
  private reservations: CreditReservation[] = [];
  private ending: EndedReservation[] = [];
  private postings = new Map<string, Posting>();
  private transactionId = randomUUID();
  /** Something was refused because of what the wallet holds: true only if that is what it holds. */
  refused = false;

  constructor(readonly wallet: LoadedWallet) {
    this.book = new WalletBook(wallet.grants, wallet.row.debt, Decimal.sum(wallet.reservations.map(({ uncovered }) => uncovered)));
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

  availableAt(now: Instant): Decimal {
    return this.book.availableAt(now);
  }

  /** What is to be written; null: nothing. */
  pending(customerId: string): WalletWrite | null {
    const postings = [...this.postings.values()].filter(({ credits, revenue }) => !credits.isZero() || !revenue.isZero());
    if (this.debits.length + this.reservations.length + this.ending.length + postings.length === 0) return null;
    return { customerId, version: this.version, debits: this.debits, postings, reservations: this.reservations, ended: this.ending };
  }

  written(): void {
    this.version += 1;
    this.refused = false;
    [this.debits, this.reservations, this.ending] = [[], [], []];
    this.postings = new Map();
    this.transactionId = randomUUID();
  }

  get knownVersion(): number {
    return this.version;
  }

  private debit(order: WalletOrder & { kind: 'DEBIT' }, now: Instant, known: KnownRows): WalletOutcome {
    const before = known.debits.get(order.key) ?? this.debits.find(({ key }) => key === order.key);
    if (before !== undefined) return isSameDebit(before, order) ? this.answer(now, before, null) : reusedKey(order.key);
    const segment = this.segmentAt(order.at);
    const decided = this.book.debit(order.credits, order.at, segment?.terms ?? null);
    if (decided === null) return this.exhausted(order.credits, order.at);
    const { key, credits, at, feature } = order;
    return this.answer(now, this.keep({ key, credits, at, feature }, decided, segment), null);
  }

  private reserve(order: WalletOrder & { kind: 'RESERVE' }, now: Instant, known: KnownRows): WalletOutcome {
    const { id, key, credits, at, ttlSeconds } = order;
    const before = [...known.reservations, ...this.open.values(), ...this.ended.values()].find((one) => one.key === key);
    if (before !== undefined) {
      const isSame = before.credits.equals(credits) && before.ttlSeconds === ttlSeconds;
      return isSame ? this.answer(now, null, before) : reusedKey(key);
    }
    const terms = this.segmentAt(at)?.terms ?? null;
    const decided = this.book.hold(credits, at, terms);
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
    const segment = this.segmentAt(at);
    const decided = this.book.settle(credits, at, segment?.terms ?? null, held);
    const debit = this.keep({ key: `reservation:${reservationId}`, credits, at, feature: null }, decided, segment);
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
    this.book.release(reservation.held, this.promiseOf(reservation));
    this.move(reservation, now, -1);
    this.open.delete(reservation.id);
    this.ended.set(reservation.id, { ...reservation, status, committed });
    this.ending.push({ id: reservation.id, status, committed });
  }

  /** Only an overdraft is promised: overage has no limit to keep free for. */
  private promiseOf({ uncovered, at }: CreditReservation): Decimal {
    return this.segmentAt(at)?.terms.creditExhaustion === 'OVERDRAFT' ? uncovered : Decimal.ZERO;
  }

  /** Into the reservation, or out of it again. */
  private move({ held }: CreditReservation, at: Instant, sign: 1 | -1): void {
    for (const { grantId, credits } of held) {
      const moved = sign === 1 ? credits : credits.negated();
      this.post('RESERVATION', 'GRANT', grantId, moved.negated(), Decimal.ZERO, at, null);
      this.post('RESERVATION', 'RESERVED', grantId, moved, Decimal.ZERO, at, null);
    }
  }

  private keep(
    order: Pick<CreditDebit, 'key' | 'credits' | 'at' | 'feature'>,
    { taken, debt, uncovered }: DecidedDebit,
    segment: Segment | null,
  ): CreditDebit {
    const place = segment === null ? null : this.placeOf(segment, order.at);
    const debit: CreditDebit = { ...order, reverses: null, taken, debt, uncovered, ...(place ?? NOWHERE) };
    for (const { grantId, credits, revenue } of taken) {
      this.post('DEBIT', 'GRANT', grantId, credits.negated(), Decimal.ZERO, order.at, debit);
      this.post('DEBIT', 'BURNT', grantId, credits, revenue, order.at, debit);
    }
    for (const [account, credits] of [['DEBT', debt] as const, ['UNCOVERED', uncovered] as const]) {
      if (credits.isZero()) continue;
      this.post('DEBIT', account, null, credits.negated(), Decimal.ZERO, order.at, debit);
      this.post('DEBIT', 'BURNT', null, credits, Decimal.ZERO, order.at, debit);
    }
    this.debits.push(debit);
    return debit;
  }

  private post(
    cause: Cause,
    account: Posting['account'],
    grantId: string | null,
    credits: Decimal,
    revenue: Decimal,
    at: Instant,
    place: Pick<CreditDebit, 'subscriptionId' | 'segmentId' | 'periodStart'> | null,
  ): void {
    const name = `${cause}|${account}|${grantId ?? ''}|${place?.segmentId ?? ''}|${place?.periodStart ?? ''}|${Math.floor(at / SLOT)}`;
    const known = this.postings.get(name);
    if (known !== undefined) {
      const sum = { credits: known.credits.plus(credits), revenue: known.revenue.plus(revenue), at: Math.min(known.at, at) };
      this.postings.set(name, { ...known, ...sum });
      return;
    }
    const { subscriptionId, segmentId, periodStart } = place ?? NOWHERE;
    const because = causeOf(cause, { subscriptionId, segmentId, periodStart });
    this.postings.set(name, { ...because, transactionId: this.transactionId, account, grantId, credits, revenue, at });
  }

  /** The plan whose rule holds: a CREDIT plan before others with burn rates, then the oldest. */
  private segmentAt(at: Instant): Segment | null {
    const active = this.wallet.segments.filter((segment) => segment.start <= at && at < (segmentEnd(segment) ?? Infinity));
    return active.find(({ terms }) => terms.kind === 'CREDIT') ?? active[0] ?? null;
  }

  /** The service period that uncovered credits are billed with: the open one, where that of the debit is closed already. */
  private placeOf(segment: Segment, at: Instant): Pick<CreditDebit, 'subscriptionId' | 'segmentId' | 'periodStart'> {
    const open = Math.max(at, this.wallet.settledUntil.get(segment.subscriptionId) ?? at);
    const own = this.segmentAt(open) ?? segment;
    const period = servicePeriodAt(own, open) ?? servicePeriodAt(segment, at);
    return { subscriptionId: own.subscriptionId, segmentId: own.id, periodStart: period?.start ?? null };
  }

  private found(id: string, known: KnownRows): CreditReservation | null {
    return this.open.get(id) ?? this.ended.get(id) ?? known.reservations.find((one) => one.id === id) ?? null;
  }

  private exhausted(credits: Decimal, at: Instant): CodedError {
    this.refused = true;
    const left = this.book.availableAt(at).toString();
    return new CodedError('CREDITS_EXHAUSTED', `${credits.toString()} credits are asked for, and ${left} are there.`, 'credits');
  }

  private answer(now: Instant, debit: CreditDebit | null, reservation: CreditReservation | null): WalletAnswer {
    let reserved = Decimal.ZERO;
    for (const { held } of this.open.values()) for (const { credits } of held) reserved = reserved.plus(credits);
    return { debit, reservation, available: this.book.availableAt(now), reserved, debt: this.book.debt };
  }
}

const NOWHERE = { subscriptionId: null, segmentId: null, periodStart: null } as const;

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
