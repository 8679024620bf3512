import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';
import { discountFromJson, discountToJson, type DiscountJson, type SubscriptionDiscount } from './discount.ts';

/** SQL of discounts, of subscriptions and of customers. Whoever writes holds the customer's row. */
@Injectable()
export class DiscountStore {
  async ofCustomer(tx: TenantTransaction, customerId: string): Promise<SubscriptionDiscount[]> {
    const [row] = await tx.query<{ discounts: DiscountJson[] }>('SELECT discounts FROM customer WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      customerId,
    ]);
    return (row?.discounts ?? []).map((json) => discountFromJson(json, true));
  }

  async saveOfCustomer(tx: TenantTransaction, customerId: string, discounts: readonly SubscriptionDiscount[]): Promise<void> {
    await tx.query('UPDATE customer SET discounts = $3 WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      customerId,
      JSON.stringify(discounts.map(discountToJson)),
    ]);
  }

  async saveOfSubscription(tx: TenantTransaction, subscriptionId: string, discounts: readonly SubscriptionDiscount[]): Promise<void> {
    await tx.query('UPDATE subscription SET discounts = $3 WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      subscriptionId,
      JSON.stringify(discounts.map(discountToJson)),
    ]);
  }
}
