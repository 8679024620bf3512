import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { CatalogModule } from '@tare/catalog';
import { CreditsModule } from '@tare/credits';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { BillingPeriodStore } from './billing-period.store.ts';
import { BillingStep } from './billing-step.ts';
import { BillingService } from './billing.service.ts';
import { GuardBilledTime } from './guard-billed-time.ts';
import { InvoiceStore } from './invoice.store.ts';
import { InvoicesService } from './invoices.service.ts';
import { NeededUsage } from './needed-usage.store.ts';
import { PeriodFacts } from './period-facts.ts';
import { InvoiceRecomputation } from './recompute-invoice.ts';
import { Standings } from './standings.ts';

/** Closing periods and what comes of it. */
@Module({
  imports: [AccessModule, CatalogModule, CustomersModule, UsageModule, CreditsModule],
  providers: [
    BillingPeriodStore,
    InvoiceStore,
    Standings,
    PeriodFacts,
    BillingStep,
    BillingService,
    InvoicesService,
    InvoiceRecomputation,
    GuardBilledTime,
    NeededUsage,
  ],
  exports: [BillingPeriodStore, InvoiceStore, PeriodFacts, BillingService, InvoicesService, InvoiceRecomputation, NeededUsage],
})
export class BillingModule {}
