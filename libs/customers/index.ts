export { CustomersModule } from './customers.module.ts';
export { CustomerStore, type Customer } from './customer.store.ts';
export { CustomersService, type CustomerInput, type NewCustomerListener } from './customers.service.ts';
export { type DiscountInput } from './parse-discounts.ts';
export { runningSegmentAt, subscriptionStateAt, type SubscriptionState, type SubscriptionStatus } from './subscription-state.ts';
export { SubscriptionStore, type Subscription, type SubscriptionDiscount, type SubscriptionFilter } from './subscription.store.ts';
export {
  SubscriptionsService,
  type CancelSubscriptionInput,
  type ChangeSubscriptionInput,
  type SubscriptionInput,
  type SubscriptionView,
} from './subscriptions.service.ts';
