import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CodedError } from '@tare/core';
import { SubscriptionsService } from '@tare/customers';
import { BillingPeriodStore } from './billing-period.store.ts';

/**
 * What is billed stays as it was billed (SEMANTICS 8.2): a subscription is not cut inside of a closed period, nor where a period begins whose fee is on a
 * finalized invoice. Billing would bill that time a second time.
 */
@Injectable()
export class GuardBilledTime implements OnModuleInit {
  constructor(
    private readonly subscriptions: SubscriptionsService,
    private readonly periods: BillingPeriodStore,
  ) {}

  onModuleInit(): void {
    this.subscriptions.guardCuts(async (tx, { subscriptionId, at }) => {
      if (!(await this.periods.isPast(tx, subscriptionId, at))) return;
      throw new CodedError('ALREADY_BILLED', 'This time is billed already: choose one inside of the period that runs.', 'at');
    });
  }
}
