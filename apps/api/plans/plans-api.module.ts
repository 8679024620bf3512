import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { CatalogModule } from '@tare/catalog';
import { ArchivedPlans } from './archived-plans.ts';
import { PlansResolver } from './plans.resolver.ts';

@Module({ imports: [CatalogModule, BillingModule], providers: [PlansResolver, ArchivedPlans] })
export class PlansApiModule {}
