import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SubscriptionsService } from '@tare/customers';
import { BillingPeriodStore } from './billing-period.store.ts';

/**
 * A subscription that begins, changes or ends with effect from a time that is over may take usage from the customer's other ones, or leave it to them (SEMANTICS 3.6). What
 * of theirs is closed is rated again: what it gives away comes back by a negative delta, so that nothing is charged twice, and what it gets is charged (8.3).
 */
@Injectable()
export class LateRaters implements OnModuleInit {
  constructor(
    private readonly subscriptions: SubscriptionsService,
    private readonly periods: BillingPeriodStore,
  ) {}

  onModuleInit(): void {
    this.subscriptions.onRatersChanged((tx, change) => this.periods.rateOthersAgain(tx, change));
  }
}
