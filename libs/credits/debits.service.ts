import { Injectable } from '@nestjs/common';
import { CodedError, Decimal, QUANTITY_PRECISION, requirePrecision, returnedBurns } from '@tare/core';
import type { Instant, LedgerBurn } from '@tare/core';
import { CustomerStore } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';
import { CreditStore } from './credit.store.ts';
import type { CreditDebit, CreditReservation, WalletSums } from './debit.ts';
import { DebitStore } from './debit.store.ts';
import { customerOf, requireKey } from './known-customers.ts';
import { causeOf } from './posting.ts';
import type { WalletOrder } from './wallet-lane.ts';
import { WalletWriter, type WalletOwner } from './wallet-writer.ts';
import { Wallets, type DecidedBurn } from './wallets.ts';

export interface DebitInput {
  /** The tenant's own key of the customer. */
  readonly customer: string;
  /** Idempotency key: unique among debits and reversals of the customer. */
  readonly key: string;
  readonly credits: Decimal;
  /** Grants that are effective then are used; now unless said. */
  readonly at?: Instant | null | undefined;
  /** What it was for. */
  readonly feature?: string | null | undefined;
}

export interface ReversalInput {
  readonly customer: string;
  readonly key: string;
  /** Key of the debit. */
  readonly debit: string;
  /** All that is left of it unless said. */
  readonly credits?: Decimal | null | undefined;
}

export interface ReservationInput {
  readonly customer: string;
  readonly key: string;
  /** The worst case. */
  readonly credits: Decimal;
  /** Seconds until it releases itself; five minutes unless said. */
  readonly ttlSeconds?: number | null | undefined;
}

/** A debit and the wallet right after it. */
export interface DebitAnswer extends WalletSums {
  readonly debit: CreditDebit;
}

/** The wallet right after a reservation ended, and whose it is. */
export interface EndedAnswer extends WalletSums {
  readonly customer: string;
}

const DEFAULT_TTL_SECONDS = 300;
const LONGEST_TTL_SECONDS = 7 * 86_400;
const MICROS_PER_SECOND = 1_000_000;
/** As long ago as live usage may lie ahead of the clock (SEMANTICS 2.4). */
const AHEAD = 5 * 60 * MICROS_PER_SECOND;
const KNOWN_OWNERS = 50_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Taking credits by key, now or later (SEMANTICS 7.4 - 7.8). Everything is idempotent: sent again, it answers what it answered. */
@Injectable()
export class DebitsService {
  /** Customers do not change their ids: a debit shall not begin with looking one up. */
  private readonly owners = new Map<string, WalletOwner>();

  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly store: CreditStore,
    private readonly debits: DebitStore,
    private readonly wallets: Wallets,
    private readonly writer: WalletWriter,
  ) {}

  /**
   * Takes credits from grants that are effective at `at`. What they do not cover is decided by the plan: BLOCK refuses the debit, OVERAGE bills the rest with the
   * period, OVERDRAFT lets the wallet owe it up to the limit (SEMANTICS 7.5).
   * @throws CodedError CREDITS_EXHAUSTED | KEY_REUSED | KEY_MISSING | KEY_TOO_LONG | NOT_POSITIVE | TOO_PRECISE | AT_IN_FUTURE | NOT_FOUND
   */
  async debit(
    tenantId: string,
    { customer, key, credits, at, feature }: DebitInput,
    now: Instant = Date.now() * 1_000,
  ): Promise<DebitAnswer> {
    requireKey(key);
    requireCredits(credits);
    if (at != null && at > now + AHEAD) throw new CodedError('AT_IN_FUTURE', 'A debit lies at most 5 minutes ahead of the clock.', 'at');
    const order: WalletOrder = { kind: 'DEBIT', key, credits, at: at ?? now, feature: feature ?? null };
    const owner = this.owners.get(nameOf(tenantId, customer)) ?? (await this.owner(tenantId, customer));
    const { debit, available, reserved, debt } = await this.writer.submit(tenantId, owner, order);
    if (debit === null) throw new Error('a debit was decided and is not there');
    return { debit, available, reserved, debt };
  }

  /**
   * Gives back what a debit took, as it was recorded, the last first (SEMANTICS 7.8): all that is left of it, or a part.
   * @throws CodedError NOT_FOUND | KEY_REUSED | REVERSAL_EXCEEDS_BURN | NOT_POSITIVE | TOO_PRECISE | KEY_MISSING | KEY_TOO_LONG
   */
  async reverse(tenantId: string, input: ReversalInput, now: Instant = Date.now() * 1_000): Promise<CreditDebit> {
    requireKey(input.key);
    if (input.credits != null) requireCredits(input.credits);
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await customerOf(tx, this.customers, input.customer);
      await this.store.lock(tx, customer.id);
      const rows = await this.debits.debits(tx, customer.id, [input.key, input.debit], input.debit);
      const before = rows.find(({ key }) => key === input.key);
      if (before !== undefined) return requireSameReversal(before, input);
      const debit = rows.find(({ key, reverses }) => key === input.debit && reverses === null);
      if (debit === undefined) throw new CodedError('NOT_FOUND', `There is no debit with key "${input.debit}".`, 'debit');
      const reversals = rows.filter(({ reverses }) => reverses === input.debit);
      return this.giveBack(tx, customer.id, { debit, reversals, input, now });
    });
  }

  /**
   * Holds the worst case of something whose price is not known yet (SEMANTICS 7.7).
   * @throws CodedError CREDITS_EXHAUSTED | KEY_REUSED | INVALID_TTL | NOT_POSITIVE | TOO_PRECISE | KEY_MISSING | KEY_TOO_LONG | NOT_FOUND
   */
  async reserve(tenantId: string, input: ReservationInput, now: Instant = Date.now() * 1_000): Promise<CreditReservation> {
    requireKey(input.key);
    requireCredits(input.credits);
    const ttlSeconds = input.ttlSeconds ?? DEFAULT_TTL_SECONDS;
    if (ttlSeconds < 1 || ttlSeconds > LONGEST_TTL_SECONDS) {
      throw new CodedError('INVALID_TTL', `A reservation lasts from 1 to ${LONGEST_TTL_SECONDS} seconds.`, 'ttlSeconds');
    }
    const { key, credits } = input;
    const order: WalletOrder = { kind: 'RESERVE', id: randomUUID(), key, credits, at: now, ttlSeconds };
    const { reservation } = await this.writer.submit(tenantId, await this.owner(tenantId, input.customer), order);
    if (reservation === null) throw new Error('a reservation was decided and is not there');
    return reservation;
  }

  /**
   * Ends a reservation with what was really used: the rest is there again, what is more is taken from the balance by the plan's rule for exhausted credits, and
   * never refused, since it was used. @throws CodedError NOT_FOUND | RESERVATION_ENDED | NEGATIVE_NUMBER | TOO_PRECISE
   */
  async commit(tenantId: string, reservation: string, credits: Decimal): Promise<EndedAnswer> {
    if (credits.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'What was used is not below zero.', 'credits');
    requirePrecision(credits, QUANTITY_PRECISION, 'credits');
    const owner = await this.ownerOf(tenantId, reservation);
    return { customer: owner.key, ...(await this.writer.submit(tenantId, owner, { kind: 'COMMIT', reservationId: reservation, credits })) };
  }

  /** Ends a reservation unused. @throws CodedError NOT_FOUND | RESERVATION_ENDED */
  async release(tenantId: string, reservation: string): Promise<EndedAnswer> {
    const owner = await this.ownerOf(tenantId, reservation);
    return { customer: owner.key, ...(await this.writer.submit(tenantId, owner, { kind: 'RELEASE', reservationId: reservation })) };
  }

  /** Releases reservations whose time is over. For sweeps; a wallet that is used does it by itself. */
  async releaseExpired(tenantId: string, now: Instant = Date.now() * 1_000): Promise<void> {
    const owners = await this.database.withTenant(tenantId, async (tx) => {
      const ids = await this.debits.customersWithExpiredReservations(tx, now);
      return [...(await this.customers.byIds(tx, ids)).values()];
    });
    for (const owner of owners) await this.writer.submit(tenantId, owner, { kind: 'LOOK' });
  }

  private async giveBack(
    tx: TenantTransaction,
    customerId: string,
    { debit, reversals, input, now }: { debit: CreditDebit; reversals: readonly CreditDebit[]; input: ReversalInput; now: Instant },
  ): Promise<CreditDebit> {
    const { subscriptionId, segmentId, periodStart } = debit;
    const given = returnedBurns([debit, ...reversals].flatMap(burnsOf), input.credits ?? undefined);
    const cause = causeOf('DEBIT', { subscriptionId, segmentId, periodStart });
    await this.wallets.postBurns(
      tx,
      customerId,
      given.map((burn): DecidedBurn => ({ ...burn, at: now, cause })),
    );
    const sumOf = (against: LedgerBurn['against']): Decimal =>
      Decimal.sum(given.filter((burn) => burn.against === against).map(({ credits }) => credits));
    const reversal: CreditDebit = {
      ...debit,
      ...{ key: input.key, reverses: debit.key, at: now, credits: Decimal.sum(given.map(({ credits }) => credits)) },
      taken: given.flatMap(({ grantId, credits, revenue }) => (grantId === null ? [] : [{ grantId, credits, revenue }])),
      debt: sumOf('DEBT'),
      uncovered: sumOf('UNCOVERED'),
    };
    await this.debits.insertReversal(tx, customerId, reversal);
    return reversal;
  }

  private async owner(tenantId: string, key: string): Promise<WalletOwner> {
    const name = nameOf(tenantId, key);
    const known = this.owners.get(name);
    if (known !== undefined) return known;
    const { id, timeZone } = await this.database.withTenant(tenantId, (tx) => customerOf(tx, this.customers, key));
    if (this.owners.size >= KNOWN_OWNERS) this.owners.clear();
    const owner = { id, key, timeZone };
    this.owners.set(name, owner);
    return owner;
  }

  private async ownerOf(tenantId: string, reservation: string): Promise<WalletOwner> {
    const owner = await this.database.withTenant(tenantId, async (tx) => {
      const id = UUID.test(reservation) ? await this.debits.ownerOf(tx, reservation) : null;
      return id === null ? undefined : (await this.customers.byIds(tx, [id])).get(id);
    });
    if (owner === undefined) throw new CodedError('NOT_FOUND', `There is no reservation with id "${reservation}".`, 'reservation');
    return owner;
  }
}

const nameOf = (tenantId: string, key: string): string => `${tenantId} ${key}`;

/** A debit as burns, in the order in which it was decided: grants, and what none covered last. */
function burnsOf({ taken, debt, uncovered }: CreditDebit): LedgerBurn[] {
  const rest = ([against, credits]: readonly ['DEBT' | 'UNCOVERED', Decimal]): LedgerBurn[] =>
    credits.isZero() ? [] : [{ grantId: null, against, credits, revenue: Decimal.ZERO }];
  return [...taken.map((part): LedgerBurn => ({ ...part, against: 'GRANT' })), ...rest(['DEBT', debt]), ...rest(['UNCOVERED', uncovered])];
}

function requireSameReversal(before: CreditDebit, { debit, credits, key }: ReversalInput): CreditDebit {
  if (before.reverses === debit && (credits == null || before.credits.negated().equals(credits))) return before;
  throw new CodedError('KEY_REUSED', `There is another debit or reversal with the key "${key}".`, 'key');
}

function requireCredits(credits: Decimal): void {
  if (!credits.isPositive()) throw new CodedError('NOT_POSITIVE', 'More than zero credits are needed.', 'credits');
  requirePrecision(credits, QUANTITY_PRECISION, 'credits');
}
