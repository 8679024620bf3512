import { Injectable } from '@nestjs/common';
import {
  breakage,
  CodedError,
  currencyOf,
  Decimal,
  MICROS_PER_DAY,
  nextRevenue,
  PRICE_PRECISION,
  QUANTITY_PRECISION,
  requirePrecision,
} from '@tare/core';
import type { Instant } from '@tare/core';
import { CustomerStore } from '@tare/customers';
import { Database, type TenantTransaction } from '@tare/database';
import { UsageBoundaries } from '@tare/usage';
import {
  CreditPurchaseStore,
  type AutoTopUp,
  type CreditPurchase,
  type NewPurchase,
  type PurchasePosition,
  type RequestedPurchases,
} from './credit-purchase.store.ts';
import { CreditStore } from './credit.store.ts';
import { customerOf, requireKey } from './known-customers.ts';
import { causeOf, withdrawalPostings } from './posting.ts';
import { DEFAULT_PERCENTS } from './wallet-watch.ts';
import { Wallets } from './wallets.ts';

interface MoneyInput {
  readonly amount: Decimal;
  readonly currency: string;
}

export interface PurchaseInput {
  /** The tenant's own key of the customer. */
  readonly customer: string;
  /** Idempotency key. */
  readonly key: string;
  readonly credits: Decimal;
  /** Of all of them, without tax. */
  readonly price: MoneyInput;
  readonly priority?: number | null | undefined;
  /** Days of 24 hours from payment; none: they never expire. */
  readonly expiresAfterDays?: number | null | undefined;
}

export interface AutoTopUpInput {
  /** With fewer credits than this one purchase is made. */
  readonly threshold: Decimal;
  readonly credits: Decimal;
  readonly price: MoneyInput;
  /** What top-ups may cost in a month of the customer's zone; none: any. */
  readonly monthlyLimit?: Decimal | null | undefined;
  readonly expiresAfterDays?: number | null | undefined;
}

export interface RefundInput {
  readonly customer: string;
  /** Key of the purchase. */
  readonly purchase: string;
  /** Credits that were not used; all of them unless said. */
  readonly credits?: Decimal | null | undefined;
  /** Idempotency key: the same again answers the purchase as it is. */
  readonly key?: string | null | undefined;
}

/** The invoice of a purchase, and whether it sold the credits without tax. */
export interface PaidInvoice {
  readonly invoiceId: string;
  readonly taxedAtUse: boolean;
}

const MOST_DAYS = 36_500;

/**
 * Credits that are bought (SEMANTICS 7.6): a purchase is a row that billing makes a PREPAID invoice of; paying that grants the credits, once, and voiding it
 * before cancels the purchase.
 */
@Injectable()
export class PurchasesService {
  constructor(
    private readonly database: Database,
    private readonly customers: CustomerStore,
    private readonly boundaries: UsageBoundaries,
    private readonly store: CreditStore,
    private readonly purchases: CreditPurchaseStore,
    private readonly wallets: Wallets,
  ) {}

  /**
   * Asks for credits, once per key. @throws CodedError NOT_FOUND | KEY_REUSED | KEY_MISSING | KEY_TOO_LONG | NOT_POSITIVE | TOO_PRECISE | UNKNOWN_CURRENCY |
   * NEGATIVE_PRICE | INVALID_EXPIRY
   */
  async purchase(tenantId: string, input: PurchaseInput, now: Instant = Date.now() * 1_000): Promise<CreditPurchase> {
    requireKey(input.key);
    requirePack(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const { id: customerId } = await customerOf(tx, this.customers, input.customer);
      const { key, credits, price, priority, expiresAfterDays } = input;
      const wanted: NewPurchase = {
        ...{ customerId, key, credits, price, priority: priority ?? 0, expiresAfterDays: expiresAfterDays ?? null, requestedAt: now },
      };
      const made = await this.purchases.insert(tx, wanted);
      if (made !== null) return made;
      const before = await this.purchases.byKey(tx, customerId, key);
      if (before !== null && isSamePurchase(before, wanted)) return before;
      throw new CodedError('KEY_REUSED', `There is another purchase with the key "${key}".`, 'key');
    });
  }

  /** Null where there is none. */
  byId(tenantId: string, id: string): Promise<CreditPurchase | null> {
    return this.database.withTenant(tenantId, (tx) => this.purchases.byId(tx, id));
  }

  /** The customer's, newest first; `position.limit` rows at most. @throws CodedError NOT_FOUND */
  async list(tenantId: string, customer: string, page: PurchasePosition): Promise<CreditPurchase[]> {
    return this.database.withTenant(tenantId, async (tx) =>
      this.purchases.ofCustomer(tx, (await customerOf(tx, this.customers, customer)).id, page),
    );
  }

  /** Null takes it away. @throws CodedError NOT_FOUND | NOT_POSITIVE | NEGATIVE_NUMBER | TOO_PRECISE | UNKNOWN_CURRENCY | LIMIT_TOO_LOW | INVALID_EXPIRY */
  async setAutoTopUp(tenantId: string, customer: string, input: AutoTopUpInput | null): Promise<AutoTopUp | null> {
    const topUp = input && parseTopUp(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const { id } = await customerOf(tx, this.customers, customer);
      // Whoever takes from the wallet reads it with the wallet.
      await this.store.lock(tx, id);
      await this.purchases.setAutoTopUp(tx, id, topUp);
      return topUp;
    });
  }

  /** @throws CodedError NOT_FOUND */
  async autoTopUp(tenantId: string, customer: string): Promise<AutoTopUp | null> {
    return this.database.withTenant(tenantId, async (tx) =>
      this.purchases.autoTopUp(tx, (await customerOf(tx, this.customers, customer)).id),
    );
  }

  /** Shares of credits used at which an alert event is recorded, ascending. @throws CodedError INVALID_PERCENT */
  async setPercents(tenantId: string, percents: readonly number[]): Promise<readonly number[]> {
    const wanted = [...new Set(percents)].sort((a, b) => a - b);
    if (wanted.length > 20 || wanted.some((percent) => !Number.isInteger(percent) || percent < 1 || percent > 100)) {
      throw new CodedError('INVALID_PERCENT', 'At most 20 whole percentages from 1 to 100 are needed.', 'percents');
    }
    await this.database.withTenant(tenantId, (tx) => this.purchases.setPercents(tx, wanted));
    return wanted;
  }

  percents(tenantId: string): Promise<readonly number[]> {
    return this.database.withTenant(tenantId, async (tx) => (await this.purchases.percents(tx)) ?? DEFAULT_PERCENTS);
  }

  /**
   * Takes unused credits of a paid purchase back and says what was paid for them: that money is given back with a credit note on the purchase's invoice.
   * Under a key once: the same again answers the purchase as it is.
   * @throws CodedError NOT_FOUND | PURCHASE_NOT_PAID | CREDITS_USED | NOT_POSITIVE | KEY_REUSED | KEY_MISSING | KEY_TOO_LONG
   */
  async refund(tenantId: string, input: RefundInput, now: Instant = Date.now() * 1_000): Promise<CreditPurchase> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await customerOf(tx, this.customers, input.customer);
      const purchase = await this.purchases.byKey(tx, customer.id, input.purchase);
      if (purchase === null) throw new CodedError('NOT_FOUND', `There is no purchase with key "${input.purchase}".`, 'purchase');
      const key = input.key ?? null;
      if (key !== null) requireKey(key);
      return this.refundIn(tx, purchase.id, { credits: input.credits ?? null, key }, now);
    });
  }

  /** The same inside of a transaction, by id. `credits` null: all that is unused. */
  async refundIn(
    tx: TenantTransaction,
    purchaseId: string,
    { credits, key }: { readonly credits: Decimal | null; readonly key: string | null },
    now: Instant,
  ): Promise<CreditPurchase> {
    const known = await this.purchases.byId(tx, purchaseId);
    if (known === null) throw new CodedError('NOT_FOUND', `There is no purchase with id "${purchaseId}".`, 'purchase');
    await this.store.lock(tx, known.customerId);
    const purchase = (await this.purchases.byId(tx, purchaseId)) ?? known;
    const asked = credits?.toString() ?? 'all';
    const done = key !== null && Object.hasOwn(purchase.refundKeys, key) ? purchase.refundKeys[key] : undefined;
    if (done === asked) return purchase;
    if (done !== undefined)
      throw new CodedError('KEY_REUSED', `Under this key other credits (${done}) were refunded: use a new key.`, 'key');
    if (purchase.paidAt === null) throw new CodedError('PURCHASE_NOT_PAID', 'Only a purchase that was paid is refunded.', 'purchase');
    const grant = await this.store.grantByKey(tx, purchase.customerId, grantKey(purchase));
    const left = grant?.remaining ?? Decimal.ZERO;
    const back = credits ?? left;
    if (!back.isPositive()) throw new CodedError('NOT_POSITIVE', 'There are no credits to be refunded.', 'credits');
    if (grant === null || back.compare(left) > 0) {
      throw new CodedError('CREDITS_USED', `${left.toString()} credits of the purchase are unused: more cannot be refunded.`, 'credits');
    }
    const amount = back.equals(left) ? breakage(grant) : nextRevenue(grant, back);
    await this.store.post(
      tx,
      purchase.customerId,
      withdrawalPostings(now, causeOf('REFUND'), { grantId: grant.id, credits: back, revenue: amount }),
    );
    const refunded: CreditPurchase = {
      ...purchase,
      status: 'REFUNDED',
      refundedCredits: purchase.refundedCredits.plus(back),
      refundedAmount: purchase.refundedAmount.plus(amount),
      refundKeys: key === null ? purchase.refundKeys : { ...purchase.refundKeys, [key]: asked },
    };
    await this.purchases.update(tx, refunded);
    return refunded;
  }

  /** For billing: purchases without an invoice, oldest first; their rows are held until the transaction ends. */
  requestedIn(tx: TenantTransaction, wanted: RequestedPurchases): Promise<CreditPurchase[]> {
    return this.purchases.requested(tx, wanted);
  }

  /** For billing: the customer's purchases without an invoice, oldest first; nothing is held. */
  waitingIn(tx: TenantTransaction, customerId: string): Promise<CreditPurchase[]> {
    return this.purchases.waiting(tx, customerId);
  }

  /** For billing: the purchases that an invoice is for. */
  ofInvoiceIn(tx: TenantTransaction, invoiceId: string): Promise<CreditPurchase[]> {
    return this.purchases.ofInvoice(tx, invoiceId);
  }

  /** For billing: the purchase is on an invoice now. */
  async invoicedIn(tx: TenantTransaction, purchase: CreditPurchase, invoiceId: string): Promise<void> {
    if (purchase.status !== 'REQUESTED') throw new Error(`the purchase ${purchase.id} is ${purchase.status}`);
    await this.purchases.update(tx, { ...purchase, status: 'INVOICED', invoiceId });
  }

  /**
   * For billing: the invoice was paid. Grants what was bought, effective from then on; again, it changes nothing (SEMANTICS 7.6).
   * The price without tax is their cost basis (7.9).
   */
  async paidIn(tx: TenantTransaction, { invoiceId, taxedAtUse }: PaidInvoice, paidAt: Instant): Promise<void> {
    for (const purchase of await this.purchases.ofInvoice(tx, invoiceId)) {
      if (purchase.status !== 'INVOICED') continue;
      await this.store.lock(tx, purchase.customerId);
      const expiresAt = purchase.expiresAfterDays === null ? null : paidAt + purchase.expiresAfterDays * MICROS_PER_DAY;
      const { customerId, credits, price, priority } = purchase;
      await this.wallets.issue(tx, {
        ...{ customerId, key: grantKey(purchase), credits, costBasis: price, priority, effectiveAt: paidAt, expiresAt },
        ...{ promotional: false, source: 'PURCHASE', subscriptionId: null, invoiceId, taxedAtUse },
      });
      await this.purchases.update(tx, { ...purchase, status: 'PAID', paidAt });
      const customer = (await this.customers.byIds(tx, [customerId])).get(customerId);
      if (customer) await this.boundaries.register(tx, customer.no, [paidAt, ...(expiresAt === null ? [] : [expiresAt])]);
    }
  }

  /** For billing: the invoice was voided. What was not paid is not wanted any more; credits that were granted are taken back by `Wallets.reverseInvoice`. */
  async voidedIn(tx: TenantTransaction, invoiceId: string): Promise<void> {
    for (const purchase of await this.purchases.ofInvoice(tx, invoiceId)) {
      if (purchase.status === 'INVOICED') await this.purchases.update(tx, { ...purchase, status: 'CANCELED' });
    }
  }
}

const grantKey = ({ id }: CreditPurchase): string => `purchase:${id}`;

function requirePack({ credits, price, expiresAfterDays }: Pick<PurchaseInput, 'credits' | 'price' | 'expiresAfterDays'>): void {
  if (!credits.isPositive()) throw new CodedError('NOT_POSITIVE', 'More than zero credits are bought.', 'credits');
  requirePrecision(credits, QUANTITY_PRECISION, 'credits');
  currencyOf(price.currency, 'price.currency');
  if (!price.amount.isPositive()) {
    throw new CodedError(
      'NOT_POSITIVE',
      'A purchase has a price above zero: credits without one are granted (grantCredits).',
      'price.amount',
    );
  }
  requirePrecision(price.amount, PRICE_PRECISION, 'price.amount');
  if (expiresAfterDays != null && (expiresAfterDays < 1 || expiresAfterDays > MOST_DAYS)) {
    throw new CodedError('INVALID_EXPIRY', `Credits expire after 1 to ${MOST_DAYS} days, or never.`, 'expiresAfterDays');
  }
}

function parseTopUp(input: AutoTopUpInput): AutoTopUp {
  requirePack(input);
  const { threshold, credits, price, monthlyLimit, expiresAfterDays } = input;
  if (threshold.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'A threshold is not below zero.', 'threshold');
  requirePrecision(threshold, QUANTITY_PRECISION, 'threshold');
  if (monthlyLimit != null) {
    requirePrecision(monthlyLimit, PRICE_PRECISION, 'monthlyLimit');
    if (monthlyLimit.compare(price.amount) < 0) {
      throw new CodedError('LIMIT_TOO_LOW', 'The monthly limit is below the price of one top-up: none would ever be made.', 'monthlyLimit');
    }
  }
  return { threshold, credits, price, monthlyLimit: monthlyLimit ?? null, expiresAfterDays: expiresAfterDays ?? null };
}

function isSamePurchase(before: CreditPurchase, wanted: NewPurchase): boolean {
  return (
    before.source === 'PURCHASE' &&
    before.credits.equals(wanted.credits) &&
    before.price.currency === wanted.price.currency &&
    before.price.amount.equals(wanted.price.amount) &&
    before.priority === wanted.priority &&
    before.expiresAfterDays === wanted.expiresAfterDays
  );
}
