import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { StripeModule } from '@tare/stripe';
import { CreditNoteDocumentsController } from './credit-note-documents.controller.ts';
import { CreditNoteViews } from './credit-note-views.ts';
import { CreditNotesResolver } from './credit-notes.resolver.ts';

@Module({
  imports: [BillingModule, StripeModule.register()],
  controllers: [CreditNoteDocumentsController],
  providers: [CreditNoteViews, CreditNotesResolver],
})
export class CreditNotesApiModule {}
