import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { CatalogModule } from '@tare/catalog';
import { CreditsModule } from '@tare/credits';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { AllowanceStore } from './allowance.store.ts';
import { BillingPeriodStore } from './billing-period.store.ts';
import { BillingStep } from './billing-step.ts';
import { BillingService } from './billing.service.ts';
import { DocumentsService, PDF_FONTS } from './documents/documents.service.ts';
import { PartyStore } from './documents/party.store.ts';
import { pdfFontsFrom } from './documents/pdf-fonts.ts';
import { LineEvents } from './explain-line-events.ts';
import { LineExplanations } from './explain-line.ts';
import { ExplainLineStore } from './explain-line.store.ts';
import { GuardBilledTime } from './guard-billed-time.ts';
import { InvoiceStore } from './invoice.store.ts';
import { InvoicesService } from './invoices.service.ts';
import { MigrationPreviews } from './migration-preview.ts';
import { NeededUsage } from './needed-usage.store.ts';
import { PeriodFacts } from './period-facts.ts';
import { InvoiceRecomputation } from './recompute-invoice.ts';
import { PlanReview } from './plan-review.ts';
import { Standings } from './standings.ts';
import { CreditNotesService } from './credit-notes/credit-notes.service.ts';
import { CreditNoteStore } from './credit-notes/credit-note.store.ts';
import { CustomerBalances } from './credit-notes/customer-balance.store.ts';
import { EarlyFinalization } from './finalize-invoice.ts';
import { PrepaidInvoices } from './prepaid-invoices.ts';
import { InvoiceRegeneration } from './regenerate-invoice.ts';
import { NumberSeries } from './number-series.store.ts';
import { CustomerTaxesService } from './tax/customer-taxes.service.ts';
import { CustomerTaxStore } from './tax/customer-tax.store.ts';
import { OwnTaxRates } from './tax/own-tax-rates.ts';
import { TaxSource } from './tax/tax-source.ts';

/** Closing periods and what comes of it. */
@Module({
  imports: [AccessModule, CatalogModule, CustomersModule, UsageModule, CreditsModule],
  providers: [
    AllowanceStore,
    BillingPeriodStore,
    InvoiceStore,
    Standings,
    PeriodFacts,
    BillingStep,
    BillingService,
    InvoicesService,
    InvoiceRecomputation,
    ExplainLineStore,
    LineEvents,
    LineExplanations,
    PartyStore,
    DocumentsService,
    { provide: PDF_FONTS, useFactory: () => pdfFontsFrom(process.env) },
    GuardBilledTime,
    NeededUsage,
    MigrationPreviews,
    InvoiceRegeneration,
    EarlyFinalization,
    PrepaidInvoices,
    NumberSeries,
    CustomerBalances,
    CreditNoteStore,
    CreditNotesService,
    CustomerTaxStore,
    CustomerTaxesService,
    PlanReview,
    { provide: TaxSource, useClass: OwnTaxRates },
  ],
  exports: [
    AllowanceStore,
    BillingPeriodStore,
    InvoiceStore,
    PeriodFacts,
    BillingService,
    InvoicesService,
    InvoiceRecomputation,
    LineExplanations,
    DocumentsService,
    NeededUsage,
    MigrationPreviews,
    InvoiceRegeneration,
    EarlyFinalization,
    PrepaidInvoices,
    CreditNotesService,
    CreditNoteStore,
    CustomerTaxesService,
    TaxSource,
    PlanReview,
  ],
})
export class BillingModule {}
