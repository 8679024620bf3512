export { CustomersModule } from './customers.module.ts';
export { CustomerStore, type Customer } from './customer.store.ts';
export { SubscriptionStore, type Subscription, type SubscriptionDiscount, type SubscriptionFilter } from './subscription.store.ts';
