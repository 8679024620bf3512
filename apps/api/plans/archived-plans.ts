import { Injectable } from '@nestjs/common';
import { PlansService } from '@tare/catalog';
import type { Instant } from '@tare/core';
import DataLoader from 'dataloader';
import type { Plan } from './plans.types.ts';

type Loader = DataLoader<string, Instant | null>;

/** When plans were archived that were read without that (those of subscriptions): the plans of one request are one query. */
@Injectable()
export class ArchivedPlans {
  /** By the GraphQL context, which there is one of for each request. */
  private readonly loaders = new WeakMap<object, Loader>();

  constructor(private readonly plans: PlansService) {}

  async archivedAt(request: object, tenantId: string, plan: Plan): Promise<Instant | null> {
    if (plan.archivedAt !== undefined) return plan.archivedAt;
    let loader = this.loaders.get(request);
    if (loader === undefined) {
      loader = new DataLoader((ids) => this.loadMany(tenantId, ids));
      this.loaders.set(request, loader);
    }
    return loader.load(plan.id);
  }

  private async loadMany(tenantId: string, ids: readonly string[]): Promise<(Instant | null)[]> {
    const archived = await this.plans.archivedAt(tenantId, ids);
    return ids.map((id) => archived.get(id) ?? null);
  }
}
