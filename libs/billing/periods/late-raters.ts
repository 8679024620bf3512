import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SubscriptionsService } from '@tare/customers';
import { AgreedBeforeStore } from './agreed-before.store.ts';
import { BillingPeriodStore } from './billing-period.store.ts';

/**
 * A subscription that begins, changes or ends with effect from a time that is over may take usage from the customer's other ones, or leave it to them (SEMANTICS 3.6). What
 * of theirs is closed is rated again: what it gives away comes back by a negative delta, so that nothing is charged twice, and what it gets is charged (8.3).
 * What their invoices were made with is kept (8.4).
 */
@Injectable()
export class LateRaters implements OnModuleInit {
  constructor(
    private readonly subscriptions: SubscriptionsService,
    private readonly periods: BillingPeriodStore,
    private readonly agreed: AgreedBeforeStore,
  ) {}

  onModuleInit(): void {
    this.subscriptions.onRatersChanged(async (tx, change) => {
      await this.agreed.record(tx, change);
      await this.periods.rateOthersAgain(tx, change);
    });
  }
}
