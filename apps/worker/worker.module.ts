import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { BillingModule } from '@tare/billing';
import { CostsModule } from '@tare/costs';
import { CreditsModule } from '@tare/credits';
import { DatabaseModule } from '@tare/database';
import { EntitlementsModule } from '@tare/entitlements';
import { JobsModule, type QueueConnection } from '@tare/jobs';
import { StripeModule } from '@tare/stripe';
import { MeterUsageModule, UsageModule } from '@tare/usage';
import { Handlers } from './handlers.ts';
import { TenantAlerts } from './tenant-alerts.ts';
import { UsageUpkeep } from './usage-upkeep.ts';

/** Says when, never what: jobs and their schedule over the slices. */
@Module({})
export class WorkerModule {
  static register(connection: QueueConnection): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        DatabaseModule.register({ url: connection.databaseUrl }),
        JobsModule.register(connection),
        AccessModule,
        BillingModule,
        CostsModule,
        CreditsModule,
        EntitlementsModule,
        StripeModule.register(),
        MeterUsageModule,
        UsageModule,
      ],
      providers: [Handlers, TenantAlerts, UsageUpkeep],
    };
  }
}
