import { Injectable } from '@nestjs/common';
import { TenantsService } from '@tare/access';
import { BillingService, PrepaidInvoices } from '@tare/billing';
import { instantOfDate } from '@tare/core';
import { RecostingService } from '@tare/costs';
import { DebitsService, UsageFollower } from '@tare/credits';
import { Queues, type JobHandler, type JobName } from '@tare/jobs';
import { StripeSync } from '@tare/stripe';
import { TenantAlerts } from './tenant-alerts.ts';
import { UsageUpkeep } from './usage-upkeep.ts';

/** How a job of one name is worked off. */
interface Work<Name extends JobName> {
  readonly handle: JobHandler<Name>;
  /** Jobs of this name at once in one process. */
  readonly concurrency: number;
}

/** What each job does: it calls one service of a slice. To add a job: its name in libs/jobs, its line here. */
@Injectable()
export class Handlers {
  readonly byName: { readonly [Name in JobName]: Work<Name> };

  constructor(
    private readonly tenants: TenantsService,
    private readonly queues: Queues,
    billing: BillingService,
    stripe: StripeSync,
    recosting: RecostingService,
    upkeep: UsageUpkeep,
    follower: UsageFollower,
    debits: DebitsService,
    prepaid: PrepaidInvoices,
    alerts: TenantAlerts,
  ) {
    this.byName = {
      'billing.run': { concurrency: 2, handle: async ({ tenantId }) => void (await billing.run(tenantId, instantOfDate(new Date()))) },
      'stripe.sync': { concurrency: 4, handle: ({ tenantId, invoiceId }) => stripe.step(tenantId, invoiceId) },
      'stripe.sweep': { concurrency: 1, handle: async () => void (await stripe.sweep()) },
      'costs.recost': { concurrency: 1, handle: async ({ tenantId }) => void (await recosting.run(tenantId)) },
      'credits.draw': { concurrency: 1, handle: () => this.draw(follower, debits, prepaid) },
      'meters.roll-up': { concurrency: 1, handle: () => upkeep.rollUp() },
      'usage.compact': { concurrency: 1, handle: () => upkeep.compact() },
      'usage.retain': { concurrency: 1, handle: () => upkeep.retain() },
      'entitlements.alert': { concurrency: 1, handle: () => alerts.run() },
      sweep: { concurrency: 1, handle: () => this.sweep() },
    };
  }

  /**
   * Whoever draws may ask for a top-up: its invoice is made right after, where the real clock counts; test tenants say themselves when they are billed.
   * @throws AggregateError after all had their turn: the next run takes it up again
   */
  private async draw(follower: UsageFollower, debits: DebitsService, prepaid: PrepaidInvoices): Promise<void> {
    const errors: unknown[] = [];
    for (const { id, live } of await this.tenants.list()) {
      const turns: (() => Promise<unknown>)[] = [() => follower.sweep(id), () => debits.releaseExpired(id)];
      if (live) turns.push(() => prepaid.bill(id, instantOfDate(new Date())));
      for (const turn of turns) {
        await turn().catch((error: unknown) => errors.push(error));
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} turns failed, the first with: ${String(errors[0])}`);
  }

  /**
   * Live tenants are billed by the real clock; test tenants only when somebody calls runBilling. Costs that have become known are filled in for all.
   */
  private async sweep(): Promise<void> {
    for (const { id: tenantId, live } of await this.tenants.list()) {
      if (live) await this.queues.enqueue('billing.run', { tenantId }, { jobId: tenantId });
      await this.queues.enqueue('costs.recost', { tenantId }, { jobId: tenantId });
    }
  }
}
