import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { TaxesResolver } from './taxes.resolver.ts';

@Module({ imports: [BillingModule], providers: [TaxesResolver] })
export class TaxesApiModule {}
