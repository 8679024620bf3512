import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { StripeModule } from '@tare/stripe';
import { InvoiceViews } from './invoice-views.ts';
import { InvoicesResolver } from './invoices.resolver.ts';

@Module({ imports: [BillingModule, StripeModule.register()], providers: [InvoiceViews, InvoicesResolver] })
export class InvoicesApiModule {}
