export { BillingModule } from './billing.module.ts';
export { BillingService, type BillingRun } from './billing.service.ts';
export { InvoicesService, type InvoiceListRequest, type InvoiceView } from './invoices.service.ts';
export { DocumentsService, type DocumentFile } from './documents/documents.service.ts';
export { LineExplanations, type LineExplanation } from './explain-line.ts';
export { type LineEvent, type LineEventPage, type LineEventState } from './explain-line-events.ts';
export { lineHash } from './explain-line-hash.ts';
export { InvoiceRecomputation } from './recompute-invoice.ts';
export { MigrationPreviews, type MigrationEffect, type MigrationPreview } from './migration-preview.ts';
export { PlanReview } from './plan-review.ts';
export { NeededUsage, RECOMPUTE_DAYS } from './needed-usage.store.ts';
export { PeriodFacts, type BillingHistory, type FactsQuery, type PeriodFactsResult, type PlannedSettlement } from './period-facts.ts';
export { AllowanceStore } from './allowance.store.ts';
export { allowancesAfter, historyAfter, openingHistory } from './billing-history.ts';
export { billingInstants, subscriptionEnd, type BillingInstant, type Part } from './billing-instant.ts';
export { openFrom, undoneInstant } from './undone-instants.ts';
export { Standings, type Course, type Standing } from './standings.ts';
export { BillingPeriodStore, type BillingPeriod } from './billing-period.store.ts';
export { InvoiceStore, placeOf, type DiscountUse, type InvoiceFilter } from './invoice.store.ts';
export type { InvoicePreview } from './invoice-preview.ts';
export type { Invoice, InvoiceDetail, InvoiceKind, InvoiceLine, InvoiceStatus, InvoiceWithLines } from './invoice.ts';
export {
  CreditNotesService,
  type CreditNoteInput,
  type CreditNoteListRequest,
  type CreditNoteView,
} from './credit-notes/credit-notes.service.ts';
export { CreditNoteStore } from './credit-notes/credit-note.store.ts';
export { CustomerBalances } from './credit-notes/customer-balance.store.ts';
export { NumberSeries } from './number-series.store.ts';
export type { CreditNote, CreditNoteLine, CreditNoteSettlement, Credited } from './credit-notes/credit-note.ts';
export { CustomerTaxesService, type CustomerTaxInput } from './tax/customer-taxes.service.ts';
export type { CustomerTax } from './tax/customer-tax.store.ts';
export { TaxSource, type TaxQuestion } from './tax/tax-source.ts';
export { InvoiceRegeneration } from './regenerate-invoice.ts';
export { EarlyFinalization } from './finalize-invoice.ts';
export { PrepaidInvoices } from './prepaid-invoices.ts';
