export { CreditNoteSync, type CreditNoteSyncView } from './credit-notes/credit-note-sync.service.ts';
export { StripeModule } from './stripe.module.ts';
export { StripeConfiguration, type StripeEnvironment, type StripeOptions } from './stripe-configuration.ts';
export { StripeSync, type InvoiceSync } from './stripe-sync.service.ts';
export { StripeWebhooks } from './stripe-webhooks.service.ts';
