import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { StripeModule } from '@tare/stripe';
import { DocumentsController } from './documents.controller.ts';
import { ExplainLineResolver } from './explain-line.resolver.ts';
import { InvoiceViews } from './invoice-views.ts';
import { InvoicesResolver } from './invoices.resolver.ts';

@Module({
  imports: [BillingModule, StripeModule.register()],
  controllers: [DocumentsController],
  providers: [InvoiceViews, InvoicesResolver, ExplainLineResolver],
})
export class InvoicesApiModule {}
