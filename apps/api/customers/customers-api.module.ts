import { Module } from '@nestjs/common';
import { CustomersModule } from '@tare/customers';
import { SubscriptionsApiModule } from '../subscriptions/subscriptions-api.module.ts';
import { CustomersResolver } from './customers.resolver.ts';

@Module({ imports: [CustomersModule, SubscriptionsApiModule], providers: [CustomersResolver] })
export class CustomersApiModule {}
