import { Injectable } from '@nestjs/common';
import { requireKey, type Instant } from '@tare/core';
import type { Entitlement } from './entitlement.ts';
import { EntitlementMirror, type FactsReader } from './entitlement-mirror.ts';
import { CustomerView } from './customer-view.ts';
import { NOBODY } from './decide-entitlement.ts';
import { FactsLoader } from './facts-loader.ts';

const MOST_TENANTS = 1_000;
const CLOCK = { now: (): Instant => Date.now() * 1_000, ms: (): number => performance.now() };

/**
 * What customers may do now: fit to be asked before every call of a model. Answers come from a mirror in memory; the process that has it tells it what it
 * commits (`moved`, `changed`), what other processes commit is seen within a second.
 */
@Injectable()
export class EntitlementsService {
  private readonly mirrors = new Map<string, EntitlementMirror>();

  constructor(private readonly loader: FactsLoader) {}

  /** At once where it is known: the same object until something changes. @throws CodedError KEY_MISSING | KEY_TOO_LONG for a feature without a name */
  entitlement(tenantId: string, customer: string, feature: string): Entitlement | Promise<Entitlement> {
    requireKey(feature, 'feature');
    return this.mirrorOf(tenantId).entitlement(customer, feature);
  }

  /** The same as it is at an instant by what is stored now, past the mirror. */
  async entitlementAt(tenantId: string, customer: string, feature: string, at: Instant): Promise<Entitlement> {
    requireKey(feature, 'feature');
    const facts = (await this.loader.load(tenantId, { keys: [customer] }, at)).get(customer);
    return facts === undefined ? NOBODY : new CustomerView(facts, at).entitlement(feature);
  }

  /** Usage of customers was committed by this process. */
  moved(tenantId: string, customerNos: readonly number[]): void {
    this.mirrors.get(tenantId)?.moved(customerNos);
  }

  /** This process changed something else of one customer: its credits, for one. */
  customerChanged(tenantId: string, customer: string): void {
    this.mirrors.get(tenantId)?.customerChanged(customer);
  }

  /** This process changed something else of the tenant: a subscription, a cap, credits. */
  changed(tenantId: string): void {
    this.mirrors.get(tenantId)?.changed();
  }

  private mirrorOf(tenantId: string): EntitlementMirror {
    let mirror = this.mirrors.get(tenantId);
    if (mirror === undefined) {
      if (this.mirrors.size >= MOST_TENANTS) this.mirrors.clear();
      const reader: FactsReader = {
        read: (keys, at) => this.loader.load(tenantId, { keys }, at),
        reread: (known, at) => this.loader.reload(tenantId, known, at),
      };
      mirror = new EntitlementMirror(reader, CLOCK);
      this.mirrors.set(tenantId, mirror);
    }
    return mirror;
  }
}
