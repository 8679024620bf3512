import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AlertsModule } from '@tare/alerts';
import { BillingModule } from '@tare/billing';
import { CreditNoteSteps } from './credit-notes/credit-note-steps.ts';
import { CreditNoteSync } from './credit-notes/credit-note-sync.service.ts';
import { CreditNoteSyncStore } from './credit-notes/credit-note-sync.store.ts';
import { InvoiceOutcome } from './invoice-outcome.ts';
import { StripeClient } from './stripe-client.ts';
import { StripeConfiguration } from './stripe-configuration.ts';
import { StripeCustomerStore } from './stripe-customer.store.ts';
import { StripeCustomers } from './stripe-customers.service.ts';
import { StripeSyncStore } from './stripe-sync.store.ts';
import { StripeSync } from './stripe-sync.service.ts';
import { StripeWebhooks } from './stripe-webhooks.service.ts';
import { SyncAlerts } from './sync-alerts.ts';
import { SyncSteps } from './sync-steps.ts';
import { SyncTiming } from './sync-timing.ts';

/** Invoices and credit notes at Stripe. */
@Module({})
export class StripeModule {
  /** Configured by the environment as it is when the application starts, unless a configuration is given. */
  static register(configuration?: StripeConfiguration): DynamicModule {
    return configuration === undefined ? byEnvironment : moduleWith({ provide: StripeConfiguration, useValue: configuration });
  }
}

function moduleWith(configuration: Provider): DynamicModule {
  return {
    module: StripeModule,
    imports: [AlertsModule, BillingModule],
    providers: [
      configuration,
      ...[SyncTiming, StripeClient, StripeSyncStore, StripeCustomerStore, StripeCustomers],
      ...[SyncAlerts, InvoiceOutcome, SyncSteps, CreditNoteSyncStore, CreditNoteSteps, CreditNoteSync, StripeSync, StripeWebhooks],
    ],
    exports: [StripeConfiguration, StripeSync, CreditNoteSync, StripeWebhooks],
  };
}

/** One object, so that all who import it share one instance. */
const byEnvironment = moduleWith({
  provide: StripeConfiguration,
  useFactory: () => StripeConfiguration.fromEnvironment(process.env),
});
