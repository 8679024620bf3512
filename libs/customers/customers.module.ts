import { Module } from '@nestjs/common';
import { CatalogModule } from '@tare/catalog';
import { CustomerStore } from './customer.store.ts';
import { CustomersService } from './customers.service.ts';
import { SubscriptionStore } from './subscription.store.ts';
import { SubscriptionsService } from './subscriptions.service.ts';

const providers = [CustomersService, SubscriptionsService, CustomerStore, SubscriptionStore];

/** Who is charged, and for what plan. */
@Module({ imports: [CatalogModule], providers, exports: providers })
export class CustomersModule {}
