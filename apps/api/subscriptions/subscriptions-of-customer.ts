import { Injectable } from '@nestjs/common';
import { SubscriptionsService } from '@tare/customers';
import DataLoader from 'dataloader';
import { subscriptionOfView } from './subscription-of-view.ts';
import type { Subscription } from './subscriptions.types.ts';

type Loader = DataLoader<string, Subscription[]>;

/** Subscriptions of the customers of one request, read together: a page of customers is one query. */
@Injectable()
export class SubscriptionsOfCustomer {
  /** By the GraphQL context, which there is one of for each request. */
  private readonly loaders = new WeakMap<object, Loader>();

  constructor(private readonly service: SubscriptionsService) {}

  load(request: object, tenantId: string, customerId: string): Promise<Subscription[]> {
    let loader = this.loaders.get(request);
    if (loader === undefined) {
      loader = new DataLoader((ids) => this.loadMany(tenantId, ids));
      this.loaders.set(request, loader);
    }
    return loader.load(customerId);
  }

  private async loadMany(tenantId: string, customerIds: readonly string[]): Promise<Subscription[][]> {
    const found = await this.service.ofCustomers(tenantId, customerIds);
    return customerIds.map((id) => found.filter(({ customerId }) => customerId === id).map(subscriptionOfView));
  }
}
