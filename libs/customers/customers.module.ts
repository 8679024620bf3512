import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { CatalogModule } from '@tare/catalog';
import { AgreedPricesService } from './agreed-prices.service.ts';
import { CustomerStore } from './customer.store.ts';
import { CustomersService } from './customers.service.ts';
import { DiscountStore } from './discount.store.ts';
import { DiscountsService } from './discounts.service.ts';
import { MigrationStore } from './migration.store.ts';
import { MigrationsService } from './migrations.service.ts';
import { PausesService } from './pauses.service.ts';
import { SubscriptionEditor } from './subscription-editor.ts';
import { SubscriptionStore } from './subscription.store.ts';
import { SubscriptionsService } from './subscriptions.service.ts';

const services = [CustomersService, SubscriptionsService, AgreedPricesService, PausesService, DiscountsService, MigrationsService];
const stores = [CustomerStore, SubscriptionStore, DiscountStore, MigrationStore];

/** Who is charged, and for what plan. */
@Module({
  imports: [AccessModule, CatalogModule],
  providers: [...services, ...stores, SubscriptionEditor],
  exports: [...services, ...stores],
})
export class CustomersModule {}
