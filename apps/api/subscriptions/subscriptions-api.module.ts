import { Module } from '@nestjs/common';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { AgreementsResolver } from './agreements.resolver.ts';
import { SubscriptionsResolver } from './subscriptions.resolver.ts';
import { RegisterBoundaries } from './register-boundaries.ts';
import { SubscriptionsOfCustomer } from './subscriptions-of-customer.ts';

@Module({
  imports: [CustomersModule, UsageModule],
  providers: [SubscriptionsResolver, AgreementsResolver, RegisterBoundaries, SubscriptionsOfCustomer],
  exports: [SubscriptionsOfCustomer],
})
export class SubscriptionsApiModule {}
