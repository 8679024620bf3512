import { Injectable } from '@nestjs/common';
import {
  availableAt,
  burnDemand,
  CodedError,
  currencyOf,
  Decimal,
  isEffective,
  PRICE_PRECISION,
  QUANTITY_PRECISION,
  requirePrecision,
  segmentEnd,
  servicePeriods,
} from '@tare/core';
import type { Instant, Meter, Segment, UsageRecord } from '@tare/core';
import { MeterStore } from '@tare/catalog';
import { CustomerStore, SubscriptionStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { CreditStore, type NewGrant, type StoredGrant } from './credit.store.ts';
import { RatedUsageReader } from './rated-usage.ts';
import { settlePeriod, type Demand, type WalletState } from './settlement.ts';
import { Wallets } from './wallets.ts';

/** CreditGrantInput of the contract. */
export interface CreditGrantInput {
  /** The tenant's own key of the customer. */
  readonly customer: string;
  /** Idempotency key. */
  readonly key: string;
  readonly credits: Decimal;
  /** What the customer paid for all of them, net of tax; none: promotional. */
  readonly price?: { readonly amount: Decimal; readonly currency: string } | null | undefined;
  /** Lower burns first; 0 unless said. */
  readonly priority?: number | null | undefined;
  /** From when usage may burn it; now unless said. */
  readonly effectiveAt?: Instant | null | undefined;
  /** Exclusive; none: it never expires. */
  readonly expiresAt?: Instant | null | undefined;
}

export interface CreditBalance {
  /** Credits; never below zero. */
  readonly available: Decimal;
  readonly reserved: Decimal;
  /** Effective at the time asked for, with what the preview of usage not settled yet leaves of them. */
  readonly grants: readonly StoredGrant[];
}

/** What closing a service period would settle now. */
interface OpenUsage {
  readonly segment: Segment;
  readonly demands: readonly Demand[];
}

const LONGEST_KEY = 255;

/** Wallets as tenants see them. */
@Injectable()
export class CreditsService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly meters: MeterStore,
    private readonly store: CreditStore,
    private readonly wallets: Wallets,
    private readonly usage: RatedUsageReader,
  ) {}

  /**
   * Gives credits to a customer, once per key: the same content again answers the grant that is there. Without `effectiveAt` it is effective from now.
   * @throws CodedError NOT_FOUND | KEY_REUSED | KEY_MISSING | KEY_TOO_LONG | NOT_POSITIVE | NEGATIVE_PRICE | TOO_PRECISE | UNKNOWN_CURRENCY | INVALID_EXPIRY
   */
  async grant(tenantId: string, input: CreditGrantInput, now: Instant = Date.now() * 1_000): Promise<StoredGrant> {
    requireGrant(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.customer(tx, input.customer);
      await this.store.lock(tx, customer.id);
      const issued = await this.wallets.issue(tx, newGrant(customer, input, now));
      return issued ?? this.requireSame(tx, customer, input);
    });
  }

  /**
   * The balance at an instant (now unless said): grants that are effective then, less what closed periods burnt before it (to the day) and less a preview of the usage that no
   * closed period has settled yet (SEMANTICS 7.1, 7.2). @throws CodedError NOT_FOUND
   */
  async balance(tenantId: string, customerKey: string, at: Instant = Date.now() * 1_000): Promise<CreditBalance> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.customer(tx, customerKey);
      const wallet = { grants: await this.store.grants(tx, customer.id, at, at), debt: await this.store.debt(tx, customer.id) };
      const open = await this.openUsage(tx, customer, wallet, at);
      const after = previewed(wallet, open);
      const grants = wallet.grants.map((grant, index) => ({ ...grant, remaining: after.grants[index]?.remaining ?? grant.remaining }));
      const available = Decimal.max(Decimal.ZERO, availableAt(grants, at));
      return { available, reserved: Decimal.ZERO, grants: grants.filter((grant) => isEffective(grant, at)) };
    });
  }

  /** @throws CodedError NOT_AVAILABLE always: reservations come with a later release. */
  reserve(): never {
    throw notAvailable();
  }

  /** @throws CodedError NOT_AVAILABLE */
  commitReservation(): never {
    throw notAvailable();
  }

  /** @throws CodedError NOT_AVAILABLE */
  releaseReservation(): never {
    throw notAvailable();
  }

  private async customer(tx: TenantTransaction, key: string): Promise<Customer> {
    const customer = await this.customers.byKey(tx, key);
    if (customer === null) throw new CodedError('NOT_FOUND', `There is no customer with key "${key}".`, 'customer');
    return customer;
  }

  /** What usage since the last settlement wants, by subscription, up to `at`. */
  private async openUsage(tx: TenantTransaction, customer: Customer, wallet: WalletState, at: Instant): Promise<OpenUsage[]> {
    const segments = await this.subscriptions.segments(tx, { customerIds: [customer.id] });
    const settled = new Map((await this.store.cursors(tx, customer.id)).map((cursor) => [cursor.subscriptionId, cursor.settledUntil]));
    const from = (segment: Segment): Instant => Math.max(segment.start, settled.get(segment.subscriptionId) ?? segment.start);
    const burning = segments.filter(
      (segment) => segment.terms.burnRates.length > 0 && from(segment) < Math.min(at, segmentEnd(segment) ?? at),
    );
    if (burning.length === 0) return [];
    const meters = new Map((await this.meters.all(tx)).map((meter) => [meter.key, meter]));
    const cuts = grantCuts(wallet);
    const span = { start: Math.min(...burning.map(from)), end: at };
    const rated = await this.usage.read(tx, { customerNo: customer.no, segments, meters, span, cuts, upToSeq: null });
    return burning.map((segment) => ({
      segment,
      demands: openDemands(segment, from(segment), at, rated.get(segment.id) ?? [], meters, cuts),
    }));
  }

  private async requireSame(tx: TenantTransaction, customer: Customer, input: CreditGrantInput): Promise<StoredGrant> {
    const existing = await this.store.grantByKey(tx, customer.id, input.key);
    if (existing !== null && isSameGrant(existing, input)) return existing;
    throw new CodedError('KEY_REUSED', `There is another grant with the key "${input.key}".`, 'key');
  }
}

/** Instants at which grants begin or end: no demand reaches across one (SEMANTICS 7.3). */
export function grantCuts({ grants }: WalletState): Instant[] {
  return grants.flatMap(({ effectiveAt, expiresAt }) => [effectiveAt, ...(expiresAt === null ? [] : [expiresAt])]);
}

function openDemands(
  segment: Segment,
  from: Instant,
  at: Instant,
  records: readonly UsageRecord[],
  meters: ReadonlyMap<string, Meter>,
  cuts: readonly Instant[],
): Demand[] {
  const periods = servicePeriods(segment, from, at).filter(({ trial, start }) => !trial && start >= from);
  return periods.flatMap((period) =>
    burnDemand(segment, { start: period.start, end: Math.min(period.end, at) }, records, meters, { cuts }),
  );
}

/** All subscriptions of the wallet together, in order of event time. */
function previewed(wallet: WalletState, open: readonly OpenUsage[]): WalletState {
  const demands = open.flatMap(({ segment, demands: own }) => own.map((demand) => ({ demand, segment })));
  demands.sort((a, b) => a.demand.at - b.demand.at || (a.demand.key < b.demand.key ? -1 : a.demand.key > b.demand.key ? 1 : 0));
  return demands.reduce((state, { demand, segment }) => settlePeriod(segment.terms, state, [demand]).wallet, wallet);
}

function newGrant(customer: Customer, input: CreditGrantInput, now: Instant): NewGrant {
  return {
    customerId: customer.id,
    key: input.key,
    credits: input.credits,
    costBasis: input.price ?? null,
    priority: input.priority ?? 0,
    effectiveAt: input.effectiveAt ?? now,
    expiresAt: input.expiresAt ?? null,
    promotional: (input.price ?? null) === null,
    source: 'GRANT',
    subscriptionId: null,
    invoiceId: null,
  };
}

/** A grant without an effective time began when it first came in: that is not part of what has to be the same. */
function isSameGrant(grant: StoredGrant, { credits, price, priority, effectiveAt, expiresAt }: CreditGrantInput): boolean {
  const paid = price ?? null;
  const isSamePrice =
    paid === null || grant.costBasis === null
      ? paid === grant.costBasis
      : paid.currency === grant.costBasis.currency && paid.amount.equals(grant.costBasis.amount);
  return (
    grant.source === 'GRANT' &&
    isSamePrice &&
    grant.credits.equals(credits) &&
    grant.priority === (priority ?? 0) &&
    grant.effectiveAt === (effectiveAt ?? grant.effectiveAt) &&
    grant.expiresAt === (expiresAt ?? null)
  );
}

function requireGrant({ key, credits, price, effectiveAt, expiresAt }: CreditGrantInput): void {
  if (key.length === 0) throw new CodedError('KEY_MISSING', 'A grant needs a key, so that it is made once.', 'key');
  if (key.length > LONGEST_KEY) throw new CodedError('KEY_TOO_LONG', `A key has at most ${LONGEST_KEY} characters.`, 'key');
  if (!credits.isPositive()) throw new CodedError('NOT_POSITIVE', 'A grant has more than zero credits.', 'credits');
  requirePrecision(credits, QUANTITY_PRECISION, 'credits');
  if (price) requirePrice(price);
  if (effectiveAt != null && expiresAt != null && expiresAt <= effectiveAt) {
    throw new CodedError('INVALID_EXPIRY', 'A grant expires after it becomes effective.', 'expiresAt');
  }
}

function requirePrice({ amount, currency }: { amount: Decimal; currency: string }): void {
  currencyOf(currency, 'price.currency');
  if (amount.isNegative()) throw new CodedError('NEGATIVE_PRICE', 'A price is not below zero.', 'price.amount');
  requirePrecision(amount, PRICE_PRECISION, 'price.amount');
}

function notAvailable(): CodedError {
  return new CodedError('NOT_AVAILABLE', 'Reservations of credits come with a later release; credits are burnt when a period is closed.');
}
