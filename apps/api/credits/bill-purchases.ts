import { Injectable } from '@nestjs/common';
import { PrepaidInvoices } from '@tare/billing';
import { instantOfDate } from '@tare/core';
import { PurchasesService, type CreditPurchase } from '@tare/credits';
import { log } from '../log.ts';

/** Makes the PREPAID invoice of a purchase right after it, so that the customer can pay. */
@Injectable()
export class BillPurchases {
  constructor(
    private readonly prepaid: PrepaidInvoices,
    private readonly purchases: PurchasesService,
  ) {}

  /** The purchase is committed: when its invoice cannot be made now, the next run makes it. Answers the purchase as it is then. */
  async of(tenantId: string, purchase: CreditPurchase): Promise<CreditPurchase> {
    if (purchase.status !== 'REQUESTED') return purchase;
    try {
      await this.prepaid.billPurchase(tenantId, purchase.id, instantOfDate(new Date()));
      return (await this.purchases.byId(tenantId, purchase.id)) ?? purchase;
    } catch (error) {
      log('error', 'a purchase has no invoice yet; the next run will make it', { tenantId, purchase: purchase.id, error: String(error) });
      return purchase;
    }
  }
}
