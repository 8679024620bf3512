import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';
import { UsageReader } from '@tare/usage';
import { BillingPeriodStore, type CustomerSubscription, type SubscriptionPage } from '../periods/billing-period.store.ts';
import { BillingStep, type StepRequest, type StepResult } from './billing-step.ts';

/** What is billed beside billing instants: how it is found, page by page in order of subscription, and billed, one subscription of each customer at a time. */
export interface SubscriptionWork {
  readonly read: (tx: TenantTransaction, page: SubscriptionPage) => Promise<CustomerSubscription[]>;
  readonly bill: (tx: TenantTransaction, subscriptions: readonly CustomerSubscription[]) => Promise<StepResult>;
}

/** The one list of it: runs do it for everybody, previews for one customer. */
@Injectable()
export class WorkBesideInstants {
  constructor(
    private readonly usage: UsageReader,
    private readonly periods: BillingPeriodStore,
    private readonly step: BillingStep,
  ) {}

  /** In the order in which it is done, when all instants that are due are billed. */
  of(request: StepRequest): readonly SubscriptionWork[] {
    return [this.supplements(request), this.thresholds(request)];
  }

  /** Late usage of subscriptions whose final invoice is out: a supplementary one each (SEMANTICS 6.3). */
  private supplements(request: StepRequest): SubscriptionWork {
    return {
      read: async (tx, page) => this.periods.endedWithLateUsage(tx, await this.usage.currentSeq(tx), page),
      bill: (tx, subscriptions) => this.step.billSupplements(tx, subscriptions, request),
    };
  }

  /** Usage so far of running periods that has reached the threshold of its plan (SEMANTICS 4.7): an invoice each, while the period goes on. */
  private thresholds(request: StepRequest): SubscriptionWork {
    return {
      read: (tx, page) => this.periods.runningWithThreshold(tx, request.asOf, page),
      bill: (tx, subscriptions) => this.step.billThresholds(tx, subscriptions, request),
    };
  }
}
