import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { MigrationsResolver } from './migrations.resolver.ts';
import { AgreementsResolver } from './agreements.resolver.ts';
import { SubscriptionsResolver } from './subscriptions.resolver.ts';
import { RegisterBoundaries } from './register-boundaries.ts';
import { SubscriptionsOfCustomer } from './subscriptions-of-customer.ts';

@Module({
  imports: [CustomersModule, UsageModule, BillingModule],
  providers: [SubscriptionsResolver, AgreementsResolver, MigrationsResolver, RegisterBoundaries, SubscriptionsOfCustomer],
  exports: [SubscriptionsOfCustomer],
})
export class SubscriptionsApiModule {}
