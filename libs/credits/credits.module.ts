import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { CreditStore } from './credit.store.ts';
import { CreditsService } from './credits.service.ts';
import { RatedUsageReader } from './rated-usage.ts';
import { Wallets } from './wallets.ts';

/** Prepaid credits: wallets, what is burnt from them, what expires. */
@Module({
  imports: [CatalogModule, CustomersModule, UsageModule],
  providers: [CreditStore, Wallets, RatedUsageReader, CreditsService],
  exports: [CreditStore, Wallets, RatedUsageReader, CreditsService],
})
export class CreditsModule {}
