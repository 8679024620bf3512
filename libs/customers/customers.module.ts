import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { CustomerStore } from './customer.store.ts';
import { SubscriptionStore } from './subscription.store.ts';

/** Who is charged, and for what plan. */
@Module({ imports: [CatalogModule], providers: [CustomerStore, SubscriptionStore], exports: [CustomerStore, SubscriptionStore] })
export class CustomersModule {}
