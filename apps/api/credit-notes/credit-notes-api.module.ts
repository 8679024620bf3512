import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { CreditNotesResolver } from './credit-notes.resolver.ts';

@Module({ imports: [BillingModule], providers: [CreditNotesResolver] })
export class CreditNotesApiModule {}
