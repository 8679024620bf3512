export { BillingModule } from './billing.module.ts';
export { BillingService, type BillingRun } from './runs/billing.service.ts';
export { InvoicesService, type InvoiceListRequest, type InvoiceView } from './invoices/invoices.service.ts';
export { DocumentsService, type DocumentFile } from './documents/documents.service.ts';
export { LineExplanations, type LineExplanation } from './explain/explain-line.ts';
export { type LineEvent, type LineEventPage, type LineEventState } from './explain/explain-line-events.ts';
export { lineHash } from './explain/explain-line-hash.ts';
export { InvoiceRecomputation } from './explain/recompute-invoice.ts';
export { MigrationPreviews, type MigrationEffect, type MigrationPreview } from './review/migration-preview.ts';
export { PlanReview } from './review/plan-review.ts';
export { NeededUsage, RECOMPUTE_DAYS } from './periods/needed-usage.store.ts';
export {
  PeriodFacts,
  type BillingHistory,
  type FactsQuery,
  type PeriodFactsResult,
  type PlannedSettlement,
} from './periods/period-facts.ts';
export { AllowanceStore } from './periods/allowance.store.ts';
export { allowancesAfter, historyAfter, openingHistory } from './periods/billing-history.ts';
export { billingInstants, type BillingInstant, type Part } from './periods/billing-instant.ts';
export { withFeesHandedOver } from './periods/handed-over.ts';
export { openFrom, undoneInstant } from './periods/undone-instants.ts';
export { Standings, type Course, type Standing } from './periods/standings.ts';
export { BillingPeriodStore, type BillingPeriod } from './periods/billing-period.store.ts';
export { InvoiceStore, placeOf, type Announcement, type DiscountUse, type InvoiceFilter } from './invoices/invoice.store.ts';
export type { InvoicePreview, PreviewState } from './invoices/invoice-preview.ts';
export type { Invoice, InvoiceDetail, InvoiceKind, InvoiceLine, InvoiceStatus, InvoiceWithLines } from './invoices/invoice.ts';
export {
  CreditNotesService,
  type CreditNoteInput,
  type CreditNoteListRequest,
  type CreditNoteView,
} from './credit-notes/credit-notes.service.ts';
export { CreditNoteStore } from './credit-notes/credit-note.store.ts';
export { CustomerBalances } from './credit-notes/customer-balance.store.ts';
export { OverpaidNotes } from './credit-notes/overpaid-notes.ts';
export { NumberSeries } from './invoices/number-series.store.ts';
export type { CreditNote, CreditNoteLine, CreditNoteSettlement, Credited } from './credit-notes/credit-note.ts';
export { CustomerTaxesService, type CustomerTaxInput } from './tax/customer-taxes.service.ts';
export type { CustomerTax } from './tax/customer-tax.store.ts';
export { TaxSource, type TaxQuestion } from './tax/tax-source.ts';
export { InvoiceRegeneration } from './runs/regenerate-invoice.ts';
export { EarlyFinalization } from './runs/finalize-invoice.ts';
export { InvoicePreviews } from './runs/invoice-previews.ts';
export { PrepaidInvoices } from './runs/prepaid-invoices.ts';
