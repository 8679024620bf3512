import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { Coupons } from '@tare/catalog';
import { CodedError } from '@tare/core';
import type { Instant } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import type { Customer } from './customer.store.ts';
import type { SubscriptionDiscount } from './discount.ts';
import { DiscountStore } from './discount.store.ts';
import { parseDiscount, requireKnownCharges, requireRoom, type DiscountInput } from './parse-discounts.ts';
import { SubscriptionEditor, presentInstant, requireRunning, type HeldSubscription, type SubscriptionView } from './subscription-editor.ts';
import { SubscriptionStore } from './subscription.store.ts';

/**
 * Discounts of running subscriptions. One that is given at some time is for the service periods that begin then or later, one that is taken back for those
 * that began before: what is billed stays as it was billed, and can be made again.
 */
@Injectable()
export class DiscountsService {
  constructor(
    private readonly database: Database,
    private readonly store: DiscountStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly coupons: Coupons,
    private readonly editor: SubscriptionEditor,
    private readonly audit: AuditLog,
  ) {}

  /** @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED | DUPLICATE_DISCOUNT_KEY, those of parseDiscounts and of the guards */
  add(
    tenantId: string,
    input: { readonly subscription: string; readonly discount: DiscountInput; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { held, at } = await this.running(tx, input);
      await this.give(tx, held, parseDiscount(input.discount, at, 'discount'), 'discount');
      return this.editor.done(tx, held.subscription.id, {
        actor,
        action: 'subscription.add_discount',
        detail: { discount: input.discount, at },
      });
    });
  }

  /**
   * Redeems a coupon for a subscription: it has the coupon's discount, under the coupon's key, from the service period on that begins at `at` or next.
   * @throws CodedError NOT_FOUND | SUBSCRIPTION_ENDED | DUPLICATE_DISCOUNT_KEY | CURRENCY_MISMATCH | UNKNOWN_PRICE | UNKNOWN_ADD_ON, and those of
   *   Coupons.redeem and of the guards
   */
  redeem(
    tenantId: string,
    input: { readonly subscription: string; readonly coupon: string; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { held, at } = await this.running(tx, input);
      const { key, name: _name, ...terms } = await this.coupons.redeem(tx, input.coupon, input.at ?? presentInstant());
      await this.give(tx, held, { key, ...terms, from: at, coupon: key, ofCustomer: false }, 'coupon');
      return this.editor.done(tx, held.subscription.id, { actor, action: 'subscription.redeem_coupon', detail: { coupon: key, at } });
    });
  }

  /** Ends a discount for service periods that begin at `at` (now) or later. @throws CodedError NOT_FOUND, and those of the guards */
  remove(
    tenantId: string,
    input: { readonly subscription: string; readonly key: string; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<SubscriptionView> {
    return this.database.withTenant(tenantId, async (tx) => {
      const { subscription } = await this.editor.hold(tx, input.subscription);
      const at = input.at ?? presentInstant();
      const own = subscription.discounts.filter(({ ofCustomer }) => !ofCustomer);
      const ended = endedDiscounts(own, input.key, at);
      await this.editor.requireCuttable(tx, subscription.id, at);
      await this.store.saveOfSubscription(tx, subscription.id, ended);
      return this.editor.done(tx, subscription.id, { actor, action: 'subscription.remove_discount', detail: { key: input.key, at } });
    });
  }

  /**
   * Gives a discount to all subscriptions of a customer, those to come included. Each counts periods, and what an amountOff has left, for itself; an amount
   * in another currency, and prices that a subscription does not have, are nothing to it.
   * @throws CodedError NOT_FOUND | DUPLICATE_DISCOUNT_KEY, those of parseDiscountTerms and of the guards
   */
  addToCustomer(
    tenantId: string,
    input: { readonly customer: string; readonly discount: DiscountInput; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<Customer> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.editor.holdCustomer(tx, input.customer);
      const at = input.at ?? presentInstant();
      const discount = { ...parseDiscount(input.discount, at, 'discount'), ofCustomer: true };
      const given = await this.store.ofCustomer(tx, customer.id);
      requireRoom(given, discount.key, 'discount.key');
      for (const subscription of await this.subscriptions.subscriptions(tx, { customerIds: [customer.id] })) {
        requireRoom(subscription.discounts, discount.key, 'discount.key');
        await this.editor.requireCuttable(tx, subscription.id, at);
      }
      await this.store.saveOfCustomer(tx, customer.id, [...given, discount]);
      const detail = { discount: input.discount, at };
      await this.audit.record(tx, { actor, action: 'customer.add_discount', subject: customer.id, detail });
      return customer;
    });
  }

  /** Ends a discount of all subscriptions of a customer. @throws CodedError NOT_FOUND, and those of the guards */
  removeFromCustomer(
    tenantId: string,
    input: { readonly customer: string; readonly key: string; readonly at?: Instant | null },
    actor = 'tare',
  ): Promise<Customer> {
    return this.database.withTenant(tenantId, async (tx) => {
      const customer = await this.editor.holdCustomer(tx, input.customer);
      const at = input.at ?? presentInstant();
      const ended = endedDiscounts(await this.store.ofCustomer(tx, customer.id), input.key, at);
      for (const subscription of await this.subscriptions.subscriptions(tx, { customerIds: [customer.id] }))
        await this.editor.requireCuttable(tx, subscription.id, at);
      await this.store.saveOfCustomer(tx, customer.id, ended);
      await this.audit.record(tx, { actor, action: 'customer.remove_discount', subject: customer.id, detail: { key: input.key, at } });
      return customer;
    });
  }

  /** Discounts that a customer has for all its subscriptions, ended ones included. */
  ofCustomer(tenantId: string, customerId: string): Promise<SubscriptionDiscount[]> {
    return this.database.withTenant(tenantId, (tx) => this.store.ofCustomer(tx, customerId));
  }

  private async running(
    tx: TenantTransaction,
    { subscription, at }: { readonly subscription: string; readonly at?: Instant | null },
  ): Promise<{ held: HeldSubscription; at: Instant }> {
    const held = await this.editor.hold(tx, subscription);
    return { held, at: Math.max(at ?? presentInstant(), held.subscription.startsAt) };
  }

  private async give(
    tx: TenantTransaction,
    held: HeldSubscription,
    discount: SubscriptionDiscount & { readonly from: Instant | null },
    path: string,
  ): Promise<void> {
    const { subscription } = held;
    const from = discount.from ?? subscription.startsAt;
    requireKnownCharges(discount, requireRunning(held, from).terms, path);
    requireRoom(subscription.discounts, discount.key, path === 'coupon' ? path : `${path}.key`);
    await this.editor.requireCuttable(tx, subscription.id, from);
    const own = subscription.discounts.filter(({ ofCustomer }) => !ofCustomer);
    await this.store.saveOfSubscription(tx, subscription.id, [...own, discount]);
  }
}

function endedDiscounts(discounts: readonly SubscriptionDiscount[], key: string, at: Instant): SubscriptionDiscount[] {
  const running = discounts.find((discount) => discount.key === key && (discount.until === null || discount.until > at));
  if (running === undefined) throw new CodedError('NOT_FOUND', `No discount "${key}" runs by then.`, 'key');
  return discounts.map((discount) => (discount === running ? { ...discount, until: at } : discount));
}
