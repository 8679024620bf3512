import { Injectable } from '@nestjs/common';
import { segmentEnd, type Instant, type Segment } from '@tare/core';
import { CreditsService, CreditStore } from '@tare/credits';
import type { Customer } from '@tare/customers';
import { Database } from '@tare/database';
import type { CreditStanding } from './customer-facts.ts';

export interface PossibleBurner {
  readonly customer: Customer;
  readonly segments: readonly Segment[];
}

/** What wallets hold, of customers whose usage burns credits and of those that have nothing else. */
@Injectable()
export class CreditStandings {
  constructor(
    private readonly database: Database,
    private readonly credits: CreditsService,
    private readonly store: CreditStore,
  ) {}

  /** By the id of the customer; those to whom credits do not matter are left out. */
  async load(tenantId: string, customers: readonly PossibleBurner[], at: Instant): Promise<Map<string, CreditStanding>> {
    const burners = customers.filter(({ segments }) => needsCredits(segments, at));
    const standings = await Promise.all(
      burners.map(async ({ customer }) => [customer.id, await this.standing(tenantId, customer, at)] as const),
    );
    return new Map(standings);
  }

  private async standing(tenantId: string, { id, key }: Customer, at: Instant): Promise<CreditStanding> {
    const { available } = await this.credits.balance(tenantId, key, at);
    return this.database.withTenant(tenantId, async (tx) => {
      const grants = await this.store.grants(tx, id);
      const changes = grants.flatMap(({ effectiveAt, expiresAt }) => [effectiveAt, expiresAt ?? at]).filter((change) => change > at);
      return {
        available,
        debt: await this.store.debt(tx, id),
        hasGrants: grants.length > 0,
        changesAt: changes.length === 0 ? null : Math.min(...changes),
      };
    });
  }
}

function needsCredits(segments: readonly Segment[], at: Instant): boolean {
  const running = segments.filter((segment) => segment.start <= at && at < (segmentEnd(segment) ?? Infinity));
  return running.length === 0 || running.some(({ terms }) => terms.burnRates.length > 0);
}
