import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { CatalogModule } from '@tare/catalog';
import { CreditsModule } from '@tare/credits';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { AgreedBeforeStore } from './periods/agreed-before.store.ts';
import { AllowanceStore } from './periods/allowance.store.ts';
import { BillingPeriodStore } from './periods/billing-period.store.ts';
import { BillingStep } from './runs/billing-step.ts';
import { BillingService } from './runs/billing.service.ts';
import { DocumentsService, PDF_FONTS } from './documents/documents.service.ts';
import { PartyStore } from './documents/party.store.ts';
import { pdfFontsFrom } from './documents/pdf-fonts.ts';
import { LineEvents } from './explain/explain-line-events.ts';
import { LineExplanations } from './explain/explain-line.ts';
import { ExplainLineStore } from './explain/explain-line.store.ts';
import { GuardBilledTime } from './periods/guard-billed-time.ts';
import { LateRaters } from './periods/late-raters.ts';
import { LateExchangeRates } from './periods/late-exchange-rates.ts';
import { InvoiceStore } from './invoices/invoice.store.ts';
import { InvoicesService } from './invoices/invoices.service.ts';
import { MigrationPreviews } from './review/migration-preview.ts';
import { NeededUsage } from './periods/needed-usage.store.ts';
import { PeriodFacts } from './periods/period-facts.ts';
import { InvoiceRecomputation } from './explain/recompute-invoice.ts';
import { PlanReview } from './review/plan-review.ts';
import { Standings } from './periods/standings.ts';
import { CreditNotesService } from './credit-notes/credit-notes.service.ts';
import { CreditNoteStore } from './credit-notes/credit-note.store.ts';
import { CustomerBalances } from './credit-notes/customer-balance.store.ts';
import { OverpaidNotes } from './credit-notes/overpaid-notes.ts';
import { EarlyFinalization } from './runs/finalize-invoice.ts';
import { InvoicePreviews } from './runs/invoice-previews.ts';
import { PrepaidInvoices } from './runs/prepaid-invoices.ts';
import { InvoiceRegeneration } from './runs/regenerate-invoice.ts';
import { WorkBesideInstants } from './runs/work-beside-instants.ts';
import { NumberSeries } from './invoices/number-series.store.ts';
import { CustomerTaxesService } from './tax/customer-taxes.service.ts';
import { CustomerTaxStore } from './tax/customer-tax.store.ts';
import { OwnTaxRates } from './tax/own-tax-rates.ts';
import { TaxSource } from './tax/tax-source.ts';

/** Closing periods and what comes of it. */
@Module({
  imports: [AccessModule, CatalogModule, CustomersModule, UsageModule, CreditsModule],
  providers: [
    AgreedBeforeStore,
    AllowanceStore,
    BillingPeriodStore,
    InvoiceStore,
    Standings,
    PeriodFacts,
    BillingStep,
    WorkBesideInstants,
    BillingService,
    InvoicePreviews,
    InvoicesService,
    InvoiceRecomputation,
    ExplainLineStore,
    LineEvents,
    LineExplanations,
    PartyStore,
    DocumentsService,
    { provide: PDF_FONTS, useFactory: () => pdfFontsFrom(process.env) },
    GuardBilledTime,
    LateExchangeRates,
    LateRaters,
    NeededUsage,
    MigrationPreviews,
    InvoiceRegeneration,
    EarlyFinalization,
    PrepaidInvoices,
    NumberSeries,
    CustomerBalances,
    CreditNoteStore,
    CreditNotesService,
    OverpaidNotes,
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
    InvoicePreviews,
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
    OverpaidNotes,
    CustomerTaxesService,
    TaxSource,
    PlanReview,
  ],
})
export class BillingModule {}
