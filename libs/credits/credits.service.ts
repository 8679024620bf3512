import { Injectable } from '@nestjs/common';
import {
  availableAt,
  CodedError,
  currencyOf,
  Decimal,
  isEffective,
  PRICE_PRECISION,
  QUANTITY_PRECISION,
  requirePrecision,
  withoutLapses,
} from '@tare/core';
import type { Grant, Instant } from '@tare/core';
import { CustomerStore, SubscriptionStore, type Customer } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { UsageBoundaries } from '@tare/usage';
import { CreditStore, type NewGrant, type StoredGrant } from './credit.store.ts';
import { CreditLapses } from './credit-lapses.ts';
import { CreditsAhead } from './credits-ahead.ts';
import { DrawDown } from './draw-down.ts';
import { customerOf, requireKey } from './known-customers.ts';
import { PastWallets } from './past-wallets.ts';
import { aheadOf } from './pending-grants.ts';
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
  /** Held by reservations at that instant. */
  readonly reserved: Decimal;
  /** Owed at that instant, and not paid by a grant that was there by then. */
  readonly debt: Decimal;
  /** What plans grant for the running periods and their invoices have not brought yet, less what waits for it or was taken of it: debits may have it now. */
  readonly pending: Decimal;
  /** Effective at the time asked for, without what does not roll over. */
  readonly grants: readonly StoredGrant[];
}

/** Wallets as tenants see them. */
@Injectable()
export class CreditsService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly boundaries: UsageBoundaries,
    private readonly store: CreditStore,
    private readonly wallets: Wallets,
    private readonly drawDown: DrawDown,
    private readonly subscriptions: SubscriptionStore,
    private readonly ahead: CreditsAhead,
    private readonly lapses: CreditLapses,
    private readonly past: PastWallets,
  ) {}

  /**
   * Gives credits to a customer, once per key: the same content again answers the grant that is there. Without `effectiveAt` it is effective from now.
   * @throws CodedError NOT_FOUND | KEY_REUSED | KEY_MISSING | KEY_TOO_LONG | NOT_POSITIVE | NEGATIVE_PRICE | TOO_PRECISE | UNKNOWN_CURRENCY | INVALID_EXPIRY
   */
  async grant(tenantId: string, input: CreditGrantInput, now: Instant = Date.now() * 1_000): Promise<StoredGrant> {
    requireGrant(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await customerOf(tx, this.customers, input.customer);
      await this.store.lock(tx, customer.id);
      const issued = await this.wallets.issue(tx, newGrant(customer, input, now));
      if (issued === null) return this.requireSame(tx, customer, input);
      await this.cutUsage(tx, customer, issued);
      return issued;
    });
  }

  /**
   * The balance at an instant (now unless said). What usage has brought by now is drawn first. At an earlier instant: what usage and debits before it had left,
   * what was held and owed then, exact to the event (`PastWallets`; SEMANTICS 7.1, 7.2). @throws CodedError NOT_FOUND
   */
  async balance(tenantId: string, customerKey: string, asOf?: Instant): Promise<CreditBalance> {
    const now = Date.now() * 1_000;
    const at = asOf ?? now;
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await customerOf(tx, this.customers, customerKey);
      await this.drawDown.draw(tx, { customerId: customer.id });
      const segments = await this.subscriptions.segments(tx, { customerIds: [customer.id] });
      const row = await this.store.row(tx, customer.id);
      const { reserved = Decimal.ZERO, debt = Decimal.ZERO, waiting = new Map<string, Decimal>() } = row ?? {};
      const past = at < now ? await this.past.wallet(tx, { customer, segments, at }) : null;
      const lapses = await this.lapses.of(tx, customer.id, segments, at);
      const held = past?.grants ?? (await this.store.grants(tx, customer.id, at, at));
      const grants = withoutLapses(held, lapses).filter((grant) => isEffective(grant, at));
      const ahead = (await this.ahead.load(tx, new Map([[customer.id, segments]]), at)).get(customer.id) ?? [];
      return {
        available: Decimal.max(Decimal.ZERO, availableAt(grants, at)),
        reserved: past === null ? reserved : Decimal.sum(past.grants.map((grant) => grant.reserved)),
        debt: past?.debt ?? debt,
        pending: Decimal.max(Decimal.ZERO, aheadOf(ahead, waiting).minus(debt)),
        grants,
      };
    });
  }

  /** Cells of usage are cut where a grant begins and ends, so that an event at that very instant burns what is there then (SEMANTICS 12). Call it late. */
  async cutUsage(tx: TenantTransaction, { no }: Pick<Customer, 'no'>, { effectiveAt, expiresAt }: Grant): Promise<void> {
    await this.boundaries.register(tx, no, [effectiveAt, ...(expiresAt === null ? [] : [expiresAt])]);
  }

  private async requireSame(tx: TenantTransaction, customer: Customer, input: CreditGrantInput): Promise<StoredGrant> {
    const existing = await this.store.grantByKey(tx, customer.id, input.key);
    if (existing !== null && isSameGrant(existing, input)) return existing;
    throw new CodedError('KEY_REUSED', `There is another grant with the key "${input.key}".`, 'key');
  }
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
    taxedAtUse: false,
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
  requireKey(key);
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
