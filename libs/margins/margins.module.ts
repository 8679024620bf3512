import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { BillingModule } from '@tare/billing';
import { CatalogModule } from '@tare/catalog';
import { CostsModule } from '@tare/costs';
import { CreditsModule } from '@tare/credits';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { BillingReplay } from './billing-replay.ts';
import { MarginContext } from './margin-context.ts';
import { MarginFactsReader } from './margin-facts-reader.ts';
import { MarginUsage } from './margin-usage.ts';
import { MarginsService } from './margins.service.ts';
import { People } from './people.ts';
import { RealRevenue } from './real-revenue.ts';
import { RevenueStore } from './revenue.store.ts';

/** What is left over. */
@Module({
  imports: [AccessModule, CatalogModule, CustomersModule, UsageModule, CostsModule, CreditsModule, BillingModule],
  providers: [RevenueStore, People, MarginContext, MarginUsage, BillingReplay, RealRevenue, MarginFactsReader, MarginsService],
  exports: [RevenueStore, People, MarginContext, MarginUsage, BillingReplay, RealRevenue, MarginFactsReader, MarginsService],
})
export class MarginsModule {}
